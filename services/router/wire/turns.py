"""A conversation for wires that keep instructions apart and let roles take turns."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from services.router.wire.http import UnaskableError
from shared.contracts.requests import Message, Part, PartKind, RequestRedacted, Role, ToolCall

INSTRUCTING: Final = frozenset({Role.SYSTEM, Role.DEVELOPER})
MALFORMED: Final = "INVALID_JSON"
"""The field that arguments which are no object are sent in, as Anthropic's guide advises."""
Turn = tuple[str, list[dict[str, Any]]]
"""Who speaks, in the wire's own word, and the parts of what is said."""


def instructions_of(ask: RequestRedacted) -> str:
    """Return what the instructing turns say; empty if nobody would be left to speak."""
    if not any(_speaks(message) for message in ask.messages):
        return ""
    said = (_only_text(message) for message in ask.messages if not _speaks(message))
    return "\n\n".join(text for text in said if text.strip())


def spoken(ask: RequestRedacted) -> Iterator[Message]:
    """Yield the turns that are no instructions; if all are, the instructions as the user's."""
    if any(_speaks(message) for message in ask.messages):
        yield from (message for message in ask.messages if _speaks(message))
        return
    for message in ask.messages:
        yield message.model_copy(update={"role": Role.USER})


def together(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield turns with those of one role that follow each other as one, and no empty ones."""
    last: Turn | None = None
    for who, parts in turns:
        if not parts:
            continue
        if last is not None and last[0] == who:
            last[1].extend(parts)
            continue
        if last is not None:
            yield last
        last = who, list(parts)
    if last is not None:
        yield last


def parts_of(message: Message) -> Iterator[Part]:
    """Yield all that a turn says. Blank texts are left out: these wires refuse them."""
    parts = message.parts or (Part(kind=PartKind.TEXT, text=message.content),)
    for part in parts:
        if part.kind is not PartKind.TEXT or (part.text or "").strip():
            yield part


def arguments_of(call: ToolCall) -> orjson.Fragment:
    """Return the arguments of a call as an object, digit for digit as the model wrote them."""
    try:
        is_object = isinstance(orjson.loads(call.arguments or "{}"), dict)
    except orjson.JSONDecodeError:
        is_object = False
    if is_object:
        return orjson.Fragment(call.arguments or "{}")
    return orjson.Fragment(orjson.dumps({MALFORMED: call.arguments}))


def _speaks(message: Message) -> bool:
    return message.role not in INSTRUCTING


def _only_text(message: Message) -> str:
    parts = list(parts_of(message))
    if any(part.kind is not PartKind.TEXT for part in parts):
        raise UnaskableError("instructions that are more than text")
    return "\n".join(part.text or "" for part in parts)
