"""Invented conversations with tools, and answers read however the network cut them."""

import itertools
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Protocol

from hypothesis import strategies as st

from services.router.answer import Answer, Whole
from services.router.providers.base import CallPart, Ended, Piece, Reasoning, Text
from shared.contracts.requests import Message, RequestRedacted, Role, Tool, ToolCall
from tests.unit.router.world import request

CALL_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,40}", fullmatch=True)
TOOL_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
).filter(lambda text: bool(text.strip()))
NAMES = ("af", "beløb", "order number", "ключ", "\U0001f511")
_NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=9).map(lambda one: f"{one:f}"),
)
_VALUES = st.recursive(
    st.one_of(_NUMBERS, TEXTS.map(json.dumps), st.sampled_from(["true", "false", "null"])),
    lambda inner: st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]"),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.sampled_from(NAMES), _VALUES, min_size=1).map(
    lambda found: "{" + ",  ".join(f"{json.dumps(key)}: {found[key]}" for key in found) + "}"
)
"""JSON source text of objects, with more digits and blanks than a reader of JSON keeps."""
MANY_DIGITS = '{"konto": 12345678901234567890123, "beløb": 12345678901234567.89, "sats": 1.50}'
CALLS = st.builds(ToolCall, id=CALL_IDS, name=TOOL_NAMES, arguments=ARGUMENTS)


class _Reader(Protocol):
    def feed(self, received: bytes) -> Iterable[Piece]: ...


@st.composite
def conversations(draw: st.DrawFn) -> RequestRedacted:
    """Return a question, calls that follow it, their results, and the functions there are."""
    calls = draw(st.lists(CALLS, min_size=1, max_size=4, unique_by=lambda call: call.id))
    results = [Message(role=Role.TOOL, content=draw(TEXTS), tool_call_id=call.id) for call in calls]
    messages = (
        Message(role=Role.SYSTEM, content=draw(TEXTS)),
        Message(role=Role.USER, content=draw(TEXTS)),
        Message(role=Role.ASSISTANT, content=draw(st.just("") | TEXTS), tool_calls=tuple(calls)),
        *results,
        Message(role=Role.USER, content=draw(TEXTS)),
    )
    tools = tuple(Tool(name=name) for name in {call.name for call in calls})
    return request(messages=messages, tools=tools)


def meant(arguments: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    """Return what arguments say, with every digit."""
    return json.loads(arguments, parse_float=Decimal, parse_int=Decimal)


def heard(reader: _Reader, stream: bytes, cuts: Sequence[int] = ()) -> list[Piece]:
    """Return the pieces of a stream that the network cut there."""
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [
        piece
        for start, end in itertools.pairwise(edges)
        for piece in reader.feed(stream[start:end])
    ]


def settled(pieces: Iterable[Piece]) -> list[Piece]:
    """Return pieces with those that continue each other as one, so that cuts do not show."""
    found: list[Piece] = []
    for piece in pieces:
        match found[-1] if found else None, piece:
            case Text(before), Text(text):
                found[-1] = Text(before + text)
            case Reasoning(before), Reasoning(text):
                found[-1] = Reasoning(before + text)
            case CallPart() as last, CallPart(index, "", "", more) if index == last.index:
                found[-1] = CallPart(index, last.id, last.name, last.arguments + more)
            case _:
                found.append(piece)
    return found


def whole(pieces: Iterable[Piece], *, by_body: bool = False) -> Whole:
    """Return the whole answer that pieces make; the body ends regularly if the wire needs it."""
    answer = Answer()
    for piece in (*pieces, *((Ended(),) if by_body else ())):
        answer.add(piece)
    return answer.whole()
