"""A Python file has at most 400 lines, and a service's `__main__.py` at most 60.

A stranger has ten minutes. A file that does not fit into one reading holds more than one
job, and the second job is the one nobody finds; `__main__.py` is the map of its service and
stops being one when it has to be scrolled.
"""

from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceFile, SourceTree

LINES_MAX: Final = 400
MAIN_LINES_MAX: Final = 60


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each file that is too long."""
    for file in tree.python():
        limit = _limit(file)
        if file.line_count > limit:
            yield f"{file.path} has {file.line_count} lines; at most {limit}: split it by job"


def _limit(file: SourceFile) -> int:
    is_main = file.name == "__main__.py" and file.folders[0] == "services"
    return MAIN_LINES_MAX if is_main else LINES_MAX


RULE = Rule(
    check,
    broken=(
        {"services/router/handlers.py": "x = 1\n" * 401},
        {"services/router/__main__.py": "x = 1\n" * 61},
    ),
    kept=({"services/router/handlers.py": "x = 1\n" * 400},),
)
