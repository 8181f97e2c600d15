"""OpenAI's chat completions, as OpenAI and most others speak it, streamed and not.

An answer is whole only when the other side says so: a reason to stop, and at the end of a stream
`[DONE]`. Whatever is less raises an error; no reason is ever invented.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import httpcore2
import orjson

from services.router.domain import ErrorClass
from services.router.outbound import ClearedBody
from services.router.providers.base import Delta, Endpoint, Finished, Piece, ProviderError, Stage
from services.router.wire import chat
from services.router.wire.connections import Connections, Response
from services.router.wire.events import EventReader, EventTooLong
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import SAMPLING, RequestRedacted, ToolCall

WIRE: Final = "openai"
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
ERROR_BYTES_MAX: Final = 64 * 1024
DRAIN_S_MAX: Final = 0.25
OK: Final = 200
_DONE: Final = b"[DONE]"
_REASONS: Final = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}
_CLASSES: Final = {
    401: ErrorClass.UNAUTHORISED,
    403: ErrorClass.UNAUTHORISED,
    404: ErrorClass.NOT_FOUND,
    408: ErrorClass.TIMEOUT,
    413: ErrorClass.CONTEXT_TOO_LONG,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
_SERVER_ERROR: Final = 500
# `context_length_exceeded` at OpenAI, `exceed_context_size_error` at llama.cpp.
_CONTEXT: Final = re.compile(rb'"(?:code|type)"\s*:\s*"[a-z_]*context_[a-z_]*"')


class _BadAnswerError(Exception):
    """The other side broke the wire format."""


class _StatusError(Exception):
    """The other side answered with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.is_about_context = _CONTEXT.search(body) is not None


