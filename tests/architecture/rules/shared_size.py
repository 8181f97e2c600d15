"""shared/ without the contracts has at most 2,500 lines.

Shared code is where every service's special case goes to live. Past this size a change for
one service can no longer be reviewed for its effect on all of them.
"""

from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

LINES_MAX: Final = 2_500


def check(tree: SourceTree) -> Iterator[str]:
    """Yield one sentence if shared/ is too large."""
    counted = [f for f in tree.python("shared/") if not f.path.startswith("shared/contracts/")]
    lines = sum(file.line_count for file in counted)
    if lines > LINES_MAX:
        yield f"shared/ without contracts has {lines} lines; at most {LINES_MAX}"


RULE = Rule(
    check,
    broken=({"shared/db.py": "x = 1\n" * 2_000, "shared/bus/pull.py": "x = 1\n" * 501},),
    kept=({"shared/db.py": "x = 1\n" * 2_000, "shared/contracts/event.py": "x = 1\n" * 600},),
)
