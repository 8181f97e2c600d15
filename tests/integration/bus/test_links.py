"""The link to the bus breaks: the loop goes on, the service comes back, nothing is lost."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import nats.errors

from shared.contracts.event import Event
from shared.contracts.requests import RequestSubmitted
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import mask, mask_all, send_all

TICK_S = 0.02
AWAY_S = 5.0


class Ticker:
    """Measures how long the event loop was blocked at worst."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(TICK_S)
            self.longest_s = max(self.longest_s, clock() - before)


async def test_a_bus_that_is_killed_and_returns_loses_nothing_and_blocks_nothing(bus: Bus) -> None:
    # Trap 4: a stock loop on a closed connection spins, and timers, signals and health stand still.
    # Trap 16: pull subscriptions that never come back after a reboot of the server.
    events = [submitted() for _ in range(300)]
    handled: Counter[UUID] = Counter()

    async def handler(batch: Sequence[RequestSubmitted]) -> list[Event]:
        handled.update(event.id for event in batch)
        await asyncio.sleep(0.02)
        return [mask(event) for event in batch]

    service = bus.service("redactor")
    service.batch("redactor-requests", handler)
    ticker = Ticker()
    await send_all(bus, events)
    async with running(service):
        ticking = asyncio.create_task(ticker.run())
        await eventually(lambda: len(handled) > 50)
        bus.server.kill()
        await eventually(lambda: "bus" in service.problems())
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(bus.server.start)
        await eventually(lambda: not service.problems(), within_s=3.0)
        await eventually(lambda: _all_passed_on(bus, len(events)), within_s=15.0)
        ticking.cancel()
    assert set(handled) == {event.id for event in events}
    assert ticker.longest_s < AWAY_S / 2


async def test_a_service_started_before_its_bus_waits_for_it(bus: Bus) -> None:
    bus.server.kill()
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    task = asyncio.create_task(service.serve())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 1.0)
    assert service.problems()["bus"] == "the link is down"
    await asyncio.to_thread(bus.server.start)
    await eventually(lambda: not service.problems())
    await eventually(lambda: bus.client.is_connected)
    await bus.send(submitted())
    await eventually(lambda: _all_passed_on(bus, 1))
    service.stop()
    await task


async def test_a_service_stops_while_the_bus_is_away(bus: Bus) -> None:
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with asyncio.timeout(5.0):
        async with running(service):
            bus.server.kill()
            await eventually(lambda: "bus" in service.problems())
    await asyncio.to_thread(bus.server.start)


async def _all_passed_on(bus: Bus, count: int) -> bool:
    try:
        return await bus.stored("SW_MASKED") == count and await bus.stored("SW_INBOX") == 0
    except (nats.errors.Error, TimeoutError):
        return False
