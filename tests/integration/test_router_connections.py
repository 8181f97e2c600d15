"""Connections behind TLS and behind a proxy, on both event loops that the platform runs on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpcore2
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local.scripted import Connection, Script
from services.router.wire.connections import SETTLES_S, Connections
from services.router.wire.connections import Connection as Kept
from shared.contracts.values import now

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
BODY = b'{"model":"scripted","messages":[{"role":"user","content":"Hej Klient_001"}]}'
JSON = ((b"Content-Type", b"application/json"),)


def in_loop(
    work: Coroutine[None, None, None], new: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Run to the end in a loop of its own kind, beside the test's."""

    def run() -> None:
        with asyncio.Runner(loop_factory=new) as runner:
            runner.run(work)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for localhost, made for this run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def secure_server(certificate: Path) -> asyncio.Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(Script()), "127.0.0.1", 0, ssl=context)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def answer_of(connections: Connections) -> bytes:
    async with await connections.send(b"POST", "/chat/completions", JSON, BODY) as response:
        assert response.status == 200
        return b"".join([part async for part in response.body()])


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_provider_behind_tls_answers_twice_on_one_connection(
    certificate: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def talk() -> None:
        server = await secure_server(certificate)
        connections = Connections(
            f"https://localhost:{port_of(server)}/v1",
            connect_s_max=2.0,
            tls=trusting(certificate),
        )
        for _ in range(2):
            assert b"Klient_001" in await answer_of(connections)
        await connections.close()
        server.close()

    in_loop(talk(), new_loop)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def talk() -> None:
        server = await secure_server(certificate)
        connections = Connections(f"https://localhost:{port_of(server)}/v1", connect_s_max=2.0)
        with pytest.raises(httpcore2.ConnectError):
            await answer_of(connections)
        server.close()

    in_loop(talk(), new_loop)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_proxy_is_asked_for_a_tunnel(
    certificate: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def talk() -> None:
        server, asked, ended = await secure_server(certificate), [], asyncio.Event()

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(copied(reader, far_writer), copied(far_reader, writer))
            ended.set()

        proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        connections = Connections(
            f"https://localhost:{port_of(server)}/v1",
            connect_s_max=2.0,
            tls=trusting(certificate),
            proxy=f"http://127.0.0.1:{port_of(proxy)}",
        )
        assert b"Klient_001" in await answer_of(connections)
        assert asked == [f"CONNECT localhost:{port_of(server)} HTTP/1.1".encode()]
        await connections.close()
        await ended.wait()
        proxy.close()
        server.close()

    in_loop(talk(), new_loop)


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_large_body_is_read_piece_by_piece(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    size = 8 * 1024 * 1024

    async def talk() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            writer.write(b"x" * size)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        connections = Connections(f"http://127.0.0.1:{port_of(server)}", connect_s_max=2.0)
        async with await connections.send(b"GET", "/models", ()) as response:
            await asyncio.sleep(0.05)
            sizes = [len(part) async for part in response.body()]
        assert sum(sizes) == size
        assert max(sizes) < size // 2
        await connections.close()
        server.close()

    in_loop(talk(), new_loop)


STREAMED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nHej\r\n0\r\n\r\n"
)


class ClosingServer(asyncio.Protocol):
    """Closes a connection after `close_after_s`, without a word that it will, as llama.cpp does."""

    def __init__(self, close_after_s: float, opened: list[asyncio.Transport]) -> None:
        self._close_after_s = close_after_s
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened.append(transport)

    def data_received(self, data: bytes) -> None:
        if b"Klient_001" in data:
            self._transport.write(STREAMED)
            asyncio.get_running_loop().call_later(self._close_after_s, self._transport.abort)


@asynccontextmanager
async def closing_server(
    close_after_s: float,
) -> AsyncIterator[tuple[Connections, list[asyncio.Transport]]]:
    """Yield connections to a server that closes its own, and every one that it was given."""
    opened: list[asyncio.Transport] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ClosingServer(close_after_s, opened), "127.0.0.1", 0)
    connections = Connections(f"http://127.0.0.1:{port_of(server)}", connect_s_max=2.0)
    try:
        yield connections, opened
    finally:
        await connections.close()
        for transport in opened:
            transport.abort()
        server.close()
        await asyncio.sleep(0.01)  # The loop closes what was aborted in its next rounds.


async def streamed_from(connections: Connections, kept: Kept | None = None) -> bytes:
    sent = await connections.send(b"POST", "/chat/completions", JSON, BODY, kept)
    async with sent as response:
        return b"".join([part async for part in response.body()])


async def test_a_connection_that_is_closed_right_after_a_stream_is_not_used_again() -> None:
    async with closing_server(0.002) as (connections, _):
        assert [await streamed_from(connections) for _ in range(10)] == [b"Hej"] * 10


async def test_a_connection_that_stays_open_after_a_stream_is_used_again() -> None:
    async with closing_server(30) as (connections, opened):
        await streamed_from(connections)
        await asyncio.sleep(SETTLES_S + 0.01)
        await streamed_from(connections)

        assert len(opened) == 1


async def test_a_request_that_never_left_goes_out_on_a_fresh_connection() -> None:
    async with closing_server(0.05) as (connections, opened):
        kept = await connections.open()
        assert await streamed_from(connections, kept) == b"Hej"
        await asyncio.sleep(0.1)  # It was taken from the pool in time, and is closed by now.

        assert await streamed_from(connections, kept) == b"Hej"
        assert len(opened) == 2
