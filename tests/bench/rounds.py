"""Runs one load after the other and prints what each took and cost."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.http import Connection, Target
from tests.bench.loads import LETTER, Load
from tests.bench.measuring import Use, percentile, spent

SETTLE_S: Final = 2.0
ALONE: Final = 30
NOT_THE_SERVER: Final = frozenset({"client", "scripted"})


@dataclass(frozen=True, slots=True)
class Round:
    """One load: so many at once, what they took, and what each group of processes spent."""

    door: str
    at_once: int
    requests: int
    wall_s: float
    latencies_s: list[float]
    cpu_s: Mapping[str, float]
    provider_s: float

    def cpu_ms(self, names: Sequence[str]) -> float:
        """Return the CPU of a request in all these processes together, in milliseconds."""
        return sum(self.cpu_s[name] for name in names) / self.requests * 1e3

    @property
    def server_cpu_ms(self) -> float:
        return self.cpu_ms([name for name in self.cpu_s if name not in NOT_THE_SERVER])


@dataclass(frozen=True, slots=True)
class Bench:
    """What a load is measured by: the use of processes, and the provider asked directly."""

    readings: Callable[[], dict[str, Use]]
    provider_url: str

    async def run(self, door: str, load: Load, at_once: int, count: int) -> Round:
        provider_s = await self._provider_alone_s()
        before, started = self.readings(), time.perf_counter()
        latencies = await load(at_once, count)
        wall_s = time.perf_counter() - started
        # Audit, billing and evals take their time: what they still owe belongs to these requests.
        await asyncio.sleep(SETTLE_S)
        cpu_s = spent(before, self.readings())
        return Round(door, at_once, count, wall_s, latencies, cpu_s, provider_s)

    async def _provider_alone_s(self) -> float:
        """Return the median time of the same call straight to the provider."""
        target = Target(self.provider_url, key="none")
        connection = await Connection.to(target)
        try:
            request = target.request(LETTER, stream=False)
            return percentile([await connection.ask(request) for _ in range(ALONE)], 0.5)
        finally:
            connection.close()


def show_times(console: Console, rounds: Sequence[Round]) -> None:
    table = Table(title="The same letter, the same provider: latency, throughput and CPU")
    headings = ("requests/s", "p50 ms", "p99 ms", "provider alone ms", "added p50 ms", "CPU ms")
    table.add_column("door")
    table.add_column("at once", justify="right")
    for heading in headings:
        table.add_column(heading, justify="right")
    door = rounds[0].door
    for one in rounds:
        if one.door.partition(",")[0] != door.partition(",")[0]:
            table.add_section()
        door = one.door
        p50, p99 = (percentile(one.latencies_s, share) * 1e3 for share in (0.5, 0.99))
        alone = one.provider_s * 1e3
        table.add_row(
            *(one.door, str(one.at_once), f"{one.requests / one.wall_s:.0f}"),
            *(f"{p50:.1f}", f"{p99:.1f}", f"{alone:.1f}", f"{p50 - alone:.1f}"),
            f"{one.server_cpu_ms:.2f}",
        )
    console.print(table)
    console.print(
        "CPU is that of a request in all processes but the client and the provider. A stream's "
        "latency is the time to its first text."
    )


def show_costs(console: Console, rounds: Sequence[Round], memory: Mapping[str, Use]) -> None:
    table = Table(title="CPU per request in ms, by process; memory in MB")
    table.add_column("process")
    for one in rounds:
        table.add_column(f"{one.door}\n{one.at_once}", justify="right")
    table.add_column("memory", justify="right")
    platform = [name for name in memory if name not in NOT_THE_SERVER]
    for name in [*platform, "client", "scripted"]:
        _add(table, name, [name], rounds, memory)
    table.add_section()
    _add(table, "the platform", platform, rounds, memory)
    console.print(table)


def _add(
    table: Table,
    heading: str,
    names: Sequence[str],
    rounds: Sequence[Round],
    memory: Mapping[str, Use],
) -> None:
    megabytes = sum(memory[name].memory_bytes for name in names) / 2**20
    table.add_row(heading, *(f"{one.cpu_ms(names):.2f}" for one in rounds), f"{megabytes:.0f}")
