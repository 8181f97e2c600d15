"""A function has at most 60 lines.

What a function does must be seen at once: a branch that is off the screen is a branch that
the reviewer did not check.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

LINES_MAX: Final = 60


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each function that is too long."""
    for file in tree.python():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES_MAX:
                    yield f"{file.path}:{node.lineno} {node.name} has {lines} lines"


RULE = Rule(
    check,
    broken=({"shared/db.py": "async def f():\n" + "    x = 1\n" * 60},),
    kept=({"shared/db.py": "def f():\n" + "    x = 1\n" * 59},),
)
