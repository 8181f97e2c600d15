"""What people outside touch: the Python client and the command line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stellwerk.answer import Answer, Ticket
    from stellwerk.client import Client
    from stellwerk.stream import AnswerStream

__all__ = ["Answer", "AnswerStream", "Client", "Ticket"]

_HOMES = {
    "Answer": "stellwerk.answer",
    "AnswerStream": "stellwerk.stream",
    "Client": "stellwerk.client",
    "Ticket": "stellwerk.answer",
}


def __getattr__(name: str) -> object:
    """Import the client when it is first named, so that the command line starts quickly."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module stellwerk has no attribute {name}")
    return getattr(import_module(_HOMES[name]), name)
