"""`make bench`: what one request costs in CPU, time and memory, with all controls on.

The reference request: 60 words of Danish with personal data, the scripted provider over real HTTP.
Figures depend on the machine and on what else it does: compare two runs of the same machine only.
"""

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from stellwerk.client import Client
from tests.bench.measuring import Use, percentile, spent, use_of
from tests.fixtures.platform import Platform, start_platform

LETTER = (
    "Kære kundeservice, mit navn er Anders Hansen, og jeg bor Vestergade 12, 8000 Aarhus C. "
    "Jeg har stadig ikke modtaget min vare, som jeg bestilte for to uger siden, ordre 4711-2089. "
    "I kan ringe til mig på telefon 20 30 40 50 eller skrive til anders.hansen@eksempel.dk. Vil I "
    "svare mig kort på dansk, hvornår den kommer? Med venlig hilsen Anders Hansen"
)
ROUNDS = ((1, 150), (16, 1000), (64, 2000))
STREAMS = 64
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """One load: so many at once, what they took, and what each group of processes spent."""

    name: str
    requests: int
    wall_s: float
    latencies_s: list[float]
    cpu_s: dict[str, float]
    provider_s: float


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="stellwerk-bench-") as name:
        platform = start_platform(Path(name))
        try:
            rounds, memory = asyncio.run(measure(platform))
        finally:
            platform.stop()
    show(rounds, memory)


async def measure(platform: Platform) -> tuple[list[Round], dict[str, Use]]:
    async with platform.client() as client:
        await load(client, 64, 300)
        rounds = [
            await one_round(platform, f"{at_once} at once", count, load_of(client, at_once, count))
            for at_once, count in ROUNDS
        ]
        rounds.append(
            await one_round(platform, f"{STREAMS} streams", 4 * STREAMS, streams_of(client))
        )
    return rounds, readings(platform)


Load = Callable[[], Awaitable[list[float]]]


def load_of(client: Client, at_once: int, count: int) -> Load:
    return lambda: load(client, at_once, count)


def streams_of(client: Client) -> Load:
    return lambda: stream_load(client, STREAMS, 4 * STREAMS)


async def one_round(platform: Platform, name: str, count: int, work: Load) -> Round:
    provider_s = await bare_provider_s(platform)
    before, started = readings(platform), time.perf_counter()
    latencies = await work()
    wall_s = time.perf_counter() - started
    # Audit, billing and evals take their time: what they still owe belongs to these requests.
    await asyncio.sleep(SETTLE_S)
    return Round(name, count, wall_s, latencies, spent(before, readings(platform)), provider_s)


async def load(client: Client, at_once: int, count: int) -> list[float]:
    """Return the latency of each request in seconds."""

    async def one() -> float:
        started = time.perf_counter()
        await client.complete(LETTER, model="scripted")
        return time.perf_counter() - started

    return await side_by_side(one, at_once, count)


async def stream_load(client: Client, at_once: int, count: int) -> list[float]:
    """Return the time to the first text of each stream in seconds."""

    async def one() -> float:
        started, first = time.perf_counter(), 0.0
        async for _ in client.stream(LETTER, model="scripted"):
            first = first or time.perf_counter() - started
        return first

    return await side_by_side(one, at_once, count)


async def side_by_side(
    one: Callable[[], Awaitable[float]], at_once: int, count: int
) -> list[float]:
    left = iter(range(count))

    async def worker() -> list[float]:
        return [await one() for _ in left]

    results = await asyncio.gather(*(worker() for _ in range(at_once)))
    return [latency for result in results for latency in result]


async def bare_provider_s(platform: Platform) -> float:
    """Return the median time of the same call straight to the provider."""
    url = f"http://127.0.0.1:{platform.scripted_port}/v1/chat/completions"
    body = {"model": "scripted", "messages": [{"role": "user", "content": LETTER}]}
    times = []
    async with httpx2.AsyncClient() as http:
        for _ in range(30):
            started = time.perf_counter()
            (await http.post(url, json=body)).raise_for_status()
            times.append(time.perf_counter() - started)
    return percentile(times, 0.5)


def readings(platform: Platform) -> dict[str, Use]:
    groups = {name: use_of([process.pid]) for name, process in platform.processes.items()}
    groups["nats"] = use_of([platform.nats_running.pid])
    groups["postgresql"] = use_of([platform.postgres_running.pid])
    groups["client"] = use_of([os.getpid()])
    # The client is the parent of all others: what is theirs is not its own.
    others = sum(use.cpu_s for name, use in groups.items() if name != "client")
    memory = sum(use.memory_bytes for name, use in groups.items() if name != "client")
    own = groups["client"]
    groups["client"] = Use(own.cpu_s - others, own.memory_bytes - memory)
    return groups


def show(rounds: list[Round], memory: dict[str, Use]) -> None:
    console = Console(width=110)
    times = Table(title="Latency and throughput (scripted provider, all controls on)")
    for heading in ("load", "requests/s", "p50 ms", "p99 ms", "provider alone ms", "added p50 ms"):
        times.add_column(heading, justify="left" if heading == "load" else "right")
    for one in rounds:
        p50, p99 = (percentile(one.latencies_s, share) * 1e3 for share in (0.5, 0.99))
        rate = one.requests / one.wall_s
        alone = one.provider_s * 1e3
        cells = [f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{alone:.1f}", f"{p50 - alone:.1f}"]
        times.add_row(one.name, *cells)
    console.print(times)
    costs = Table(title="CPU per request in ms; memory in MB")
    costs.add_column("process")
    for one in rounds:
        costs.add_column(one.name, justify="right")
    costs.add_column("memory", justify="right")
    platform = [name for name in memory if name not in {"scripted", "client"}]
    for name in [*platform, "client", "scripted"]:
        cells = [f"{one.cpu_s[name] / one.requests * 1e3:.2f}" for one in rounds]
        costs.add_row(name, *cells, f"{memory[name].memory_bytes / 2**20:.0f}")
    sums = [sum(one.cpu_s[name] for name in platform) / one.requests * 1e3 for one in rounds]
    total = sum(memory[name].memory_bytes for name in platform) / 2**20
    costs.add_section()
    costs.add_row("the platform", *(f"{value:.2f}" for value in sums), f"{total:.0f}")
    console.print(costs)
    console.print("The platform is all but the client and the scripted provider.")


if __name__ == "__main__":
    main()
