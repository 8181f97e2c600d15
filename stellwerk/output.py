"""What commands print: tables for people, JSON for programs, and errors as one sentence."""

import json
import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from rich.console import Console

TRACEBACK_VARIABLE: Final = "STELLWERK_TRACEBACK"
WIDTH_MIN: Final = 110


def console() -> Console:
    """Return where tables go; away from a terminal they are wide enough and without colours."""
    wide = None if sys.stdout.isatty() else WIDTH_MIN
    return Console(highlight=False, markup=False, emoji=False, width=wide)


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON document that `jq` and people can read."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def complain(sentence: str) -> None:
    """Say on standard error what went wrong."""
    print(f"stellwerk: {sentence}", file=sys.stderr)


def one_sentence(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print a fault of ours without its values: the text of an exception may hold personal data."""
    if TRACEBACK_VARIABLE in os.environ:
        sys.__excepthook__(kind, error, traceback)
        return
    complain(
        f"This should not happen ({kind.__name__}). Run it again with {TRACEBACK_VARIABLE}=1 "
        "and file an issue with what it prints; check first that no personal data is in it."
    )
