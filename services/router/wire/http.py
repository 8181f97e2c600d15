"""One call over HTTP, whatever the wire: its connection, its status, its size, its end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

import httpcore2

from services.router.faults import ErrorClass
from services.router.providers.base import (
    ClearedRequest,
    Ended,
    Endpoint,
    Limits,
    Outgoing,
    Piece,
    ProviderError,
    Stage,
    Text,
)
from services.router.wire.connections import Connections, Headers, Response
from services.router.wire.limits import limits_in, retry_after_in, retry_after_said
from shared.contracts.requests import RequestRedacted

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
ERROR_BYTES_MAX: Final = 64 * 1024
DRAIN_S_MAX: Final = 0.25
FAREWELL_S_MAX: Final = 2.0
"""How long the last counts may come after an answer whose wire has no mark of its end."""
_SERVER_ERROR: Final = 500
_REDIRECT: Final = 300
_OK: Final = 200
_CLASSES: Final = {
    401: ErrorClass.UNAUTHORISED,
    402: ErrorClass.QUOTA_SPENT,
    403: ErrorClass.UNAUTHORISED,
    404: ErrorClass.NOT_FOUND,
    408: ErrorClass.TIMEOUT,
    413: ErrorClass.CONTEXT_TOO_LONG,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    504: ErrorClass.TIMEOUT,
    529: ErrorClass.OVERLOADED,
}


class BadAnswerError(Exception):
    """The other side broke its wire format; the text says how, and repeats nothing of it."""


class UnaskableError(ValueError):
    """A wire has no words for a part of the request; the text says for what, and repeats nothing.

    The capabilities of a model keep such requests away; who states too many gets a rejection.
    """


UNASKABLE: Final = Outgoing("", b"")
"""Stands for a request that a wire has no words for: its call is rejected, and nothing is sent."""


class StatusError(Exception):
    """The other side answered with an error, in its headers or in the middle of a stream."""

    def __init__(self, status: int, body: bytes = b"", headers: Headers = ()) -> None:
        """Keep body and headers for `classify`; they are never shown or kept."""
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ProxyError,
    BadAnswerError,
    StatusError,
)


class Reader(Protocol):
    """Reads one streamed answer."""

    def feed(self, received: bytes) -> Iterable[Piece]:
        """Return what the bytes complete, up to `Ended`.

        Raises `BadAnswerError` for what is not the format, `StatusError` for an error in it.
        """


@runtime_checkable
class MarklessReader(Protocol):
    """What a reader has as well if its wire has no mark of the end: the body's end is one then."""

    @property
    def is_whole(self) -> bool:
        """Return whether all of the answer is there, so that the body may end."""


class Dialect(Protocol):
    """What one wire format says differently from the others."""

    stream_type: bytes
    """What the content type of a stream begins with."""

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return what asks `model` for an answer; raise `UnaskableError` if there are no words."""

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the headers that say who asks; a signature is over all that is given."""

    def whole(self, body: bytes) -> Iterable[Piece]:
        """Return the pieces of an answer that came in one body, `Ended` included.

        Raises as `Reader.feed` does.
        """

    def reader(self) -> Reader:
        """Return a reader for a stream."""

    def probe_path(self) -> str:
        """Return a path that can be read at no cost."""


def classified(error: Exception) -> ErrorClass:
    """Return what a failure is by its status alone, as most wires mean it."""
    if isinstance(error, StatusError):
        if error.status in _CLASSES:
            return _CLASSES[error.status]
        if error.status < _REDIRECT:
            return ErrorClass.BROKEN
        at_their_side = error.status >= _SERVER_ERROR
        return ErrorClass.SERVER_ERROR if at_their_side else ErrorClass.REJECTED
    if isinstance(error, (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.ProxyError)):
        return ErrorClass.UNREACHABLE
    return ErrorClass.BROKEN


