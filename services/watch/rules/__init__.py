"""One rule a file. `load` finds them all; `docs/how-to/add-a-rule.md` says how to add one."""

from typing import Final, cast

from services.watch.rules.base import Rule
from shared import plugins

ENTRY_POINTS: Final = "stellwerk.rules"


def load() -> list[Rule]:
    """Return every rule of this folder and of the entry-point group.

    Rules whose trouble may be explained by other rules come after those.
    """
    found = cast("list[Rule]", plugins.load(__name__, Rule, ENTRY_POINTS))
    return sorted(found, key=lambda rule: (len(rule.EXPLAINED_BY), rule.NAME))
