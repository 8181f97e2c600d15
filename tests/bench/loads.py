"""The reference request, asked over the bus and over HTTP, so many at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from stellwerk.client import Client
from tests.bench.http import Connection, Target

LETTER: Final = (
    "Kære kundeservice, mit navn er Anders Hansen, og jeg bor Vestergade 12, 8000 Aarhus C. "
    "Jeg har stadig ikke modtaget min vare, som jeg bestilte for to uger siden, ordre 4711-2089. "
    "I kan ringe til mig på telefon 20 30 40 50 eller skrive til anders.hansen@eksempel.dk. Vil I "
    "svare mig kort på dansk, hvornår den kommer? Med venlig hilsen Anders Hansen"
)

Load = Callable[[int, int], Awaitable[list[float]]]
"""Takes how many at once and how many in all; returns the latency of each in seconds."""


def over_the_bus(client: Client) -> Load:
    async def one() -> float:
        started = time.perf_counter()
        await client.complete(LETTER, model="scripted")
        return time.perf_counter() - started

    return lambda at_once, count: _side_by_side([one] * at_once, count)


def streams_over_the_bus(client: Client) -> Load:
    async def one() -> float:
        started, first = time.perf_counter(), 0.0
        async for _ in client.stream(LETTER, model="scripted"):
            first = first or time.perf_counter() - started
        return first

    return lambda at_once, count: _side_by_side([one] * at_once, count)


def over_http(target: Target, *, stream: bool = False) -> Load:
    """Return a load with one connection for each request that is under way at once."""
    request = target.request(LETTER, stream=stream)

    async def load(at_once: int, count: int) -> list[float]:
        connections = [await Connection.to(target) for _ in range(at_once)]
        try:
            return await _side_by_side([_asking(each, request) for each in connections], count)
        finally:
            for connection in connections:
                connection.close()

    return load


def _asking(connection: Connection, request: bytes) -> Callable[[], Awaitable[float]]:
    return lambda: connection.ask(request)


async def _side_by_side(
    workers: Sequence[Callable[[], Awaitable[float]]], count: int
) -> list[float]:
    left = iter(range(count))

    async def work(one: Callable[[], Awaitable[float]]) -> list[float]:
        return [await one() for _ in left]

    results = await asyncio.gather(*(work(one) for one in workers))
    return [latency for result in results for latency in result]
