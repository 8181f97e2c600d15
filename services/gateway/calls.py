"""One HTTP request in hand: its head, its body within limits, and the one reply to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from services.gateway.dialects.base import Dialect
from services.gateway.errors import CallerLeft, Problem
from shared.contracts.errors import ErrorCode

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LINGER_S_MAX: Final = 2.0
LINGER_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much is still read of a body that is refused: a caller who is cut off in the middle of its
sending would see a broken connection in place of the reason."""
JSON: Final = b"application/json"
EVENTS: Final = b"text/event-stream; charset=utf-8"
ALIVE: Final = b": still working\n\n"
_TOO_LARGE: Final = 413
_TIMEOUT: Final = 408
_UNREAD: Final = frozenset({_TOO_LARGE, _TIMEOUT})
_GONE: Final = "http.disconnect"


class Call:
    """A request and its way back; while the door is `stopping`, the connection ends with it."""

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        send: Send,
        request_id: UUID,
        stopping: asyncio.Event,
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.raw_path: bytes = scope["raw_path"]
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.request_id = request_id
        self._closing = False
        self._stopping = stopping
        self.answered = False
        self._receive = receive
        self._send = send

    async def body(self, bytes_max: int, s_max: float) -> bytes:
        """Return the whole body; raise `Problem` as soon as it is too large or too slow."""
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > bytes_max:
            raise Problem(ErrorCode.TOO_LARGE)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(s_max):
                while True:
                    message = await self._receive()
                    if message["type"] == _GONE:
                        raise CallerLeft
                    parts.append(message["body"])
                    size += len(parts[-1])
                    if size > bytes_max:
                        raise Problem(ErrorCode.TOO_LARGE)
                    if not message["more_body"]:
                        return b"".join(parts)
        except TimeoutError:
            sentence = "The body took too long to arrive. Send it again, faster."
            raise Problem(ErrorCode.INVALID_REQUEST, sentence, status=_TIMEOUT) from None

    async def until_gone(self) -> None:
        """Return when the caller has closed the connection; call it after `body`."""
        while (await self._receive())["type"] != _GONE:
            pass

    async def reply(self, status: int, headers: Headers, body: bytes, kind: bytes = JSON) -> None:
        """Send a whole reply."""
        length = (b"content-length", str(len(body)).encode())
        await self.begin(status, [*headers, length], kind)
        await self.write(body, more=False)

    async def problem(self, problem: Problem, dialect: Dialect) -> None:
        """Send an error in the dialect's form."""
        body = dialect.problem(problem, self.request_id)
        headers = [*_advice(problem), (b"content-length", str(len(body)).encode())]
        if problem.status in _UNREAD:
            self._closing = True
        await self.begin(problem.status, headers, JSON, dialect.REQUEST_ID_HEADER)
        await self.write(body, more=problem.status == _TOO_LARGE)
        if problem.status == _TOO_LARGE:
            await self._linger()
            await self.write(b"", more=False)

    async def begin(
        self, status: int, headers: Headers, kind: bytes, id_header: bytes = b"x-request-id"
    ) -> None:
        own = [(b"content-type", kind), (id_header, str(self.request_id).encode())]
        if self._closing or self._stopping.is_set():
            own.append((b"connection", b"close"))
        await self._send(
            {"type": "http.response.start", "status": status, "headers": own + headers}
        )
        self.answered = True

    async def write(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _linger(self) -> None:
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S_MAX):
                while size < LINGER_BYTES_MAX:
                    message = await self._receive()
                    if message["type"] == _GONE or not message["more_body"]:
                        return
                    size += len(message["body"])


class WhileCallerStays:
    """Ends the block with `CallerLeft` when the caller closes the connection meanwhile."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._left = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._watch = asyncio.create_task(self._wait())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watch.cancel()
        # As in asyncio.timeout: somebody else may have cancelled the task as well.
        if self._left and self._task is not None and self._task.uncancel() == 0:
            raise CallerLeft from error

    async def _wait(self) -> None:
        await self._call.until_gone()
        self._left = True
        if self._task is not None:
            self._task.cancel()


class EventStream:
    """A streamed reply: its head is held back until there is something to say."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._writing = asyncio.Lock()
        self._written = False
        self.headers: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]

    @property
    def begun(self) -> bool:
        """Return whether the status is out: from then on an error is an event."""
        return self._call.answered

    async def write(self, events: bytes) -> None:
        async with self._writing:
            self._written = True
            if not self._call.answered:
                await self._call.begin(200, self.headers, EVENTS)
            await self._call.write(events, more=True)

    async def close(self) -> None:
        await self._call.write(b"", more=False)

    @asynccontextmanager
    async def alive(self, every_s: float) -> AsyncIterator[None]:
        """Write a comment after each silence of `every_s`, so that nobody on the way hangs up."""
        signs = asyncio.create_task(self._signs_of_life(every_s))
        try:
            yield
        finally:
            signs.cancel()

    async def _signs_of_life(self, every_s: float) -> None:
        while True:
            self._written = False
            await asyncio.sleep(every_s)
            if not self._written:
                await self.write(ALIVE)


def _advice(problem: Problem) -> Headers:
    """Return the headers that tell clients whether to try again, and when."""
    headers = [(b"x-should-retry", b"true" if problem.retryable else b"false")]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(problem.retry_after_s).encode()))
    if problem.code is ErrorCode.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.allow is not None:
        headers.append((b"allow", problem.allow.encode()))
    return headers
