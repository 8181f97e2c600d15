"""Slot handlers on a real bus: no more is taken than is free, and nothing is done twice."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

from shared.contracts.catalog import consumer_named
from shared.contracts.completions import ChunkProduced
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted
from shared.errors import Postponed
from tests.fixtures.bus import Bus, eventually, redacted
from tests.integration.bus.work import complete, in_hand, send_all, slots

TWO_SLOTS = replace(consumer_named("router-requests"), batch_max=2, ack_wait_s=1)


async def test_no_more_is_taken_than_slots_are_free_and_each_message_comes_once(bus: Bus) -> None:
    # Trap 3: stock workers took 12 messages for 2 slots, and delivered 14 of 12.
    # Trap 7: a handler that outlasted the ack wait ran three times. This one takes half as long
    # again, four of them twice as long.
    runs: Counter[UUID] = Counter()
    most, lately = 0, deque[int](maxlen=3)

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        runs[event.id] += 1
        await asyncio.sleep(1.5 if len(runs) <= 4 else 0.1)
        yield complete(event)

    await send_all(bus, [redacted() for _ in range(12)])
    async with slots(bus, TWO_SLOTS, handler):
        while await bus.waiting("SW_MASKED", TWO_SLOTS.name):
            # An acknowledgement on its way still counts at the server: only what lasts is held.
            lately.append(await in_hand(bus, TWO_SLOTS))
            most = max(most, min(lately))
            await asyncio.sleep(0.02)
    info = await bus.js.consumer_info("SW_MASKED", TWO_SLOTS.name)
    assert most == 2
    assert list(runs.values()) == [1] * 12
    assert info.delivered is not None
    assert info.delivered.consumer_seq == 12


async def test_a_slow_slot_does_not_hold_up_the_others(bus: Bus) -> None:
    # Trap 3: without workers, the stock loop waits for the slowest before it fetches again.
    release = asyncio.Event()
    begun: list[UUID] = []

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        begun.append(event.id)
        if len(begun) == 1:
            await release.wait()
        yield complete(event)

    await send_all(bus, [redacted() for _ in range(12)])
    async with slots(bus, TWO_SLOTS, handler):
        await eventually(lambda: len(begun) == 12)
        release.set()


async def test_live_events_leave_at_once_and_durable_ones_after_the_end(bus: Bus) -> None:
    release = asyncio.Event()

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        yield complete(event)
        yield ChunkProduced.following(event, sequence=0, text="Kære", redactor="r1")
        await release.wait()

    listening = await bus.client.subscribe("sw.masked.chunk.>")
    await bus.client.flush()
    async with slots(bus, TWO_SLOTS, handler):
        await bus.send(redacted())
        await listening.next_msg(2.0)
        assert await bus.stored("SW_MASKED") == 1
        assert await in_hand(bus, TWO_SLOTS) == 1
        release.set()
        await eventually(lambda: _stored(bus, 2))
        await eventually(lambda: _nothing_waits(bus))


async def _stored(bus: Bus, count: int) -> bool:
    return await bus.stored("SW_MASKED") == count


async def _nothing_waits(bus: Bus) -> bool:
    return await bus.waiting("SW_MASKED", TWO_SLOTS.name) == 0


async def test_a_slot_postpones_its_message_alone_and_as_often_as_it_likes(bus: Bus) -> None:
    came: dict[UUID, list[float]] = {}

    async def handler(event: RequestRedacted) -> AsyncIterator[Event]:
        came.setdefault(event.id, []).append(asyncio.get_running_loop().time())
        # More often than a message may fail, and no dead letter comes of it.
        if event.app == "crm" and len(came[event.id]) < 8:
            error = Postponed("provider", effects=(), waiting=set())
            error.delay_s = 0.2
            raise error
        yield complete(event)

    waits, other = redacted("crm"), redacted("letters")
    await send_all(bus, [waits, other])
    async with slots(bus, TWO_SLOTS, handler) as consuming:
        await eventually(lambda: other.id in came)
        assert consuming.down is None
        await eventually(lambda: len(came.get(waits.id, ())) == 8)
        await eventually(lambda: _nothing_waits(bus))

    times = came[waits.id]
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))
    assert len(came[other.id]) == 1
    dead = await bus.js.stream_info("SW_MASKED", subjects_filter="sw.masked.dead.>")
    assert not dead.state.subjects
