"""A light HTTP/1.1 client: it costs so little that a bench measures the server, not the client."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httptools

_TEXT: Final = re.compile(rb'"content": ?"[^"]')


@dataclass(frozen=True, slots=True)
class Target:
    """A server that speaks OpenAI's dialect."""

    base_url: str  # with /v1
    key: str
    model: str = "scripted"

    @property
    def host(self) -> str:
        return str(urlsplit(self.base_url).hostname)

    @property
    def port(self) -> int:
        return int(urlsplit(self.base_url).port or 80)

    def request(self, content: str, *, stream: bool) -> bytes:
        """Return the whole request as it goes over the wire."""
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
        }
        body = json.dumps(asked | ({"stream": True} if stream else {})).encode()
        head = (
            f"POST {urlsplit(self.base_url).path}/chat/completions HTTP/1.1\r\n"
            f"Host: {self.host}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection(asyncio.Protocol):
    """One connection that is kept and asks one thing after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._reset()

    @classmethod
    async def to(cls, target: Target) -> Self:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, target.host, target.port)
        return connection

    async def ask(self, request: bytes) -> float:
        """Send it, wait for the whole answer, and return the seconds until the first text."""
        self._reset()
        started = time.perf_counter()
        self._transport.write(request)
        status = await self._whole
        if status != HTTPStatus.OK or not self._first:
            raise RuntimeError(f"HTTP {status}: {bytes(self._body[:300])!r}")
        return self._first - started

    def close(self) -> None:
        self._transport.close()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._whole: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._body = bytearray()
        self._first = 0.0

    # --- called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._whole.done():
            self._whole.set_exception(exc or ConnectionError("the server closed the connection"))
            self._whole.exception()  # nobody may be waiting any more

    # --- called by the parser -------------------------------------------------------------------

    def on_body(self, data: bytes) -> None:
        self._body += data
        # A stream begins with a piece that says who speaks; what people wait for is the first text.
        if not self._first and _TEXT.search(self._body):
            self._first = time.perf_counter()

    def on_message_complete(self) -> None:
        self._whole.set_result(self._parser.get_status_code())
