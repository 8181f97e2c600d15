"""Work for handlers of these tests, and a database with an inbox, an outbox and one effect."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import SecretStr

from deploy.provision.bus import consumer_config
from deploy.provision.migrations.inbox import create_inbox_and_outbox
from shared.bus import GivenUp
from shared.bus.connection import Connection
from shared.bus.publishing import Publisher
from shared.bus.slots import SlotConsuming, SlotHandler
from shared.contracts.billing import HoldReply, HoldRequest, UsagePriced
from shared.contracts.catalog import Consumer, subject_of
from shared.contracts.completions import (
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    Outcome,
    TokenUsage,
)
from shared.contracts.errors import ErrorDetail
from shared.contracts.event import Event, encode
from shared.contracts.requests import RequestRedacted, RequestSubmitted
from shared.contracts.usage import Decision, UsageRecorded
from shared.contracts.values import Sensitivity, new_id, now
from shared.db import Database, Transaction
from tests.fixtures.bus import Bus, eventually
from tests.fixtures.servers import IsolatedDatabase

NAME = "Signe Mølgaard"
"""An invented person, looked for where no text may be."""


def mask(event: RequestSubmitted) -> RequestRedacted:
    """Pass a request on, as a redactor would that finds nothing."""
    return RequestRedacted.following(
        event,
        messages=event.messages,
        sensitivity=Sensitivity.PUBLIC,
        fingerprint="0" * 64,
        deadline=now(),
        redactor="r1",
    )


async def mask_all(events: Sequence[RequestSubmitted]) -> list[Event]:
    """Pass on what comes."""
    return [mask(event) for event in events]


def tell(message: GivenUp) -> list[Event]:
    """Give the caller its one result."""
    return [
        message.following(
            CompletionRestored, outcome=Outcome.REFUSED, error=ErrorDetail.of(message.code)
        )
    ]


def complete(event: RequestRedacted, text: str = "Kære Klient_001") -> CompletionProduced:
    """Answer a request, as a router would."""
    return CompletionProduced.following(
        event,
        text=text,
        finish_reason=FinishReason.STOP,
        model="swift",
        provider="local",
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        cost_nano=1,
        currency="EUR",
        attempts=1,
    )


def used() -> UsageRecorded:
    """Return the usage of one invented request."""
    return UsageRecorded(
        tenant="default",
        app="crm",
        request_id=new_id(),
        outcome=Outcome.REFUSED,
        decision=Decision(candidates=(), rule="only"),
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        sensitivity=Sensitivity.PUBLIC,
    )


def price(event: UsageRecorded) -> UsagePriced:
    """Charge one nano unit."""
    return UsagePriced.following(
        event, hold_id=event.id, budget="all", cost_nano=1, held_nano=1, currency="EUR"
    )


def hold() -> HoldRequest:
    """Return a request for a hold."""
    return HoldRequest(
        actor="router",
        tenant="default",
        app="crm",
        request_id=new_id(),
        use_case="default",
        model="swift",
        provider="local",
        input_tokens_max=1,
        output_tokens_max=1,
        expires_at=now(),
    )


def held(commands: Sequence[HoldRequest]) -> list[HoldReply]:
    """Grant everything."""
    return [HoldReply(id=command.id, held_nano=1) for command in commands]


async def send_all(bus: Bus, events: Sequence[Event]) -> None:
    """Store many events at once."""
    await asyncio.gather(*(bus.send(event) for event in events))


async def again(bus: Bus, event: Event) -> None:
    """Publish an event once more, as when the window for duplicates has long passed."""
    await bus.js.publish(subject_of(event), encode(event, "test"))


async def in_hand(bus: Bus, consumer: Consumer) -> int:
    """Return how many messages are delivered and not acknowledged, as the server sees it."""
    info = await bus.js.consumer_info(consumer.stream.name, consumer.name)
    return int(info.num_ack_pending or 0)


@asynccontextmanager
async def slots(bus: Bus, consumer: Consumer, handler: SlotHandler) -> AsyncIterator[SlotConsuming]:
    """Run one slot consumer with settings of its own, on a connection of its own."""
    await bus.js.add_consumer(consumer.stream.name, consumer_config(consumer))
    connection = Connection(bus.server.url, consumer.service, None)
    await connection.open()
    publisher = Publisher(connection.client)
    await publisher.open()
    loop = SlotConsuming(consumer.service, consumer, connection, publisher, None)
    loop.handler = handler
    task = asyncio.create_task(loop.run())
    try:
        await eventually(lambda: loop.problem is None)
        yield loop
    finally:
        await loop.stop()
        await task
        await connection.close()


@dataclass
class Store:
    """A schema with inbox, outbox and a table that counts effects: no row twice unseen."""

    database: Database
    address: str

    async def rows(self, table: str) -> int:
        """Return how many rows a table holds."""
        connection = await asyncpg.connect(self.address)
        try:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await connection.close()

    async def charge(self, events: Sequence[UsageRecorded], tx: Transaction) -> list[Event]:
        """Write one row an event, and price it; no constraint hides what is done twice."""
        ids = [event.id for event in events]
        await tx.execute("INSERT INTO effect (event_id) SELECT unnest($1::uuid[])", ids)
        return [price(event) for event in events]


class _Statements:
    """Collects what a migration runs."""

    def __init__(self) -> None:
        self.statements = ["CREATE TABLE effect (event_id uuid NOT NULL)"]

    def execute(self, sqltext: str) -> None:
        self.statements.append(sqltext)


async def store_in(isolated_database: Callable[[str], IsolatedDatabase]) -> Store:
    """Return a schema for billing in a fresh database."""
    isolated = isolated_database("billing")
    migration = _Statements()
    create_inbox_and_outbox(migration)
    connection = await asyncpg.connect(isolated.dsn)
    for statement in migration.statements:
        await connection.execute(statement)
    await connection.close()
    return Store(Database(SecretStr(isolated.dsn), schema="billing"), isolated.dsn)