def connect(endpoint: Endpoint) -> "OpenAI":
    """Return a provider for `endpoint`; raises `ValueError` for an address that is none."""
    return OpenAI(endpoint)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of httpcore2 or of this module is."""
    if isinstance(error, _StatusError):
        if error.is_about_context:
            return ErrorClass.CONTEXT_TOO_LONG
        if error.status in _CLASSES:
            return _CLASSES[error.status]
        at_their_side = error.status >= _SERVER_ERROR
        return ErrorClass.SERVER_ERROR if at_their_side else ErrorClass.REJECTED
    if isinstance(error, (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.ProxyError)):
        return ErrorClass.UNREACHABLE
    return ErrorClass.BROKEN


_FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ProxyError,
    _BadAnswerError,
    _StatusError,
    EventTooLong,
    chat.BadCallError,
)


class OpenAI:
    """One endpoint that speaks OpenAI's wire format."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._connections = Connections(endpoint.base_url, connect_s_max=endpoint.connect_s_max)
        self._headers = [(b"Content-Type", b"application/json"), (b"User-Agent", b"stellwerk")]
        if endpoint.key is not None:
            key = endpoint.key.get_secret_value()
            self._headers.append((b"Authorization", f"Bearer {key}".encode()))

    def body(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> bytes:
        """Return the bytes that ask `model` for an answer."""
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
        return orjson.dumps(wanted)

    async def call(
        self, body: ClearedBody, attempt_id: UUID, *, stream: bool
    ) -> AsyncGenerator[Piece, None]:
        """Send `body` once and yield the answer; see `Provider.call`."""
        headers = [*self._headers, (b"X-Request-Id", str(attempt_id).encode())]
        try:
            yield Stage.CONNECTING
            connection = await self._connections.open()
            yield Stage.SENDING
            async with await self._connections.send(
                b"POST", "/chat/completions", headers, body, connection
            ) as response:
                await _raise_for_status(response)
                pieces = _streamed(response) if stream else _whole(response)
                async for piece in pieces:
                    yield piece
        except _FAILURES as error:
            status = error.status if isinstance(error, _StatusError) else None
            raise ProviderError(classify(error), status) from error

    async def probe(self) -> None:
        """Return if the endpoint lists its models; else raise `ProviderError`."""
        try:
            async with await self._connections.send(b"GET", "/models", self._headers) as response:
                await _raise_for_status(response)
                await _read(response, ANSWER_BYTES_MAX)
        except _FAILURES as error:
            status = error.status if isinstance(error, _StatusError) else None
            raise ProviderError(classify(error), status) from error

    async def close(self) -> None:
        """Close its connections; see `Provider.close`."""
        await self._connections.close()


async def _raise_for_status(response: Response) -> None:
    if response.status == OK:
        return
    try:
        body = await _read(response, ERROR_BYTES_MAX)
    except _BadAnswerError:
        body = b""
    raise _StatusError(response.status, body)


async def _read(response: Response, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.body():
        parts.append(part)
        size += len(part)
        if size > bytes_max:
            raise _BadAnswerError("the body is larger than any answer")
    return b"".join(parts)


async def _whole(response: Response) -> AsyncIterator[Piece]:
    """Yield an answer that came in one body."""
    answer = _object(await _read(response, ANSWER_BYTES_MAX))
    choice = next(_choices(answer), {})
    message = choice.get("message")
    reason = _reason(choice)
    if not isinstance(message, dict) or reason is None:
        raise _BadAnswerError("no message, or no reason why it ended")
    text, calls = _text(message), chat.calls_of(message.get("tool_calls"))
    if text:
        yield Delta(text)
    yield Finished(_reason_with(calls, reason), _usage(answer), calls)


async def _streamed(response: Response) -> AsyncIterator[Piece]:
    """Yield an answer that comes in events; all text of one read leaves as one piece."""
    if not response.header(b"content-type").startswith(b"text/event-stream"):
        raise _BadAnswerError("not an event stream")
    reader, stream, size, body = EventReader(), _Stream(), 0, response.body()
    async for received in body:
        size += len(received)
        if size > ANSWER_BYTES_MAX:
            raise _BadAnswerError("the stream is longer than any answer")
        text = "".join(map(stream.text_of, reader.feed(received)))
        unsaid = stream.taken()
        if text or unsaid:
            yield Delta(text, unsaid)
        if stream.is_done:
            await _drain(body)
            break
    yield stream.finished()


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read to the end, so that the connection can be used again; the answer is whole anyway."""
    with suppress(TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError):
        async with asyncio.timeout(DRAIN_S_MAX):
            async for _ in body:
                pass


class _Stream:
    """What the events of one answer have said so far."""

    def __init__(self) -> None:
        self._reason: FinishReason | None = None
        self._usage: TokenUsage | None = None
        self._calls = chat.Calls()
        self._unsaid = ""
        self.is_done = False

    def text_of(self, event: bytes) -> str:
        """Return the text that an event adds; raise for one that cannot follow the others."""
        if event == _DONE:
            self.is_done = True
            return ""
        data = _object(event)
        if self.is_done or data.get("error"):
            raise _BadAnswerError("an error, or something after the end")
        self._usage = _usage(data) or self._usage
        return "".join(map(self._text_of_choice, _choices(data)))

    def taken(self) -> str:
        """Return what came of tool calls since this was asked last."""
        unsaid, self._unsaid = self._unsaid, ""
        return unsaid

    def finished(self) -> Finished:
        """Return the end; raise if the other side has not said that this is it."""
        if self._reason is None or not self.is_done:
            raise _BadAnswerError("the stream ended before the answer did")
        calls = self._calls.whole()
        return Finished(_reason_with(calls, self._reason), self._usage, calls)

    def _text_of_choice(self, choice: dict[str, Any]) -> str:
        found = choice.get("delta")
        delta = found if isinstance(found, dict) else {}
        text, calls = _text(delta), delta.get("tool_calls")
        if (text or calls) and self._reason is not None:
            raise _BadAnswerError("text after the reason why it ended")
        self._unsaid += self._calls.add(calls)
        reason = _reason(choice)
        if reason is not None and self._reason not in (None, reason):
            raise _BadAnswerError("two reasons why it ended")
        self._reason = reason or self._reason
        return text


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _BadAnswerError("not JSON") from None
    if not isinstance(value, dict):
        raise _BadAnswerError("not an object")
    return value


def _choices(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the first choice's parts; others were not asked for."""
    choices = data.get("choices") or ()
    if not isinstance(choices, list | tuple):
        raise _BadAnswerError("choices are no list")
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            yield choice


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise _BadAnswerError("content is no text")
    return content or ""


def _reason(choice: dict[str, Any]) -> FinishReason | None:
    stated = choice.get("finish_reason")
    if stated is None:
        return None
    reason = _REASONS.get(stated) if isinstance(stated, str) else None
    if reason is None:
        raise _BadAnswerError("an unknown reason why it ended")
    return reason


def _reason_with(calls: Sequence[ToolCall], reason: FinishReason) -> FinishReason:
    """Return the reason; servers that call functions may say that they just stopped."""
    if reason is FinishReason.TOOL_CALLS and not calls:
        raise _BadAnswerError("it ended for calls that it does not hold")
    return FinishReason.TOOL_CALLS if calls and reason is FinishReason.STOP else reason


def _usage(data: dict[str, Any]) -> TokenUsage | None:
    """Return what the provider counted; None if it did not, or counted nonsense."""
    stated = data.get("usage")
    if not isinstance(stated, dict):
        return None
    read, written = stated.get("prompt_tokens"), stated.get("completion_tokens")
    if not isinstance(read, int) or not isinstance(written, int) or min(read, written) < 0:
        return None
    return TokenUsage(input_tokens=read, output_tokens=written)
