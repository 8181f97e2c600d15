"""`make bench`: what one request costs in CPU, time and memory, with all controls on.

The reference request: 60 words of Danish with personal data, the scripted provider over real HTTP;
over the bus and over HTTP, and through LiteLLM's bare proxy where that is installed. Figures depend
on the machine and on what else it does: compare only what one run printed.
"""

import asyncio
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.local.ports import LOOPBACK, free_port
from tests.bench import litellm
from tests.bench.http import Target
from tests.bench.loads import Load, over_http, over_the_bus, streams_over_the_bus
from tests.bench.measuring import Use, use_of
from tests.bench.rounds import Bench, Round, show_costs, show_times
from tests.fixtures.platform import Platform, start_platform

SIZES: Final = ((1, 150), (16, 1000), (64, 2000))
STREAMS: Final = (64, 256)
WARM_UP: Final = (64, 300)


def main() -> None:
    logging.disable(logging.WARNING)
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="stellwerk-bench-") as name:
        folder = Path(name)
        rounds, memory = _with_the_platform(folder)
        anchored, heading = _with_the_anchor(folder, console)
    show_times(console, [*rounds, *anchored])
    show_costs(console, rounds, memory)
    if anchored:
        console.print(heading)


def _with_the_platform(folder: Path) -> tuple[list[Round], dict[str, Use]]:
    platform = start_platform(folder)
    try:
        return asyncio.run(_measure_platform(platform))
    finally:
        platform.stop()


async def _measure_platform(platform: Platform) -> tuple[list[Round], dict[str, Use]]:
    def readings() -> dict[str, Use]:
        pids = {name: process.pid for name, process in platform.processes.items()}
        pids |= {"nats": platform.nats_running.pid, "postgresql": platform.postgres_running.pid}
        return _with_client({name: use_of([pid]) for name, pid in pids.items()})

    bench = Bench(readings, f"http://{LOOPBACK}:{platform.scripted_port}/v1")
    gateway = Target(f"{platform.gateway_url}/v1", platform.key())
    async with platform.client() as client:
        rounds = await _all_sizes(bench, "bus", over_the_bus(client), streams_over_the_bus(client))
    plain, streamed = over_http(gateway), over_http(gateway, stream=True)
    rounds += await _all_sizes(bench, "http", plain, streamed)
    return rounds, readings()


def _with_the_anchor(folder: Path, console: Console) -> tuple[list[Round], str]:
    """Measure LiteLLM with nothing else running but the same provider; without it, say so."""
    program = litellm.executable()
    if program is None:
        console.print(f"LiteLLM is not here to compare with; {litellm.VARIABLE} may name it.")
        return [], ""
    with (
        litellm.scripted_provider(folder, free_port()) as provider,
        litellm.running(
            program, folder, litellm.CONFIG.format(provider=provider.url, key=litellm.KEY)
        ) as proxy,
    ):

        def readings() -> dict[str, Use]:
            pids = {"litellm": proxy.pid, "scripted": provider.pid}
            return _with_client({name: use_of([pid]) for name, pid in pids.items()})

        plain, streamed = over_http(proxy.target), over_http(proxy.target, stream=True)
        rounds = asyncio.run(_all_sizes(Bench(readings, provider.url), "litellm", plain, streamed))
        memory = readings()["litellm"].memory_bytes / 2**20
    heading = f"LiteLLM {proxy.version}: one worker, {memory:.0f} MB; {litellm.WHAT_IT_DOES}"
    return rounds, heading


async def _all_sizes(bench: Bench, door: str, plain: Load, streamed: Load) -> list[Round]:
    await plain(*WARM_UP)
    rounds = [await bench.run(door, plain, *size) for size in SIZES]
    return [*rounds, await bench.run(f"{door}, streamed", streamed, *STREAMS)]


def _with_client(others: dict[str, Use]) -> dict[str, Use]:
    """Add this process: it is the parent of all others, and what is theirs is not its own."""
    own = use_of([os.getpid()])
    cpu_s = own.cpu_s - sum(use.cpu_s for use in others.values())
    memory = own.memory_bytes - sum(use.memory_bytes for use in others.values())
    return {**others, "client": Use(cpu_s, memory)}


if __name__ == "__main__":
    main()
