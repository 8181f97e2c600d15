"""Inbox, effect and outbox in one transaction: through every crash, each event counts once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import pytest

from deploy.provision.bus import provision_bus
from shared.bus import Answered
from shared.bus.commands import Handler, ask
from shared.contracts.billing import HoldRequest
from shared.contracts.event import Event
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import new_id
from shared.db import Transaction
from tests.fixtures.bus import Bus, eventually, running
from tests.fixtures.servers import IsolatedDatabase, PostgresServer
from tests.integration.bus.work import Store, again, held, hold, price, send_all, store_in, used

CONSUMER = ("SW_META", "billing-usage")
OUTBOX_IS_EMPTY_S_MAX = 6.0


@pytest.fixture
async def store(isolated_database: Callable[[str], IsolatedDatabase]) -> AsyncIterator[Store]:
    made = await store_in(isolated_database)
    yield made
    await made.database.close()


async def test_an_event_that_comes_again_never_reaches_the_handler(bus: Bus, store: Store) -> None:
    handled: list[UUID] = []

    async def handler(events: Sequence[UsageRecorded], tx: Transaction) -> list[Event]:
        handled.extend(event.id for event in events)
        return await store.charge(events, tx)

    events = [used() for _ in range(10)]
    await send_all(bus, events)
    for event in events[:5]:
        await again(bus, event)  # Twice within one batch.
    service = bus.service("billing", store.database)
    service.transaction("billing-usage", handler)
    async with running(service):
        await eventually(lambda: _nothing_waits(bus))
        for event in events:
            await again(bus, event)
        await eventually(lambda: _nothing_waits(bus))
    assert sorted(handled) == sorted(event.id for event in events)
    assert await store.rows("effect") == 10
    assert await _priced(bus) == 10


async def test_a_handler_that_fails_leaves_no_half_of_its_work(bus: Bus, store: Store) -> None:
    tries = 0

    async def handler(events: Sequence[UsageRecorded], tx: Transaction) -> list[Event]:
        nonlocal tries
        tries += 1
        effects = await store.charge(events, tx)
        if tries == 1:
            raise ValueError("after the effect")
        return effects

    service = bus.service("billing", store.database)
    service.transaction("billing-usage", handler)
    async with running(service):
        await bus.send(used())
        await eventually(lambda: _nothing_waits(bus))
    assert await store.rows("effect") == await store.rows("inbox") == 1


async def test_a_crash_between_commit_and_publish_is_healed_by_the_relay(
    bus: Bus, store: Store
) -> None:
    # The stream cannot take the effect until the process that decided on it has long gone.
    event = used()
    await bus.js.delete_stream("SW_META")
    first = bus.service("billing", store.database)
    first.command(HoldRequest, _hold_that_prices(event))
    async with running(first):
        asked = asyncio.create_task(ask(bus.client, hold(), timeout_s=5.0))
        await eventually(lambda: _rows(store, "outbox", 1))
        await asked
    await provision_bus(bus.js, replicas=1, apply=True)
    assert await _priced(bus) == 0
    async with store.database.transaction() as tx:
        await tx.execute("UPDATE outbox SET created_at = created_at - interval '1 minute'")
    second = bus.service("billing", store.database)
    second.command(HoldRequest, _hold_that_prices(event))
    async with running(second):
        await eventually(lambda: _rows(store, "outbox", 0))
    assert await _priced(bus) == 1


async def test_nats_is_killed_after_the_commit_and_the_event_is_neither_lost_nor_doubled(
    bus: Bus, store: Store
) -> None:
    async def handler(events: Sequence[UsageRecorded], tx: Transaction) -> list[Event]:
        if not killed.is_set():
            killed.set()
            bus.server.kill()
        return await store.charge(events, tx)

    killed = asyncio.Event()
    service = bus.service("billing", store.database)
    service.transaction("billing-usage", handler)
    async with running(service):
        await bus.send(used())
        await killed.wait()
        await eventually(lambda: _rows(store, "effect", 1))
        await asyncio.to_thread(bus.server.start)
        await eventually(lambda: bus.client.is_connected)
        await eventually(lambda: _is_priced(bus, 1), within_s=OUTBOX_IS_EMPTY_S_MAX)
        await eventually(lambda: _nothing_waits(bus))
    assert await store.rows("effect") == 1
    assert await _priced(bus) == 1


async def test_postgresql_is_killed_while_handling_and_each_event_counts_once(
    bus: Bus, store: Store, postgres_server: PostgresServer
) -> None:
    batches = 0

    async def handler(events: Sequence[UsageRecorded], tx: Transaction) -> list[Event]:
        nonlocal batches
        batches += 1
        effects = await store.charge(events, tx)
        if batches == 2:
            postgres_server.kill()
        return effects

    service = bus.service("billing", store.database)
    service.transaction("billing-usage", handler)
    async with running(service):
        await send_all(bus, [used() for _ in range(100)])
        await eventually(lambda: batches == 1)
        await send_all(bus, [used() for _ in range(100)])
        await eventually(lambda: batches >= 2)
        await eventually(lambda: "postgresql" in str(service.problems()))
        postgres_server.restart()  # In this thread: its end would be the end of PostgreSQL.
        await eventually(lambda: _nothing_waits(bus))
        await eventually(lambda: not service.problems())
    assert await store.rows("effect") == 200
    assert await _priced(bus) == 200


async def test_a_wrong_argument_is_a_fault_of_ours_and_not_an_outage(store: Store) -> None:
    # asyncpg calls both an InterfaceError; as an outage it would stop all work for ever.
    with pytest.raises(TypeError):
        async with store.database.transaction() as tx:
            await tx.execute("INSERT INTO inbox (event_id) VALUES ($1)", new_id(), new_id())
    assert await store.database.is_up()


def _hold_that_prices(event: UsageRecorded) -> Handler:
    async def handler(commands: Sequence[HoldRequest], _tx: Transaction) -> Answered:
        return Answered(held(commands), [price(event)])

    return handler


async def _rows(store: Store, table: str, count: int) -> bool:
    return await store.rows(table) == count


async def _nothing_waits(bus: Bus) -> bool:
    return await bus.waiting(*CONSUMER) == 0


async def _priced(bus: Bus) -> int:
    info = await bus.js.stream_info("SW_META", subjects_filter="sw.meta.usage.priced.>")
    return sum((info.state.subjects or {}).values())


async def _is_priced(bus: Bus, count: int) -> bool:
    return await _priced(bus) == count
