"""One caller's connection, with the limits that uvicorn leaves to whoever stands in front of it."""

import asyncio
import fcntl
import struct
import termios
from dataclasses import dataclass
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

_BAD_REQUEST: Final = 400
_HEAD_TOO_LARGE: Final = 431
_INT: Final = struct.Struct("i")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may send before its request is known, and how long it may not read."""

    head_bytes_max: int
    head_s_max: float
    connections_max: int
    write_s_max: float


class LimitedConnection(HttpToolsProtocol):
    """Refuses a head that is too long, or too slow, and one connection too many.

    A caller that reads slowly is waited for. One that reads nothing has left, whatever its kernel
    says: its connection ends, and with it the request.
    """

    def __init__(
        self, config: Config, server_state: ServerState, limits: Limits, refusal: bytes
    ) -> None:
        """Remember the limits; `refusal` is the body for a head that cannot be read."""
        super().__init__(config, server_state, {})
        self._limits = limits
        self._refusal = refusal
        self._status = _BAD_REQUEST
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self._has_read = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections_max:
            transport.close()
        else:
            self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        counted = self._in_head
        super().data_received(data)
        # The parser gathers a header before it shows it, so what has no end is counted here.
        if counted and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes_max and not self.transport.is_closing():
                self._status = _HEAD_TOO_LARGE
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes_max:
            self._status = _HEAD_TOO_LARGE
            raise httptools.HttpParserError("the head is too large")
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_writing()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._has_read = True

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  The body is ours.
        head = [
            STATUS_LINE[self._status],
            b"content-type: application/json\r\n",
            b"content-length: %d\r\n" % len(self._refusal),
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([*head, self._refusal]))
        self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        raise AssertionError("no web sockets are offered")

    def _begin_head(self) -> None:
        self._end_head()
        self._in_head, self._head_bytes = True, 0
        self._head_timer = self.loop.call_later(self._limits.head_s_max, self._too_slow)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _watch_writing(self) -> None:
        """See to it that what is written is also read, while nothing more can be written."""
        if self._write_timer is not None:
            return
        self._unread, self._has_read = self._count_unread(), False
        if self.transport.get_write_buffer_size():
            later = self._limits.write_s_max
            self._write_timer = self.loop.call_later(later, self._look_at_writing)

    def _look_at_writing(self) -> None:
        self._write_timer = None
        if not self.cycle.response_complete and not self.flow.write_paused:
            return  # It is watched again as soon as it has to wait.
        if self._has_read or self._count_unread() < self._unread:
            self._watch_writing()
        else:
            self.transport.abort()

    def _count_unread(self) -> int:
        """Return how many bytes the caller's kernel has not taken: in our buffer, and in ours.

        Our kernel asks for more only when a third of its buffer is free, which may be a megabyte.
        """
        descriptor = self.transport.get_extra_info("socket").fileno()
        in_kernel = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(_INT.size))
        return self.transport.get_write_buffer_size() + int(_INT.unpack(in_kernel)[0])

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def configuration(app: Any, keep_alive_s: int) -> Config:  # noqa: ANN401  An ASGI application.
    """Return how uvicorn speaks HTTP here; it opens no socket and handles no signal."""
    config = Config(
        app,
        http=HttpToolsProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        # Addresses stand in an access log, and in addresses whatever callers put there.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=keep_alive_s,
    )
    config.load()
    return config
