"""OpenAI's chat completions and embeddings, as OpenAI and most others speak them.

Azure's older addresses, with a deployment in the path, are the same wire: options `deployments`
(any value) and `api_version`. Option `auth: api-key` sends the key as Azure wants it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

import orjson

from services.router.faults import ErrorClass
from services.router.providers.base import (
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
from services.router.wire.fields import array_in, object_in, text_in
from services.router.wire.http import BadAnswerError, HttpProvider, StatusError, classified
from services.router.wire.options import checked, one_of
from services.router.wire.vectors import packed
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import SAMPLING, Operation, RequestRedacted

WIRE: Final = "openai"
OPTIONS: Final = frozenset({"auth", "deployments", "api_version"})
_DONE: Final = b"[DONE]"
_REASONS: Final = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,  # Together's own word, beside OpenAI's.
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}
# `context_length_exceeded` at OpenAI, `exceed_context_size_error` at llama.cpp.
_CONTEXT: Final = re.compile(rb'"(?:code|type)"\s*:\s*"[a-z_]*context_[a-z_]*"')
_QUOTA: Final = re.compile(rb'"(?:code|type)"\s*:\s*"(?:insufficient_quota|billing_[a-z_]*)"')
_SERVER_ERROR: Final = 500


def connect(endpoint: Endpoint) -> HttpProvider:
    """Return a provider; raises `ValueError` for a bad address and for an unknown option."""
    return HttpProvider(endpoint, OpenAI(checked(endpoint, OPTIONS)), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError):
        if _CONTEXT.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if _QUOTA.search(error.body):
            return ErrorClass.QUOTA_SPENT
    return classified(error)


class OpenAI:
    """What OpenAI's wire says its own way."""

    stream_type = b"text/event-stream"

    def __init__(self, endpoint: Endpoint) -> None:
        key, options = endpoint.key, endpoint.options
        self._by_deployment = "deployments" in options
        version = options.get("api_version")
        self._query = f"?api-version={quote(version)}" if version else ""
        self._auth: list[tuple[bytes, bytes]] = []
        named = one_of(endpoint, "auth", "bearer", "api-key") == "api-key"
        if key is not None and named:
            self._auth = [(b"api-key", key.get_secret_value().encode())]
        elif key is not None:
            self._auth = [(b"Authorization", f"Bearer {key.get_secret_value()}".encode())]

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a chat, or an embedding of all messages."""
        embeds = ask.operation is Operation.EMBED
        wanted = _embedding(ask, model) if embeds else _chat(ask, model, output_tokens_max)
        deployment = f"/deployments/{quote(model, safe='')}" if self._by_deployment else ""
        path = f"{deployment}/{'embeddings' if embeds else 'chat/completions'}{self._query}"
        return Outgoing(path, orjson.dumps(wanted), stream=ask.stream and not embeds)

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the key."""
        del method, path, body
        return self._auth

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield an answer that came in one body."""
        answer = object_in(body)
        if error := answer.get("error"):
            raise StatusError(_status_in(error), body)  # Some gateways say 200 to everything.
        usage = _usage(answer)
        if "data" in answer:
            yield Vectors(tuple(_vectors(answer)))
            yield from [Counted(usage)] if usage else []
            yield Stopped(FinishReason.STOP)
            yield Ended()
            return
        choice = next(_choices(answer), {})
        message = choice.get("message")
        reason = _reason(choice)
        if not isinstance(message, dict) or reason is None:
            raise BadAnswerError("no message, or no reason why it ended")
        yield from _said(message)
        yield from chat.calls_of(message.get("tool_calls"))
        yield from [Counted(usage)] if usage else []
        yield Stopped(reason)
        yield Ended()

    def reader(self) -> "Events":
        """Return a reader of server-sent events."""
        return Events()

    def probe_path(self) -> str:
        """Return the list of models; it costs nothing."""
        return f"/models{self._query}"


class Events:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self._events = EventReader()

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Yield what the bytes complete."""
        for event in self._events.feed(received):
            if event == _DONE:
                yield Ended()
                continue
            data = object_in(event)
            if error := data.get("error"):
                raise StatusError(_status_in(error), event)
            for choice in _choices(data):
                delta = choice.get("delta")
                if isinstance(delta, dict):
                    yield from _said(delta)
                    yield from chat.call_parts_of(delta.get("tool_calls"))
                reason = _reason(choice)
                if reason is not None:
                    yield Stopped(reason)
            usage = _usage(data)
            if usage is not None:
                yield Counted(usage)


# --- what is asked -----------------------------------------------------------------------


def _chat(ask: RequestRedacted, model: str, output_tokens_max: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "model": model,
        "messages": chat.messages_of(ask),
        "max_tokens": output_tokens_max,
    }
    wanted |= chat.tools_of(ask)
    for name in SAMPLING:
        if (stated := getattr(ask, name)) is not None:
            wanted[name] = stated
    if ask.stream:
        wanted["stream"] = True
        wanted["stream_options"] = {"include_usage": True}
    return wanted


def _embedding(ask: RequestRedacted, model: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "model": model,
        "input": [message.content for message in ask.messages],
        "encoding_format": "float",  # Some servers know no other.
    }
    if ask.dimensions is not None:
        wanted["dimensions"] = ask.dimensions
    return wanted


# --- what is answered --------------------------------------------------------------------


def _said(message: dict[str, Any]) -> Iterator[Piece]:
    """Yield the text of a message or a delta, and what the model thought before it."""
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        yield Reasoning(thought)
    text = text_in(message, "content") or text_in(message, "refusal")
    if text:
        yield Text(text)


def _choices(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the first choice's parts; others were not asked for."""
    for choice in array_in(data, "choices"):
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            yield choice


def _reason(choice: dict[str, Any]) -> FinishReason | None:
    stated = choice.get("finish_reason")
    if stated is None:
        return None
    reason = _REASONS.get(stated) if isinstance(stated, str) else None
    if reason is None:
        raise BadAnswerError("an unknown reason why it ended")
    return reason


def _status_in(error: object) -> int:
    """Return the status that an error in the middle of a stream names; many write it as `code`."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else _SERVER_ERROR  # noqa: PLR2004


def _vectors(answer: dict[str, Any]) -> Iterable[str]:
    """Yield vectors in the order of what was asked, whatever order they came in."""
    found = [one for one in array_in(answer, "data") if isinstance(one, dict)]
    for place, one in enumerate(sorted(found, key=lambda one: int(one.get("index", 0)))):
        vector = one.get("embedding")
        if one.get("index", place) != place:
            raise BadAnswerError("a vector is missing")
        yield packed(vector)


def _usage(data: dict[str, Any]) -> TokenUsage | None:
    """Return what the provider counted; None if it did not, or counted nonsense."""
    stated = data.get("usage")
    if not isinstance(stated, dict):
        return None
    read, written = stated.get("prompt_tokens"), stated.get("completion_tokens", 0)
    if not isinstance(read, int) or not isinstance(written, int) or min(read, written) < 0:
        return None
    return TokenUsage(
        input_tokens=read,
        output_tokens=written,
        cache_read_tokens=_detail(stated, "prompt_tokens_details", "cached_tokens"),
        cache_write_tokens=_detail(stated, "prompt_tokens_details", "cache_write_tokens"),
        reasoning_tokens=_detail(stated, "completion_tokens_details", "reasoning_tokens"),
    )


def _detail(usage: dict[str, Any], group: str, name: str) -> int:
    details = usage.get(group)
    value = details.get(name) if isinstance(details, dict) else None
    return value if isinstance(value, int) and value >= 0 else 0
