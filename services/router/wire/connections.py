"""Keeps HTTP connections to one endpoint and sends requests on them.

httpx2 is used without its client and pool: these look at every connection twice for each request
and wrap each answer in six layers, which costs 400 µs of CPU more than the HTTP itself. What is
left is its HTTP/1.1, its TLS settings, its proxies, and the shortest pool that works.
"""

import ssl
import time
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

import httpcore2
import httpx2

from services.router.wire.network import AsyncioBackend, NotSentError

KEPT_IDLE_S_MAX: Final = 4.0
"""Servers close idle connections after five seconds or more; we close first, so that no request
meets a connection that is just being closed."""
KEPT_MAX: Final = 256
SETTLES_S: Final = 0.05
"""llama.cpp closes a connection 50 µs after the last chunk of a stream and never says that it will:
who sends on it at once is sent away. After so long, its word that it has closed is here."""

Headers = Sequence[tuple[bytes, bytes]]
Connection = httpcore2.AsyncConnectionInterface


class Response:
    """An answer whose body is still to be read. Use it with `async with`, so that it is closed."""

    def __init__(
        self,
        connections: "Connections",
        connection: Connection,
        answer: httpcore2.Response,
    ) -> None:
        self.status = answer.status
        self.headers: Headers = answer.headers
        self._connections = connections
        self._connection = connection
        self._answer = answer

    def header(self, name: bytes) -> bytes:
        """Return a header by its name in lower case; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), b"")

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
        settles = b"chunked" in self.header(b"transfer-encoding").lower()
        await self._connections.put_back(self._connection, settles=settles)


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
        self._connect_s_max = connect_s_max
        self._extensions = {"timeout": {"connect": connect_s_max}}
        self._tls: ssl.SSLContext | None = None
        if url.scheme == "https":
            self._tls = tls or httpx2.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        self._network = AsyncioBackend()
        self._proxied = self._through(proxy, self._network)
        self._origin = httpcore2.URL(base_url).origin
        self._idle: list[Connection] = []
        self._settling: deque[tuple[float, Connection]] = deque()
        self._closed = False

    async def open(self) -> Connection:
        """Return a connection to send one request on; behind a proxy it connects when it sends.

        Raises httpcore2's `ConnectError` and `ConnectTimeout`.
        """
        while self._settling and self._settling[0][0] <= time.monotonic():
            self._idle.append(self._settling.popleft()[1])
        while self._idle:
            connection = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return await self._connect()

    async def _connect(self) -> Connection:
        if self._proxied is not None:
            return self._proxied.create_connection(self._origin)
        host, within_s = self._origin.host.decode("ascii"), self._connect_s_max
        stream = await self._network.connect_tcp(host, self._origin.port, within_s)
        if self._tls is not None:
            stream = await stream.start_tls(self._tls, host, within_s)
        return httpcore2.AsyncHTTP11Connection(self._origin, stream, KEPT_IDLE_S_MAX)

    async def send(
        self,
        method: bytes,
        path: str,
        headers: Headers,
        body: bytes = b"",
        connection: Connection | None = None,
    ) -> Response:
        """Send a request and return the answer as soon as its head is there.

        Raises httpcore2's errors: `ConnectError` and `ConnectTimeout` mean that nothing was sent. A
        request that found a kept connection closed goes out on a fresh one. One of which a byte may
        have left does not: a POST is not idempotent, and the other side may have begun to work (RFC
        9110, 9.2.2).
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
        if connection is None:
            connection = await self.open()
        try:
            answer = await connection.handle_async_request(request)
        except NotSentError:
            connection = await self._connect()
            answer = await connection.handle_async_request(request)
        return Response(self, connection, answer)

    async def put_back(self, connection: Connection, *, settles: bool = False) -> None:
        """Keep a connection that can be used again: at once, or when it has settled."""
        if not connection.is_idle():
            return
        if self._closed:
            await connection.aclose()
            return
        if len(self._idle) >= KEPT_MAX or (self._idle and self._idle[0].has_expired()):
            await self._idle.pop(0).aclose()
        if not settles:
            self._idle.append(connection)
            return
        if len(self._settling) >= KEPT_MAX:
            await self._settling.popleft()[1].aclose()
        self._settling.append((time.monotonic() + SETTLES_S, connection))

    async def close(self) -> None:
        """Close what is idle, and from now on every connection that its call gives back."""
        self._closed = True
        while self._settling:
            self._idle.append(self._settling.popleft()[1])
        while self._idle:
            await self._idle.pop().aclose()

    def _through(
        self, proxy: str | None, network: AsyncioBackend
    ) -> httpcore2.AsyncConnectionPool | None:
        """Return httpcore2's pool, which we only let make connections through a proxy."""
        through = proxy
        if through is None and self._tls and not urllib.request.proxy_bypass(self._base.host):
            through = urllib.request.getproxies().get("https")
        if through is None:
            return None
        return httpcore2.AsyncConnectionPool(
            ssl_context=self._tls,
            keepalive_expiry=KEPT_IDLE_S_MAX,
            network_backend=network,
            proxy=httpcore2.Proxy(through),
        )
