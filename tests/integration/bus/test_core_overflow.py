"""Live events are kept nowhere: more than memory should hold are dropped, counted, and in order."""

import asyncio
from collections.abc import Sequence

from prometheus_client import REGISTRY

from shared.bus.live import WAITING_MAX
from shared.contracts.completions import ChunkProduced
from shared.contracts.event import Event, encode
from shared.contracts.values import new_id
from tests.fixtures.bus import Bus, eventually, running

MORE = 500


def dropped() -> float:
    labels = {"consumer": "chunk.produced", "outcome": "dropped"}
    return REGISTRY.get_sample_value("stellwerk_messages_total", labels) or 0.0


# Trap 15: a slow stock handler lost 899 of 1000, with nothing but an error callback.
async def test_a_slow_listener_drops_only_the_newest_and_counts_them(bus: Bus) -> None:
    request_id, before = new_id(), dropped()
    heard: list[int] = []
    release = asyncio.Event()

    async def handler(events: Sequence[ChunkProduced]) -> list[Event]:
        await release.wait()
        heard.extend(event.sequence for event in events)
        return []

    service = bus.service("redactor", replica="r1")
    service.live(ChunkProduced, handler)
    async with running(service):
        await asyncio.sleep(0.1)
        chunk = ChunkProduced(
            tenant="default", app="crm", request_id=request_id, sequence=0, redactor="r1"
        )
        template = encode(chunk, "router")
        for sequence in range(WAITING_MAX + MORE):
            payload = template.replace(b'"sequence":0', f'"sequence":{sequence}'.encode())
            await bus.client.publish(f"sw.masked.chunk.produced.r1.{request_id}", payload)
        await bus.client.flush()
        await eventually(lambda: dropped() > before)
        release.set()
        await eventually(lambda: len(heard) + dropped() - before == WAITING_MAX + MORE)
    assert heard[:WAITING_MAX] == list(range(WAITING_MAX))
    assert heard == sorted(heard)
