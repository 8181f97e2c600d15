"""Cohere's chat and embeddings, version 2.

`base_url` stands without a version, as the list of models is still version 1's; one that ends in
`/v2` is taken as well. One request embeds at most 96 texts; Cohere rejects more.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import orjson

from services.router.faults import ErrorClass
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Endpoint,
    Outgoing,
    Piece,
    Reasoning,
    Stopped,
    Text,
    Vectors,
)
from services.router.wire import chat
from services.router.wire.connections import Headers
from services.router.wire.events import EventReader
from services.router.wire.fields import array_in, member_in, object_in, text_in
from services.router.wire.http import (
    BadAnswerError,
    HttpProvider,
    StatusError,
    UnaskableError,
    classified,
)
from services.router.wire.options import checked
from services.router.wire.vectors import packed
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import (
    TOOLS_MAX,
    EmbeddingPurpose,
    Operation,
    PartKind,
    RequestRedacted,
)

WIRE: Final = "cohere"
OPTIONS: Final = frozenset[str]()
_VERSION: Final = "/v2"
_DONE: Final = b"[DONE]"
_REASONS: Final = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
}
_FAILURES: Final = {"ERROR": 500, "TIMEOUT": 504}
"""Reasons that are none: what came before them is half an answer."""
_PURPOSES: Final = {
    EmbeddingPurpose.DOCUMENT: "search_document",
    EmbeddingPurpose.QUERY: "search_query",
    EmbeddingPurpose.CLASSIFICATION: "classification",
    EmbeddingPurpose.CLUSTERING: "clustering",
}
_KINDS: Final = (PartKind.TEXT, PartKind.IMAGE)
_P_MIN: Final = 0.01
_P_MAX: Final = 0.99
# https://docs.cohere.com/reference/errors; the other "too many tokens" is about max_tokens.
_TOO_LONG: Final = re.compile(rb"too many tokens: (?!max)", re.IGNORECASE)
_SPENT: Final = re.compile(rb"calls / month", re.IGNORECASE)
_BAD_REQUEST: Final = 400
_TOO_MANY: Final = 429


def connect(endpoint: Endpoint) -> HttpProvider:
    """Return a provider; raises `ValueError` for a bad address and for an unknown option."""
    unversioned = endpoint.base_url.rstrip("/").removesuffix(_VERSION)
    endpoint = replace(checked(endpoint, OPTIONS), base_url=unversioned)
    return HttpProvider(endpoint, Cohere(endpoint), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError):
        if error.status == _BAD_REQUEST and _TOO_LONG.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if error.status == _TOO_MANY and _SPENT.search(error.body):
            return ErrorClass.QUOTA_SPENT
    return classified(error)


class Cohere:
    """What Cohere's wire says its own way."""

    stream_type = b"text/event-stream"

    def __init__(self, endpoint: Endpoint) -> None:
        key = endpoint.key
        self._auth: list[tuple[bytes, bytes]] = []
        if key is not None:
            self._auth = [(b"Authorization", f"Bearer {key.get_secret_value()}".encode())]

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a chat, or an embedding of all messages."""
        embeds = ask.operation is Operation.EMBED
        wanted = _embedding(ask, model) if embeds else _chat(ask, model, output_tokens_max)
        path = f"{_VERSION}/{'embed' if embeds else 'chat'}"
        return Outgoing(path, orjson.dumps(wanted), stream=ask.stream and not embeds)

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the key."""
        del method, path, body
        return self._auth

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield an answer that came in one body."""
        answer = object_in(body)
        if "embeddings" in answer:
            vectors = array_in(member_in(answer, "embeddings"), "float")
            yield Vectors(tuple(packed(vector) for vector in vectors))
            yield from _counted(answer.get("meta"))
            yield Stopped(FinishReason.STOP)
        else:
            message = member_in(answer, "message")
            yield from _planned(message)
            for content in array_in(message, "content"):
                yield from _said(content)
            yield from chat.calls_of(message.get("tool_calls"))
            yield from _ended(answer)
        yield Ended()

    def reader(self) -> "Events":
        """Return a reader of server-sent events."""
        return Events()

    def probe_path(self) -> str:
        """Return a page of the list of models; it costs nothing."""
        return "/v1/models?page_size=1"


class Events:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self._events = EventReader()
        self._begun: set[int] = set()

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Yield what the bytes complete."""
        for event in self._events.feed(received):
            if event == _DONE:
                continue  # Some send it behind the end.
            data = object_in(event)
            kind = text_in(data, "type")
            if not kind:
                raise BadAnswerError("an event of no type")
            if kind == "message-end":
                yield from _ended(member_in(data, "delta"))
                yield Ended()
            elif kind in ("content-start", "content-delta"):
                yield from _said(_message(data).get("content"))
            elif kind == "tool-plan-delta":
                yield from _planned(_message(data))
            elif kind in ("tool-call-start", "tool-call-delta"):
                yield self._call(data, begins=kind == "tool-call-start")

    def _call(self, data: dict[str, Any], *, begins: bool) -> CallPart:
        index = data.get("index")
        if not isinstance(index, int) or not 0 <= index < TOOLS_MAX:
            raise BadAnswerError("a piece of a call that says not of which")
        if begins == (index in self._begun):
            raise BadAnswerError("a call that begins twice, or never")
        self._begun.add(index)
        call = member_in(_message(data), "tool_calls")
        (part,) = chat.call_parts_of([{**call, "index": index}])
        return part


