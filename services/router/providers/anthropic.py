"""Anthropic's messages, as Anthropic, llama.cpp and some gateways speak them.

Option `auth: bearer` sends the key as `Authorization`, `version` another `anthropic-version` than
the usual one. `sampling: none` leaves temperature and top_p away, which newer models refuse.
"""

import re
from collections.abc import Iterator
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
)
from services.router.wire import messages
from services.router.wire.connections import Headers
from services.router.wire.events import EventReader
from services.router.wire.fields import (
    array_in,
    counts_in,
    exact_object_in,
    json_text,
    member_in,
    object_in,
    text_in,
)
from services.router.wire.http import (
    BadAnswerError,
    HttpProvider,
    StatusError,
    UnaskableError,
    classified,
)
from services.router.wire.options import checked, one_of
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import Operation, RequestRedacted

WIRE: Final = "anthropic"
OPTIONS: Final = frozenset({"auth", "version", "sampling"})
VERSION: Final = "2023-06-01"
_REASONS: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    # `pause_turn` is missing here on purpose: the model has not finished, so it is no answer.
}
_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
_REJECTED: Final = 400
_SERVER_ERROR: Final = 500
# "prompt is too long: 207791 tokens > 200000 maximum", "input length and `max_tokens` exceed
# context limit: …"; llama.cpp has a type of its own. The API has no code for either.
_CONTEXT: Final = re.compile(
    rb"prompt is too long|exceeds? (?:the )?context limit|exceed_context_size_error"
)
_QUOTA: Final = re.compile(
    rb"credit balance is too low|reached your specified [A-Za-z ]{0,40}limits"
)


def connect(endpoint: Endpoint) -> HttpProvider:
    """Return a provider; raises `ValueError` for a bad address and for an unknown option."""
    return HttpProvider(endpoint, Anthropic(checked(endpoint, OPTIONS)), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError) and error.status == _REJECTED:
        if _CONTEXT.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if _QUOTA.search(error.body):
            return ErrorClass.QUOTA_SPENT
    return classified(error)


class Anthropic:
    """What Anthropic's wire says its own way."""

    stream_type = b"text/event-stream"

    def __init__(self, endpoint: Endpoint) -> None:
        version = endpoint.options.get("version", VERSION)
        self._headers = [(b"anthropic-version", version.encode())]
        self._samples = one_of(endpoint, "sampling", "stated", "none") == "stated"
        is_bearer = one_of(endpoint, "auth", "key", "bearer") == "bearer"
        if endpoint.key is not None:
            key = endpoint.key.get_secret_value()
            self._headers += [
                (b"Authorization", f"Bearer {key}".encode())
                if is_bearer
                else (b"x-api-key", key.encode())
            ]

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a chat; this wire has nothing else."""
        if ask.operation is not Operation.CHAT:
            raise UnaskableError("nothing but chats")
        wanted: dict[str, Any] = {
            "model": model,
            "max_tokens": output_tokens_max,
            **messages.said_of(ask),
            **messages.tools_of(ask),
        }
        if self._samples and ask.temperature is not None:
            # More than 1 does not exist here. Models refuse temperature and top_p together.
            wanted["temperature"] = min(ask.temperature, 1.0)
        elif self._samples and ask.top_p is not None:
            wanted["top_p"] = ask.top_p
        if ask.stream:
            wanted["stream"] = True
        return Outgoing("/messages", orjson.dumps(wanted), stream=ask.stream)

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return key and version."""
        del method, path, body
        return self._headers

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield an answer that came in one body."""
        answer = exact_object_in(body)
        _raise_if_error(answer, body)
        calls = 0
        for block in array_in(answer, "content"):
            kind, pieces = _begun(block, calls)
            calls += kind == "tool_use"
            yield from pieces
        usage = _counted(_usage_in(answer))
        yield from [Counted(usage)] if usage else []
        yield _stopped(answer)
        yield Ended()

    def reader(self) -> "Events":
        """Return a reader of server-sent events."""
        return Events()

    def probe_path(self) -> str:
        """Return the list of models; it costs nothing."""
        return "/models"


class Events:
    """Reads the events of one answer: blocks that begin, grow and end, one after the other."""

    def __init__(self) -> None:
        self._events = EventReader()
        self._usage: dict[str, Any] = {}
        self._block = -1
        self._kind: str | None = None
        """Of the block that is open."""
        self._calls = 0

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Yield what the bytes complete."""
        for event in self._events.feed(received):
            yield from self._read(object_in(event), event)

    def _read(self, data: dict[str, Any], event: bytes) -> Iterator[Piece]:
        _raise_if_error(data, event)
        match data.get("type"):
            case "message_start":
                # What is written by then is a placeholder; only what was read is known.
                yield from self._count(member_in(data, "message"), {"output_tokens": 0})
            case "content_block_start":
                yield from self._begin(data)
            case "content_block_delta":
                self._must_be_open(data)
                yield from self._grow(member_in(data, "delta"))
            case "content_block_stop":
                self._must_be_open(data)
                self._kind = None
            case "message_delta":
                yield from self._count(data, {})
                delta = member_in(data, "delta")
                if delta.get("stop_reason") is not None:
                    if self._kind is not None:
                        raise BadAnswerError("it stopped in the middle of a block")
                    yield _stopped(delta)
            case "message_stop":
                yield Ended()
            case _:
                pass  # A ping, or an event that is younger than this; so the API wants it.

    def _begin(self, data: dict[str, Any]) -> Iterator[Piece]:
        if self._kind is not None or data.get("index") != self._block + 1:
            raise BadAnswerError("a block out of order")
        self._block += 1
        self._kind, pieces = _begun(data.get("content_block"), self._calls)
        self._calls += self._kind == "tool_use"
        yield from pieces

    def _must_be_open(self, data: dict[str, Any]) -> None:
        if self._kind is None or data.get("index") != self._block:
            raise BadAnswerError("a piece of a block that is not open")

    def _grow(self, delta: dict[str, Any]) -> Iterator[Piece]:
        match self._kind, delta.get("type"):
            case "text", "text_delta":
                yield Text(text_in(delta, "text"))
            case "tool_use", "input_json_delta":
                yield CallPart(self._calls - 1, arguments=text_in(delta, "partial_json"))
            case "thinking", "thinking_delta":
                yield Reasoning(text_in(delta, "thinking"))
            case _, "signature_delta" | "citations_delta":
                pass
            case _:
                raise BadAnswerError("a piece of another kind than its block")

    def _count(self, holder: dict[str, Any], known: dict[str, int]) -> Iterator[Piece]:
        """Yield the counts; what a later event leaves out stays as an earlier one said it."""
        stated = {name: count for name, count in _usage_in(holder).items() if count is not None}
        self._usage |= stated | known
        usage = _counted(self._usage)
        if stated and usage is not None:
            yield Counted(usage)


