"""The two ways into the platform as apps use them: our client on the bus, OpenAI's over HTTP."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Protocol
from uuid import UUID, uuid4

import httpx2
from openai import APIConnectionError, AsyncOpenAI

from stellwerk.client import Client
from tests.fixtures.platform import Platform, Process

TIMEOUT_S = 60.0
REQUEST_ID = "x-request-id"
LOOK_EVERY_S = 0.1
TRIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller got for one question."""

    request_id: UUID
    text: str = field(repr=False)


class Caller(Protocol):
    """Asks one question and returns the answer; one that is streamed, from its pieces."""

    async def ask(self, text: str, *, stream: bool) -> Told: ...


@dataclass(frozen=True, slots=True)
class BusCaller:
    """An app on the bus."""

    client: Client

    async def ask(self, text: str, *, stream: bool) -> Told:
        if not stream:
            answer = await self.client.complete(text, model="scripted", timeout_s=TIMEOUT_S)
            return Told(answer.request_id, answer.text)
        streaming = self.client.stream(text, model="scripted", timeout_s=TIMEOUT_S)
        pieces = [piece async for piece in streaming]
        answer = await streaming.answer()
        assert "".join(pieces) == answer.text
        return Told(answer.request_id, answer.text)


@dataclass(slots=True)
class Balancer:
    """Chooses a gateway as load balancers do: in turns, among those whose /readyz says yes.

    It looks in a thread of its own: whatever else a test waits for must not blind it.
    """

    gateways: Mapping[str, Process]
    _ready: Sequence[str] = ()
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    @contextmanager
    def looking(self) -> Iterator[None]:
        stop = Event()
        self._look()
        thread = Thread(target=self._keep_looking, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _keep_looking(self, stop: Event) -> None:
        while not stop.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        self._ready = [name for name, process in self.gateways.items() if process.is_ready()]

    def choose(self) -> str:
        assert self._ready, "no gateway is ready"
        return self._ready[next(self._turns) % len(self._ready)]


@dataclass(frozen=True, slots=True)
class HttpCaller:
    """An app with OpenAI's client, one for each gateway; the client never tries again.

    `persistent` is an app that does so itself, with one idempotency key for all its tries.
    """

    balancer: Balancer
    clients: Mapping[str, AsyncOpenAI]
    persistent: bool = False

    async def ask(self, text: str, *, stream: bool) -> Told:
        if not self.persistent:
            return await self._ask(text, stream=stream, headers={})
        headers = {"Idempotency-Key": uuid4().hex}
        for _ in range(TRIES_MAX):
            # Of a stream that breaks off the client passes on what its transport says.
            with suppress(APIConnectionError, httpx2.TransportError):
                return await self._ask(text, stream=stream, headers=headers)
            await asyncio.sleep(LOOK_EVERY_S)
        raise AssertionError("no gateway keeps its connections")

    async def _ask(self, text: str, *, stream: bool, headers: Mapping[str, str]) -> Told:
        client = self.clients[self.balancer.choose()]
        create = client.chat.completions.with_raw_response.create
        if not stream:
            raw = await create(
                model="scripted",
                messages=[{"role": "user", "content": text}],
                extra_headers=headers,
            )
            content = raw.parse().choices[0].message.content or ""
            return Told(UUID(raw.headers[REQUEST_ID]), content)
        streaming = await create(
            model="scripted",
            messages=[{"role": "user", "content": text}],
            stream=True,
            extra_headers=headers,
        )
        pieces = [
            choice.delta.content or ""
            async for chunk in streaming.parse()
            for choice in chunk.choices
        ]
        return Told(UUID(streaming.headers[REQUEST_ID]), "".join(pieces))


@asynccontextmanager
async def callers(
    platform: Platform,
    bus: Sequence[str] = (),
    http: Sequence[str] = (),
    *,
    persistent: bool = False,
) -> AsyncIterator[list[Caller]]:
    """Yield a caller for each of these apps, those on the bus first."""
    names = [name for name in platform.doors if name.startswith("gateway")]
    balancer = Balancer({name: platform.processes[name] for name in names})
    async with AsyncExitStack() as stack:
        found: list[Caller] = [
            BusCaller(await stack.enter_async_context(platform.client(app))) for app in bus
        ]
        for app in http:
            clients = {name: _openai(platform, name, app) for name in names}
            for client in clients.values():
                await stack.enter_async_context(client)
            found.append(HttpCaller(balancer, clients, persistent))
        stack.enter_context(balancer.looking())
        yield found


def _openai(platform: Platform, gateway: str, app: str) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=f"{platform.door_url(gateway)}/v1",
        api_key=platform.key(app),
        max_retries=0,
        timeout=TIMEOUT_S,
    )
