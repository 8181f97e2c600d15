"""A domain.py decides; it reads no clock, draws no random number and opens nothing.

A decision that depends on something other than its arguments cannot be replayed: an auditor
who asks why a request went to a model would get another answer than the platform had.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

IMPURE_MODULES: Final = frozenset(
    {"asyncio", "os", "pathlib", "random", "secrets", "socket", "subprocess", "time"},
)
IMPURE_CALLS: Final = frozenset(
    {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7", "new_id", "open", "urandom"},
)


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each import and call that makes a decision depend on the world."""
    for file in tree.python("services/"):
        if file.name != "domain.py":
            continue
        for node in ast.walk(file.tree):
            for name in _impure(node):
                yield f"{file.path}:{getattr(node, 'lineno', 0)} uses {name}: pass the value in"


def _impure(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names if a.name.split(".")[0] in IMPURE_MODULES)
    elif isinstance(node, ast.ImportFrom) and node.module:
        if node.module.split(".")[0] in IMPURE_MODULES:
            yield node.module
    elif isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in IMPURE_CALLS:
            yield f"{called}()"
    elif isinstance(node, ast.AsyncFunctionDef):
        yield f"async def {node.name}"


def _domain(text: str) -> dict[str, str]:
    return {"services/router/domain.py": text}


RULE = Rule(
    check,
    broken=(
        _domain("import random\n"),
        _domain("from time import monotonic\n"),
        _domain("from datetime import UTC, datetime\nx = datetime.now(UTC)\n"),
        _domain("from uuid import uuid4\nx = uuid4()\n"),
        _domain("async def choose(): ...\n"),
    ),
    kept=(
        _domain("from datetime import datetime\ndef late(now: datetime) -> bool: ...\n"),
        {"services/router/handlers.py": "import time\n"},
    ),
)
