"""Watch as processes on a real bus: killed, doubled and fed twice, it counts every fact once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.watch.handlers import Incidents
from services.watch.rules import load
from shared.bus.commands import ask
from shared.contracts.catalog import row_of
from shared.contracts.event import Event
from shared.contracts.incidents import (
    IncidentList,
    IncidentListReply,
    IncidentOpened,
    IncidentResolve,
    IncidentResolved,
)
from shared.contracts.usage import Attempt, UsageRecorded
from shared.contracts.values import now
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.integration.test_watch_incidents import PATIENCE
from tests.unit.watch.usages import answered, failed, leak, usage

FACTS = 500
BATCH = 256


def failures(count: int) -> list[UsageRecorded]:
    start = now() - timedelta(seconds=60)
    return [usage(failed(), at=start + timedelta(milliseconds=number)) for number in range(count)]


async def test_two_replicas_one_of_them_killed_make_one_incident_that_counts_all(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("watch")
    facts = failures(FACTS)
    async with (
        running("watch", provisioned_bus, schema) as first,
        running("watch", provisioned_bus, schema),
    ):
        for number in range(0, FACTS, 50):
            await provisioned_bus.publish(facts[number : number + 50])
            if number == FACTS // 2:
                await until(lambda: _counted(schema, 1))
                first.kill()
        await until(lambda: _counted(schema, FACTS))
        async with running("watch", provisioned_bus, schema):
            # What was published again under its own id is not counted again.
            await provisioned_bus.publish(facts[:50])
            reply = await _list(provisioned_bus)
            [incident] = reply.incidents
            end = IncidentResolve(actor="operator", incident_id=incident.incident_id)
            await ask(provisioned_bus.client, end, 5.0)
            await until(lambda: _sent(provisioned_bus, IncidentResolved, 1))

    assert incident.count == FACTS
    assert await _sent(provisioned_bus, IncidentOpened, 1)
    assert await schema.admin.fetchval("SELECT count(*) FROM watch.incident") == 1
    assert await schema.admin.fetchval("SELECT count(*) FROM watch.notification") == 2


async def test_leaks_that_happened_while_watch_was_down_are_one_critical_incident_an_app(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("watch")
    long_ago = now() - timedelta(hours=3)
    leaks = [leak("phone", at=long_ago), leak("cpr", "phone", at=long_ago + timedelta(seconds=9))]
    # What is told of requests meanwhile is hours younger.
    await provisioned_bus.publish([usage(answered(), at=now())])
    async with running("watch", provisioned_bus, schema):
        await until(lambda: _tallied(schema, 1))
        await provisioned_bus.publish([*leaks, leak("person", app="crm", at=now())], "redactor")
        await until(lambda: _counted(schema, 3))

    rows = await schema.admin.fetch(
        "SELECT about, severity, count, facts->>'types' FROM watch.incident ORDER BY about"
    )
    assert [tuple(row) for row in rows] == [
        ("default/crm", "critical", 1, "person"),
        ("default/letters", "critical", 2, "cpr phone"),
    ]
    assert await schema.admin.fetchval(
        "SELECT count(*) FROM watch.notification WHERE kind = 'opened'"
    ) == len(rows)


class Counting:
    """A transaction that counts its statements."""

    def __init__(self, tx: Any) -> None:  # noqa: ANN401
        self._tx = tx
        self.statements = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        self.statements += 1
        return getattr(self._tx, name)


@pytest.mark.parametrize("call", [answered, failed])
async def test_a_full_batch_takes_as_many_statements_as_one_fact(
    call: Callable[[str], Attempt], provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("watch")
    incidents = Incidents(schema.database, load(), PATIENCE)
    counts = []
    for size in (1, BATCH):
        batch = [usage(call(f"model-{number % 8}"), at=now()) for number in range(size)]
        async with schema.database.transaction() as tx:
            counting = Counting(tx)
            await incidents.usage_recorded(batch, counting)
        counts.append(counting.statements)

    assert max(counts) <= 6
    assert await schema.admin.fetchval("SELECT sum(good + bad) FROM watch.tally") == 3 * (BATCH + 1)


async def _counted(schema: ProvisionedSchema, at_least: int) -> bool:
    found: int = await schema.admin.fetchval("SELECT coalesce(sum(count), 0) FROM watch.incident")
    return found >= at_least


async def _tallied(schema: ProvisionedSchema, at_least: int) -> bool:
    found: int = await schema.admin.fetchval("SELECT count(*) FROM watch.tally")
    return found >= at_least


async def _list(bus: ProvisionedBus) -> IncidentListReply:
    await asyncio.sleep(0.5)
    reply = await ask(bus.client, IncidentList(actor="operator"), 5.0)
    assert isinstance(reply, IncidentListReply)
    return reply


async def _sent(bus: ProvisionedBus, event: type[Event], count: int) -> bool:
    info: Any = await bus.client.jetstream().stream_info("SW_META", subjects_filter=">")
    prefix = row_of(event).prefix
    subjects = info.state.subjects or {}
    found = [n for subject, n in subjects.items() if subject.startswith(prefix)]
    return bool(sum(found) == count)
