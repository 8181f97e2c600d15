"""Only shared/bus/, and who calls a strategy, catches every exception and keeps it.

The bus decides what a failure means: retry, dead letter, pause. Code that catches everything
before the bus sees it acknowledges a message it did not handle, and the message is lost
without a trace.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

BLANKET: Final = frozenset({"Exception", "BaseException"})
MAY_CATCH_ALL: Final = (
    "shared/bus/",
    # Calls somebody else's code between two steps of ours, and goes on in the table's order.
    "services/router/strategies/base.py",
)


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each blanket handler and each `suppress(Exception)`."""
    for file in tree.python():
        if file.path.startswith(MAY_CATCH_ALL):
            continue
        for node in ast.walk(file.tree):
            if _catches_all(node):
                line = getattr(node, "lineno", 0)
                yield f"{file.path}:{line} catches every exception: name the ones it expects"


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return (node.type is None or _names_all(node.type)) and not _passes_on(node)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(_names_all(argument) for argument in node.args)
    return False


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Return whether the exception still reaches somebody: raised again, or given to a future."""
    last = handler.body[-1]
    raised = isinstance(last, ast.Raise) and last.exc is None
    handed = f".set_exception({handler.name})" if handler.name else None
    return raised or (handed is not None and handed in ast.unparse(handler))


def _names_all(node: ast.expr) -> bool:
    named = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(name, ast.Name) and name.id in BLANKET for name in named)


_HANDED_ON: Final = {
    "services/router/commits.py": (
        "try:\n    f()\nexcept BaseException as e:\n    waiting.set_exception(e)\n"
    ),
}
_TRY = "try:\n    f()\nexcept{}:\n    pass\n"
RULE = Rule(
    check,
    broken=(
        {"services/router/handlers.py": _TRY.format("")},
        {"services/router/handlers.py": _TRY.format(" Exception as error")},
        {"shared/db.py": _TRY.format(" (OSError, BaseException)")},
        {"stellwerk/cli.py": "try:\n    f()\nexcept Exception as e:\n    raise E from e\n"},
        {"stellwerk/cli.py": "with contextlib.suppress(Exception):\n    f()\n"},
    ),
    kept=(
        {"services/router/handlers.py": _TRY.format(" (OSError, ValueError)")},
        {"shared/bus/batch.py": _TRY.format(" Exception")},
        _HANDED_ON,
        {"deploy/local/files.py": "try:\n    f()\nexcept BaseException:\n    g()\n    raise\n"},
    ),
)