class HttpProvider:
    """One endpoint, in one dialect. `classify` is its plug-in's."""

    def __init__(
        self, endpoint: Endpoint, dialect: Dialect, classify: Callable[[Exception], ErrorClass]
    ) -> None:
        """Raises `ValueError` for an address that is none."""
        self._connections = Connections(endpoint.base_url, connect_s_max=endpoint.connect_s_max)
        self._dialect = dialect
        self._classify = classify

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return what asks `model` for an answer."""
        try:
            return self._dialect.request(ask, model, output_tokens_max)
        except UnaskableError:
            return UNASKABLE

    async def call(self, request: ClearedRequest, attempt_id: UUID) -> AsyncGenerator[Piece, None]:
        """Send a request once and yield what comes; see `Provider.call`."""
        if request is UNASKABLE:
            raise ProviderError(ErrorClass.REJECTED)
        limits: Limits | None = None
        retry_after_s: float | None = None
        try:
            yield Stage.CONNECTING
            connection = await self._connections.open()
            yield Stage.SENDING
            headers = self._headers(b"POST", request.path, request.body)
            headers += [(b"X-Request-Id", str(attempt_id).encode())]
            async with await self._connections.send(
                b"POST", request.path, headers, request.body, connection
            ) as response:
                limits, retry_after_s = limits_in(response), retry_after_in(response)
                if limits is not None:
                    yield limits
                await _raise_for_status(response)
                if request.stream:
                    async for piece in self._streamed(response):
                        yield piece
                else:
                    for piece in self._whole(await _read(response, ANSWER_BYTES_MAX)):
                        yield piece
        except FAILURES as error:
            raise self._failure(error, retry_after_s, limits) from error

    async def probe(self) -> None:
        """Return if the endpoint answers a question that costs nothing."""
        path = self._dialect.probe_path()
        headers = self._headers(b"GET", path, b"")
        try:
            async with await self._connections.send(b"GET", path, headers) as response:
                await _raise_for_status(response)
                await _read(response, ANSWER_BYTES_MAX)
        except FAILURES as error:
            raise self._failure(error) from error

    async def close(self) -> None:
        """Close its connections; see `Provider.close`."""
        await self._connections.close()

    def _headers(self, method: bytes, path: str, body: bytes) -> list[tuple[bytes, bytes]]:
        own = [(b"User-Agent", b"stellwerk")]
        own += [(b"Content-Type", b"application/json")] if body else []
        return [*own, *self._dialect.headers(method, path, body)]

    async def _streamed(self, response: Response) -> AsyncIterator[Piece]:
        """Yield an answer that comes in pieces; all text of one read leaves as one piece."""
        if not response.header(b"content-type").startswith(self._dialect.stream_type):
            raise BadAnswerError("not a stream")
        reader, size, body = self._dialect.reader(), 0, response.body()
        markless = reader if isinstance(reader, MarklessReader) else None
        while received := await _next(body, is_whole=markless is not None and markless.is_whole):
            size += len(received)
            if size > ANSWER_BYTES_MAX:
                raise BadAnswerError("the stream is longer than any answer")
            try:
                pieces = together(reader.feed(received))
            except ValueError as error:
                raise BadAnswerError("not the wire format") from error
            for piece in pieces:
                yield piece
            if pieces and isinstance(pieces[-1], Ended):
                await _drain(body)
                return
        if markless is not None and markless.is_whole:
            yield Ended()

    def _whole(self, body: bytes) -> Sequence[Piece]:
        try:
            return tuple(self._dialect.whole(body))
        except ValueError as error:
            raise BadAnswerError("not the wire format") from error

    def _failure(
        self,
        error: Exception,
        retry_after_s: float | None = None,
        limits: Limits | None = None,
    ) -> ProviderError:
        status = None
        if isinstance(error, StatusError):
            status = error.status
            if retry_after_s is None:
                retry_after_s = retry_after_said(error.body)
        return ProviderError(self._classify(error), status, retry_after_s, limits)


def together(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with texts that follow each other as one, so that they leave as one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, Text) and isinstance(last, Text) and last.index == piece.index:
            found[-1] = Text(last.text + piece.text, piece.index)
        else:
            found.append(piece)
    return found


async def _raise_for_status(response: Response) -> None:
    if response.status == _OK:
        return
    try:
        body = await _read(response, ERROR_BYTES_MAX)
    except BadAnswerError:
        body = b""
    raise StatusError(response.status, body, response.headers)


async def _read(response: Response, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.body():
        parts.append(part)
        size += len(part)
        if size > bytes_max:
            raise BadAnswerError("the body is larger than any answer")
    return b"".join(parts)


async def _next(body: AsyncIterator[bytes], *, is_whole: bool) -> bytes:
    """Return what comes next; nothing once the body has ended.

    When all of an answer is there, a cut or a silence takes nothing from it.
    """
    try:
        async with asyncio.timeout(FAREWELL_S_MAX if is_whole else None):
            async for received in body:
                if received:
                    return received
    except (TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError):
        if not is_whole:
            raise
    return b""


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read to the end, so that the connection can be used again; the answer is whole anyway."""
    with suppress(TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError):
        async with asyncio.timeout(DRAIN_S_MAX):
            async for _ in body:
                pass
