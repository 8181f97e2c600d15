"""Only shared/db.py ends a transaction.

Inbox, effect and outbox stand or fall together. A commit in the middle of a handler splits
them: a crash after it charges twice or forgets to tell the next service.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

MAY_COMMIT: Final = "shared/db.py"
ENDS: Final = frozenset({"commit", "rollback"})


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each call that ends a transaction elsewhere."""
    for file in tree.python("services/", "shared/", "stellwerk/", "deploy/"):
        if file.path == MAY_COMMIT:
            continue
        for node in ast.walk(file.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ENDS
            ):
                yield f"{file.path}:{node.lineno} calls {node.func.attr}(): the bus ends it"


RULE = Rule(
    check,
    broken=(
        {"services/billing/store.py": "await tx.commit()\n"},
        {"shared/outbox.py": "connection.rollback()\n"},
    ),
    kept=({"shared/db.py": "await transaction.commit()\n"},),
)
