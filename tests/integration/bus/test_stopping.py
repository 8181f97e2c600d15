"""A service stops: what it has begun it finishes, what it has not begun others get at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID

from shared.bus import Answered, Service
from shared.contracts.billing import HoldRequest
from shared.contracts.catalog import consumer_named
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted, RequestSubmitted
from tests.fixtures.bus import Bus, eventually, redacted, running, submitted
from tests.integration.bus.work import complete, held, hold, mask, mask_all, send_all, slots

TWO_SLOTS = replace(consumer_named("router-requests"), batch_max=2)
PACE_S = 0.004


# Trap 8: the stock stop sets a flag before it unsubscribes: 8 of 702 requests got no answer.
async def test_a_rolling_restart_of_three_replicas_loses_no_request(bus: Bus) -> None:
    async def handler(commands: Sequence[HoldRequest]) -> Answered:
        await asyncio.sleep(0.01)
        return Answered(held(commands))

    def replica() -> Service:
        service = bus.service("billing")
        service.command(HoldRequest, handler)
        return service

    async def load() -> int:
        asked = []
        while not rolled.is_set():
            asked.append(asyncio.create_task(caller.ask(hold(), timeout_s=2.0)))
            await asyncio.sleep(PACE_S)
        return len(await asyncio.gather(*asked))  # A request that is lost raises here.

    rolled = asyncio.Event()
    caller, first, second, third = bus.service("router"), replica(), replica(), replica()
    async with running(caller_with_a_part(caller)), running(first):
        loading = asyncio.create_task(load())
        async with running(second):
            async with running(third):
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.1)
            async with running(replica()):
                await asyncio.sleep(0.3)
        async with running(replica()):
            await asyncio.sleep(0.3)
        rolled.set()
        answered = await loading
    assert answered > 100


def caller_with_a_part(service: Service) -> Service:
    """Give a service that only asks something to be ready with."""

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        yield complete(event)

    service.slot("router-requests", handler)
    return service


async def test_what_is_not_begun_goes_to_another_replica_while_the_rest_finishes(bus: Bus) -> None:
    # Trap 8: 8 of 12 messages stayed with the process that had stopped until the ack wait, 10 s.
    entered, release = asyncio.Event(), asyncio.Event()
    slow: set[UUID] = set()
    quick: dict[UUID, float] = {}

    async def stuck(events: Sequence[RequestSubmitted]) -> list[Event]:
        slow.update(event.id for event in events)
        entered.set()
        await release.wait()
        return [mask(event) for event in events]

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        quick.update({event.id: time.monotonic() for event in events})
        return [mask(event) for event in events]

    old, new = bus.service("redactor"), bus.service("redactor")
    old.batch("redactor-requests", stuck)
    new.batch("redactor-requests", handler)
    async with running(old):
        await bus.send(submitted())
        await entered.wait()
        await send_all(bus, [submitted() for _ in range(30)])  # They wait in the old replica.
        async with running(new):
            stopped = time.monotonic()
            old.stop()
            await eventually(lambda: len(quick) == 30, within_s=3.0)
            assert max(quick.values()) - stopped < 1.0
            assert old.problems()["stopping"] == "draining"
            await send_all(bus, [submitted() for _ in range(5)])
            await eventually(lambda: len(quick) == 35, within_s=1.0)
            release.set()
            await eventually(lambda: _passed_on(bus, 36))
    assert not slow & set(quick)


async def test_slots_in_flight_end_before_the_process_does(bus: Bus) -> None:
    begun = 0

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.5)
        yield complete(event)

    await send_all(bus, [redacted() for _ in range(6)])
    async with slots(bus, TWO_SLOTS, handler):
        await eventually(lambda: begun == 2)
    assert begun == 2
    assert await bus.waiting("SW_MASKED", TWO_SLOTS.name) == 4
    assert await bus.stored("SW_MASKED") == 6 + 2


async def test_work_that_outlasts_the_stop_is_handed_to_another_replica_at_once(bus: Bus) -> None:
    entered = asyncio.Event()

    async def endless(_events: Sequence[RequestSubmitted]) -> list[Event]:
        entered.set()
        await asyncio.Event().wait()
        return []

    old, new = bus.service("redactor", stop_s_max=0.2), bus.service("redactor")
    old.batch("redactor-requests", endless)
    new.batch("redactor-requests", mask_all)
    async with running(old):
        await bus.send(submitted())
        await entered.wait()
    async with running(new):
        await eventually(lambda: _passed_on(bus, 1), within_s=1.0)


async def test_an_idle_service_stops_within_half_a_second(bus: Bus) -> None:
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        await asyncio.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 0.5


async def _passed_on(bus: Bus, count: int) -> bool:
    return await bus.stored("SW_MASKED") == count
