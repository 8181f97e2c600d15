"""A log call gets a fixed event name and fields, never a sentence put together.

A sentence cannot be searched or counted, and it is how a value from a prompt reaches the
log: the field that holds it is visible in review, the f-string is not.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

LEVELS: Final = frozenset(
    {"debug", "info", "warning", "error", "critical", "exception", "log"},
)
LOGGER: Final = re.compile(r"(.*[._])?log(ger|ging)?(\(\))?|.*getlogger\(.*\)")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each log call with a text put together in place."""
    for file in tree.python():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and _is_log_call(node) and _puts_text_together(node):
                yield f"{file.path}:{node.lineno} builds a sentence in a log call: pass fields"


def _is_log_call(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in LEVELS:
        return False
    return LOGGER.fullmatch(ast.unparse(call.func.value).lower()) is not None


def _puts_text_together(call: ast.Call) -> bool:
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(_is_built(part) for argument in arguments for part in ast.walk(argument))


def _is_built(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod | ast.Add) and (
            _is_text(node.left) or _is_text(node.right)
        )
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    return isinstance(node, ast.JoinedStr)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _line(call: str) -> dict[str, str]:
    return {"services/router/handlers.py": f"{call}\n"}


RULE = Rule(
    check,
    broken=(
        _line("log.info(f'asked {prompt}')"),
        _line("logger.warning('asked %s' % prompt)"),
        _line("self._log.error('asked {}'.format(prompt))"),
        _line("logging.getLogger(__name__).info('asked ' + prompt)"),
        _line("_LOG.info('asked', extra={'who': f'{user}'})"),
    ),
    kept=(
        _line("log.info('request_routed', extra={'request_id': request_id})"),
        _line("catalog.info(f'{name}')"),
        _line("log.info('retry', extra={'attempt': attempt + 1})"),
    ),
)
