"""TCP and TLS for httpx2's HTTP layer, straight on asyncio's transports.

The backend that httpx2 ships goes through anyio, with a cancel scope and a checkpoint around each
read and write: 100 µs of CPU a call. Time-outs are the business of the attempt, which knows the
deadline, so nothing here waits for less than for ever, save for a connection.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final, cast

import httpcore2

BUFFERED_BYTES_MAX: Final = 1024 * 1024
"""An answer that nobody reads stops the sender here, not in our memory."""


class NotSentError(httpcore2.ConnectError):
    """The other side had closed before the first byte of a request left: it is safe to send."""


class AsyncioBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return an open connection; raise httpcore2's `ConnectError` or `ConnectTimeout`."""
        del local_address, socket_options
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, protocol = await loop.create_connection(_Protocol, host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError from error
        return _Stream(protocol)


class _Protocol(asyncio.Protocol):
    """Keeps what has arrived until it is read, all of it at once: reads coalesce by themselves."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.received = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's, so there is nothing to assert.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) > BUFFERED_BYTES_MAX and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = exc
        self._wake()

    async def take(self) -> bytes:
        """Return everything that has arrived; nothing means that the other side has closed."""
        if not self.received and not self.ended:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        taken = bytes(self.received)
        self.received.clear()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return taken

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class _Stream(httpcore2.AsyncNetworkStream):
    """One connection, as httpcore2 wants to see it."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol
        self._unsent: list[bytes] = []
        self._was_closed = False

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore2's signature
    ) -> bytes:
        """Return what has arrived, however much; empty when the other side has closed.

        Raises `NotSentError` when it had closed before anything of a request was sent.
        """
        del max_bytes, timeout
        if self._was_closed or (self._unsent and self._protocol.ended):
            raise NotSentError
        if self._unsent:
            self._protocol.transport.write(b"".join(self._unsent))
            self._unsent.clear()
        taken = await self._protocol.take()
        if not taken and self._protocol.error is not None:
            raise httpcore2.ReadError from self._protocol.error
        return taken

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore2's signature
    ) -> None:
        """Keep what is to be sent until an answer is waited for: head and body leave as one."""
        del timeout
        if self._protocol.ended:
            self._was_closed = True
            raise httpcore2.WriteError
        if buffer:
            self._unsent.append(buffer)

    async def aclose(self) -> None:
        """Close at once: what is not read yet nobody wants."""
        self._protocol.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore2's signature
    ) -> httpcore2.AsyncNetworkStream:
        """Return the same connection behind TLS; raise `ConnectError` for a bad certificate."""
        loop, protocol = asyncio.get_running_loop(), self._protocol
        try:
            async with asyncio.timeout(timeout):
                upgraded = await loop.start_tls(
                    protocol.transport, protocol, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError from error
        assert upgraded is not None
        protocol.transport = upgraded
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 -- httpcore2's signature
        """Return what httpcore2 asks about a connection."""
        if info == "is_readable":
            return self._protocol.ended or bool(self._protocol.received)
        if info == "ssl_object":
            return self._protocol.transport.get_extra_info("ssl_object")
        return None