# --- what is asked -----------------------------------------------------------------------


def _chat(ask: RequestRedacted, model: str, output_tokens_max: int) -> dict[str, Any]:
    if any(part.kind not in _KINDS for message in ask.messages for part in message.parts):
        raise UnaskableError("a sound or a file")
    wanted: dict[str, Any] = {
        "model": model,
        "messages": [_turn(said) for said in chat.messages_of(ask)],
        "max_tokens": output_tokens_max,
        "stream": ask.stream,
        **_tools(ask),
    }
    if ask.top_p is not None:
        # Cohere refuses 0 and 1; its own value, which it takes if there is none, is 0.75.
        wanted["p"] = min(max(ask.top_p, _P_MIN), _P_MAX)
    for name in ("temperature", "presence_penalty", "frequency_penalty", "seed"):
        if (stated := getattr(ask, name)) is not None:
            wanted[name] = stated
    return wanted


def _turn(said: dict[str, Any]) -> dict[str, Any]:
    """Return a turn without what Cohere's wire has no field for."""
    return {name: value for name, value in said.items() if name != "name" and value is not None}


def _tools(ask: RequestRedacted) -> dict[str, Any]:
    """Return the functions on offer. To call a certain one means to call any of that one."""
    certain = ask.tool_choice if ask.tool_choice not in chat.CHOICES else None
    tools = [tool for tool in ask.tools if certain in (None, tool.name)]
    if not tools:
        return {}
    fields: dict[str, Any] = {"tools": []}
    for tool in tools:
        function = tool.model_dump(exclude_none=True, exclude={"strict"})
        function.setdefault("parameters", {"type": "object", "properties": {}})
        fields["tools"].append({"type": "function", "function": function})
    if all(tool.strict for tool in tools):
        fields["strict_tools"] = True
    if certain or ask.tool_choice == "required":
        fields["tool_choice"] = "REQUIRED"
    elif ask.tool_choice == "none":
        fields["tool_choice"] = "NONE"
    return fields


def _embedding(ask: RequestRedacted, model: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "model": model,
        "texts": [message.content for message in ask.messages],
        "input_type": _PURPOSES[ask.embedding_purpose],
        "embedding_types": ["float"],
        "truncate": "NONE",  # A text that is too long is refused, not cut unseen.
    }
    if ask.dimensions is not None:
        wanted["output_dimension"] = ask.dimensions
    return wanted


# --- what is answered --------------------------------------------------------------------


def _message(data: dict[str, Any]) -> dict[str, Any]:
    return member_in(member_in(data, "delta"), "message")


def _planned(message: dict[str, Any]) -> Iterator[Piece]:
    """Yield what the model plans to look up, before it does."""
    if plan := text_in(message, "tool_plan"):
        yield Reasoning(plan)


def _said(content: object) -> Iterator[Piece]:
    if not isinstance(content, dict):
        raise BadAnswerError("content that is no object")
    if thought := text_in(content, "thinking"):
        yield Reasoning(thought)
    if text := text_in(content, "text"):
        yield Text(text)


def _ended(said: dict[str, Any]) -> Iterator[Piece]:
    """Yield counts and reason; raise for a reason that is none."""
    stated = text_in(said, "finish_reason")
    if stated in _FAILURES:
        raise StatusError(_FAILURES[stated])
    if stated not in _REASONS:
        raise BadAnswerError("no reason why it ended, or an unknown one")
    yield from _counted(said.get("usage"))
    yield Stopped(_REASONS[stated])


def _counted(said: object) -> Iterator[Piece]:
    """Yield what Cohere bills; nothing if it did not say, or nonsense.

    `tokens` also counts what Cohere itself writes around a request, and `cached_tokens` is a part
    of that: neither is billed (https://docs.cohere.com/docs/how-does-cohere-pricing-work).
    """
    billed = said.get("billed_units") if isinstance(said, dict) else None
    if not isinstance(billed, dict) or "input_tokens" not in billed:
        return
    read, written = billed["input_tokens"], billed.get("output_tokens", 0)
    # They are written as 34.0 too.
    if all(isinstance(one, int | float) and 0 <= one == one // 1 for one in (read, written)):
        yield Counted(TokenUsage(input_tokens=int(read), output_tokens=int(written)))
