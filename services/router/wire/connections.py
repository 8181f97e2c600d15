"""Keeps HTTP connections to one endpoint and sends requests on them.

httpx2 is used without its client and pool: these look at every connection twice for each request
and wrap each answer in six layers, which costs 400 µs of CPU more than the HTTP itself. What is
left is its HTTP/1.1, its TLS settings, its proxies, and the shortest pool that works.
"""

import ssl
import urllib.request
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpcore2
import httpx2

from services.router.wire.network import AsyncioBackend

KEPT_IDLE_S_MAX: Final = 4.0
"""Servers close idle connections after five seconds or more; we close first, so that no request
meets a connection that is just being closed."""
KEPT_MAX: Final = 256

Headers = Sequence[tuple[bytes, bytes]]


class Response:
    """An answer whose body is still to be read. Use it with `async with`, so that it is closed."""

    def __init__(
        self,
        connections: "Connections",
        connection: httpcore2.AsyncConnectionInterface,
        answer: httpcore2.Response,
    ) -> None:
        self.status = answer.status
        self._headers = answer.headers
        self._connections = connections
        self._connection = connection
        self._answer = answer

    def header(self, name: bytes) -> bytes:
        """Return a header by its name in lower case; empty if there is none."""
        return next((value for key, value in self._headers if key.lower() == name), b"")

    def body(self) -> AsyncIterator[bytes]:
        """Return the body in pieces as they arrive; raises httpcore2's errors."""
        stream = self._answer.stream
        return stream.__aiter__()  # type: ignore[union-attr]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; a connection that was read to its end is used again."""
        await self._answer.aclose()
        await self._connections.put_back(self._connection)


class Connections:
    """All connections to one endpoint. The one used last is used next, so the others can expire."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_s_max: float,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        """Remember where to; nothing is opened before the first request.

        `proxy` is the address of an HTTP proxy; by default the one that HTTPS_PROXY names, for
        https addresses that NO_PROXY does not list. Raises `ValueError` for what is no address.
        """
        try:
            url = httpx2.URL(base_url)
        except httpx2.InvalidURL:
            raise ValueError("its base_url is no address") from None
        if url.scheme not in ("http", "https") or not url.host:
            # Not repeated: an address may hold a password.
            raise ValueError("its base_url is not an http or https address")
        self._base = url
        self._extensions = {"timeout": {"connect": connect_s_max}}
        self._secure = url.scheme == "https"
        self._maker = self._made(tls, proxy)
        self._origin = httpcore2.URL(base_url).origin
        self._idle: list[httpcore2.AsyncConnectionInterface] = []
        self._closed = False

    async def send(self, method: bytes, path: str, headers: Headers, body: bytes = b"") -> Response:
        """Send a request and return the answer as soon as its head is there.

        Raises httpcore2's errors: `ConnectError` and `ConnectTimeout` mean that nothing was sent.
        """
        request = httpcore2.Request(
            method,
            httpcore2.URL(
                scheme=self._base.raw_scheme,
                host=self._base.raw_host,
                port=self._base.port,
                target=self._base.raw_path.rstrip(b"/") + path.encode(),
            ),
            headers=[
                (b"Host", self._base.netloc),
                *headers,
                (b"Content-Length", b"%d" % len(body)),
            ],
            content=body,
            extensions=self._extensions,
        )
        connection = await self._connection()
        return Response(self, connection, await connection.handle_async_request(request))

    async def put_back(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        """Keep a connection that can be used again."""
        if not connection.is_idle():
            return
        if self._closed:
            await connection.aclose()
            return
        if len(self._idle) >= KEPT_MAX or (self._idle and self._idle[0].has_expired()):
            await self._idle.pop(0).aclose()
        self._idle.append(connection)

    async def close(self) -> None:
        """Close what is idle, and from now on every connection that its call gives back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def _connection(self) -> httpcore2.AsyncConnectionInterface:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return self._maker.create_connection(self._origin)

    def _made(self, tls: ssl.SSLContext | None, proxy: str | None) -> httpcore2.AsyncConnectionPool:
        """Return httpcore2's pool, which we only let make connections: direct or by proxy."""
        context = tls
        if self._secure and context is None:
            context = httpx2.create_ssl_context()
        through = proxy
        if through is None and self._secure and not urllib.request.proxy_bypass(self._base.host):
            through = urllib.request.getproxies().get("https")
        options: dict[str, Any] = {
            "ssl_context": context,
            "keepalive_expiry": KEPT_IDLE_S_MAX,
            "network_backend": AsyncioBackend(),
        }
        if through is not None:
            options["proxy"] = httpcore2.Proxy(through)
        return httpcore2.AsyncConnectionPool(**options)
