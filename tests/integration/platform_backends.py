"""Providers in Cohere's, Together's and Google's formats for a whole platform.

Each listens behind a tap that keeps every byte that the platform sends, so that a test can search
it. They run in a thread of their own, since tests come and go with their loops.
"""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.configuration import Document
from tests.fixtures.wires.base import wire_of
from tests.fixtures.wires.server import WireServer, wire_server

LOOPBACK = "127.0.0.1"
HUGE = "huge"
HUGE_DIMENSIONS = 8192
AGREEMENT = {"reference": "DPA 2026-17", "signed": "2026-01-01"}
PROVIDERS = {"cohere": "cohere", "together": "openai", "google-translate-eu": "google-translate"}
"""Providers of the shipped models.yaml, each with the wire that it speaks."""


@dataclass
class Backends:
    """Where the providers listen, and what they have received."""

    addresses: dict[str, str] = field(default_factory=dict)
    received: dict[str, list[bytearray]] = field(default_factory=dict)
    """By provider, one a connection."""
    server: WireServer = field(init=False)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def bytes_of(self, provider: str) -> bytes:
        """Return all that a provider has received."""
        return b"\n".join(self.received[provider])

    def bodies(self, provider: str) -> list[Any]:
        """Return what a provider was asked so far, in the order in which it came."""
        return [body for one in self.received[provider] for body in _bodies_in(bytes(one))]

    def configure(self, folder: Path) -> None:
        """Have the shipped providers listen here, in the EU and with an agreement."""
        file = folder / Document.MODELS
        models = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name in PROVIDERS:
            provider = models["providers"][name]
            provider.pop("key_file", None)
            provider |= {"base_url": self.addresses[name], "residency": "eu", "dpa": AGREEMENT}
            if name == "google-translate-eu":
                provider["options"] = {"project": "invented"}
        models["providers"][HUGE] = {
            **models["providers"]["together"],
            "base_url": self.addresses[HUGE],
        }
        models["models"][HUGE] = {
            **models["models"]["cohere-embed-v4"],
            "provider": HUGE,
            "upstream": HUGE,
        }
        file.write_text(yaml.safe_dump(models, sort_keys=False), encoding="utf-8")

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the keys that the router finds in its environment."""
        return {
            "SW_ROUTER_COHERE_KEY": wire_of("cohere").key,
            "SW_ROUTER_TOGETHER_KEY": wire_of("openai").key,
            "SW_ROUTER_GOOGLE_TRANSLATE_KEY": wire_of("google-translate").key,
        }

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=10)

    async def open(self) -> None:
        self.server = await self._stack.enter_async_context(wire_server())
        for provider, name in PROVIDERS.items():
            port = await self._listen(provider, self.server.port)
            here = self.server.base_url(wire_of(name))
            self.addresses[provider] = here.replace(f":{self.server.port}/", f":{port}/")
        huge = await asyncio.start_server(_huge, LOOPBACK, 0, limit=1 << 20)
        self._stack.callback(huge.close)
        port = await self._listen(HUGE, huge.sockets[0].getsockname()[1])
        self.addresses[HUGE] = f"http://{LOOPBACK}:{port}/v1"

    async def close(self) -> None:
        await self._stack.aclose()
        # Connections that the platform keeps open for later.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _listen(self, provider: str, port: int) -> int:
        kept = self.received[provider] = []

        async def tap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream, onward = await asyncio.open_connection(LOOPBACK, port)
            kept.append(asked := bytearray())
            await asyncio.gather(_pipe(reader, onward, asked), _pipe(upstream, writer))

        server = await asyncio.start_server(tap, LOOPBACK, 0)
        self._stack.callback(server.close)
        return int(server.sockets[0].getsockname()[1])


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None = None
) -> None:
    """Pass on what comes, and keep it before it goes: what has an answer has been seen."""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            if kept is not None:
                kept += data
            writer.write(data)
            await writer.drain()
    writer.close()


def _bodies_in(rest: bytes) -> Iterator[Any]:
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        length = int(found[1]) if found else 0
        if length:
            yield json.loads(rest[:length])
        rest = rest[length:]


async def _huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer an embedding with vectors twice as long as anybody expects."""
    vector = base64.b64encode(bytes(4 * HUGE_DIMENSIONS)).decode()
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
            sent = await reader.readexactly(int(found[1]) if found else 0)
            texts = json.loads(sent)["input"] if sent else ()  # Else it is a probe.
            data = [{"index": n, "embedding": vector} for n, _ in enumerate(texts)]
            usage = {"prompt_tokens": 7, "total_tokens": 7}
            body = json.dumps({"object": "list", "data": data, "usage": usage}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            await writer.drain()
    writer.close()


@contextmanager
def backends() -> Iterator[Backends]:
    """Run the providers until the block ends."""
    running = Backends()
    thread = threading.Thread(target=running.loop.run_forever, daemon=True)
    thread.start()
    try:
        running.run(running.open())
        yield running
    finally:
        running.run(running.close())
        running.loop.call_soon_threadsafe(running.loop.stop)
        thread.join(timeout=10)
        running.loop.close()