# --- what is answered --------------------------------------------------------------------


def _begun(block: object, calls: int) -> tuple[str, list[Piece]]:
    """Return the kind of a block, and what it holds from its beginning."""
    if not isinstance(block, dict):
        raise BadAnswerError("a block that is no object")
    match block.get("type"):
        case "text":
            return "text", [Text(text_in(block, "text"))]
        case "thinking":
            return "thinking", [Reasoning(text_in(block, "thinking"))]
        case "redacted_thinking":
            return "redacted_thinking", []
        case "tool_use":
            stated = block.get("input")
            source = json_text(stated) if stated else ""
            return "tool_use", [
                CallPart(calls, text_in(block, "id"), text_in(block, "name"), source)
            ]
        case _:
            raise BadAnswerError("a block of a kind that nobody asked for")


def _stopped(holder: dict[str, Any]) -> Stopped:
    stated = holder.get("stop_reason")
    reason = _REASONS.get(stated) if isinstance(stated, str) else None
    if reason is None:
        raise BadAnswerError("no reason why it ended, or an unknown one")
    return Stopped(reason)


def _raise_if_error(data: dict[str, Any], said: bytes) -> None:
    error = data.get("error")
    if data.get("type") != "error" and not error:
        return
    kind = error.get("type") if isinstance(error, dict) else None
    raise StatusError(_STATUSES.get(str(kind), _SERVER_ERROR), said)


def _usage_in(holder: dict[str, Any]) -> dict[str, Any]:
    usage = holder.get("usage")
    return usage if isinstance(usage, dict) else {}


def _counted(stated: dict[str, Any]) -> TokenUsage | None:
    """Return what the provider counted; None if it did not, or counted nonsense.

    Here input is what came from no cache; with us it is all that was read.
    """
    details = stated.get("output_tokens_details")
    thought = counts_in(details, "thinking_tokens") if isinstance(details, dict) else (0,)
    counts = counts_in(stated, *_COUNTS)
    if counts is None or thought is None or not stated.keys() >= set(_COUNTS[:2]):
        return None
    read, written, from_cache, to_cache = counts
    return TokenUsage(
        input_tokens=read + from_cache + to_cache,
        output_tokens=written,
        cache_read_tokens=from_cache,
        cache_write_tokens=to_cache,
        reasoning_tokens=thought[0],
    )
