"""The HTTP dialects that callers may speak, one a file. `load` finds them all."""

from typing import Final, cast

from services.gateway.dialects.base import Dialect
from shared import plugins

ENTRY_POINTS: Final = "stellwerk.dialects"


def load() -> list[Dialect]:
    """Return every dialect of this folder and of the entry-point group, sorted by name."""
    return cast("list[Dialect]", plugins.load(__name__, Dialect, ENTRY_POINTS))
