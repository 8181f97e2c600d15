"""No module or class is called utils, helpers, common or manager.

Such a name says that nobody decided what the thing is. It attracts whatever has no home, and
after a year everything imports it.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

FORBIDDEN: Final = frozenset(
    {"util", "utils", "utility", "utilities", "helper", "helpers", "common", "commons"}
    | {"manager", "managers", "misc", "impl", "abstract"},
)
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each module, folder and class with a name that says nothing."""
    for file in tree.python():
        for part in file.path.removesuffix(".py").split("/"):
            if word := _empty_word(part):
                yield f"{file.path} is named after a {word!r}: name what it does"
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ClassDef) and (word := _empty_word(node.name)):
                yield f"{file.path}:{node.lineno} {node.name} is named after a {word!r}"


def _empty_word(name: str) -> str | None:
    words = (word.lower() for word in WORD.findall(name))
    return next((word for word in words if word in FORBIDDEN), None)


RULE = Rule(
    check,
    broken=(
        {"shared/utils.py": ""},
        {"services/router/http_helpers.py": ""},
        {"shared/common/__init__.py": ""},
        {"shared/bus/connection.py": "class ConnectionManager: ...\n"},
        {"services/router/domain.py": "class AbstractRouter: ...\n"},
    ),
    kept=({"shared/bus/connection.py": "class Connection: ...\nclass HTTPAddress: ...\n"},),
)
