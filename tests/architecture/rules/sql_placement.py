"""SQL stands in store.py, tables, migrations and views, and where databases are set up.

Whoever asks what touches a table must find all of it in one file. Statements elsewhere miss
the transaction, the inbox and the next change of the table. The command line may read what
is published for everyone: `SELECT ... FROM <name>_v1`.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceFile, SourceTree

STATEMENT: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|TRUNCATE|MERGE)\s")
PUBLISHED: Final = re.compile(r"\s*SELECT\s[^;]*\sFROM\s+[a-z_.]+_v\d+\b")
HOME: Final = re.compile(
    r"services/[a-z]+/(store\.py|migrations/.*)"
    r"|shared/db\.py|deploy/provision/database\.py",
)


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each statement that stands elsewhere."""
    for file in tree.python("services/", "shared/", "stellwerk/", "deploy/"):
        if HOME.fullmatch(file.path):
            continue
        for node in ast.walk(file.tree):
            if _is_statement(node) and not _is_published_read(file, node):
                line = getattr(node, "lineno", 0)
                yield f"{file.path}:{line} holds SQL: move it to store.py"


def _is_statement(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and STATEMENT.match(node.value) is not None
    )


def _is_published_read(file: SourceFile, node: ast.AST) -> bool:
    return (
        file.path.startswith("stellwerk/")
        and isinstance(node, ast.Constant)
        and PUBLISHED.match(str(node.value)) is not None
    )


_READ: Final = 'ROWS = "SELECT a FROM {}"\n'
RULE = Rule(
    check,
    broken=(
        {"services/billing/handlers.py": _READ.format("holds")},
        {"services/billing/handlers.py": 'x = f"INSERT INTO {table} VALUES (1)"\n'},
        {"services/audit/domain.py": 'x = """\n    DELETE FROM leaves\n"""\n'},
        {"shared/bus/inbox.py": 'x = "UPDATE inbox SET a = 1"\n'},
        {"stellwerk/cli.py": _READ.format("billing.holds")},
        {"stellwerk/cli.py": 'x = "INSERT INTO audit.leaves_v1 VALUES (1)"\n'},
    ),
    kept=(
        {"services/billing/store.py": _READ.format("holds")},
        {"services/billing/migrations/0001_initial.py": _READ.format("holds")},
        {"shared/db.py": _READ.format("inbox")},
        {"stellwerk/audit.py": _READ.format("audit.leaves_v1")},
        {"stellwerk/cli.py": 'HELP = "Select the model"\n'},
    ),
)
