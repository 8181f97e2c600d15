"""Incidents on a real PostgreSQL: opened once, counted on, ended, whoever takes the facts."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.watch import rules
from services.watch.episodes import Patience
from services.watch.handlers import Incidents, forget_incidents
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.incidents import (
    IncidentAck,
    IncidentAcknowledged,
    IncidentList,
    IncidentListReply,
    IncidentOpened,
    IncidentReply,
    IncidentResolve,
    IncidentResolved,
    IncidentState,
    Severity,
)
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import new_id, now
from shared.db import unseen
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.unit.watch.usages import answered, failed, usage

PATIENCE = Patience(settled_s=20, quiet_s=900)


class Desk:
    """Watch's handlers on a schema; `take` does what the bus does around them."""

    def __init__(self, schema: ProvisionedSchema, patience: Patience = PATIENCE) -> None:
        self.database = schema.database
        self.admin = schema.admin
        self.incidents = Incidents(schema.database, rules.load(), patience)

    async def take(self, *usages: UsageRecorded) -> Sequence[Event]:
        async with self.database.transaction() as tx:
            fresh = await unseen(tx, [one.id for one in usages])
            new = [one for one in usages if one.id in fresh]
            return await self.incidents.usage_recorded(new, tx) if new else ()

    async def listed(self, *, resolved_too: bool = True) -> IncidentListReply:
        command = IncidentList(actor="operator", resolved_too=resolved_too)
        async with self.database.transaction() as tx:
            [reply] = (await self.incidents.incident_list([command], tx)).replies
        assert isinstance(reply, IncidentListReply)
        return reply

    async def do(self, command: IncidentAck | IncidentResolve) -> tuple[IncidentReply, list[Event]]:
        async with self.database.transaction() as tx:
            if isinstance(command, IncidentAck):
                answered_ = await self.incidents.incident_ack([command], tx)
            else:
                answered_ = await self.incidents.incident_resolve([command], tx)
        [reply] = answered_.replies
        assert isinstance(reply, IncidentReply)
        return reply, list(answered_.events)

    async def end(self, after_s: float = 0.0) -> None:
        """Let time end what it ends, as if the last batch had come so long ago."""
        await self.admin.execute(
            "UPDATE watch.turn SET taken_at = taken_at - make_interval(secs => $1)", after_s
        )
        await self.incidents.end_episodes(dict)

    async def notifications(self) -> list[tuple[Any, ...]]:
        rows = await self.admin.fetch("SELECT kind, state FROM watch.notification ORDER BY kind")
        return [tuple(row) for row in rows]


def ago(seconds: float, *calls: Any) -> UsageRecorded:
    return usage(*(calls or (failed(),)), at=now() - timedelta(seconds=seconds))


async def test_the_first_failure_opens_and_500_more_only_count(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    first = ago(60)

    [opened] = await desk.take(first)
    assert isinstance(opened, IncidentOpened)
    assert (opened.incident.about, opened.incident.severity) == ("scripted", Severity.WARNING)
    assert (opened.cause, opened.tenant, opened.app) == (first.id, "default", "watch")

    for _ in range(2):
        again = await desk.take(*(ago(50 - number / 10) for number in range(250)))
        assert again == []

    [incident] = (await desk.listed()).incidents
    assert incident.count == 501
    assert incident.severity is Severity.CRITICAL
    assert incident.facts["cause"] == "unreachable"
    assert await desk.notifications() == [("opened", "waiting")]


async def test_what_is_delivered_again_counts_once(provision_schema: ProvisionSchema) -> None:
    desk = Desk(await provision_schema("watch"))
    usages = [ago(number) for number in range(10)]

    await desk.take(*usages)
    assert await desk.take(*usages) == ()

    [incident] = (await desk.listed()).incidents
    assert incident.count == 10


async def test_two_replicas_at_once_open_one_incident_and_lose_no_count(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    desks = [Desk(schema), Desk(schema)]
    # Each batch has a minute of its own: no row of counts makes one wait for the other.
    batches = [[ago(60 * minute) for _ in range(16)] for minute in range(24)]

    effects = await asyncio.gather(
        *(desks[number % 2].take(*batch) for number, batch in enumerate(batches))
    )

    assert sum(isinstance(one, IncidentOpened) for events in effects for one in events) == 1
    [incident] = (await desks[0].listed()).incidents
    assert incident.count == 24 * 16
    assert await desks[0].notifications() == [("opened", "waiting")]


async def test_a_restart_in_the_middle_carries_the_episode_on_and_ends_it(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    await Desk(schema).take(ago(100), ago(99))

    later = Desk(schema)
    await later.incidents.open()
    assert await later.take(ago(98)) == []
    await later.take(ago(97, answered()))
    [resolved] = await later.take(ago(70, answered()))

    assert isinstance(resolved, IncidentResolved)
    assert resolved.incident.count == 3
    assert resolved.incident.resolved_by == "watch"
    assert await later.notifications() == [("opened", "waiting"), ("resolved", "waiting")]


async def test_after_downtime_no_episode_ends_before_waiting_facts_are_counted(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(3_600))
    await desk.admin.execute("UPDATE watch.turn SET taken_at = now() - interval '1 hour'")

    await desk.incidents.open()
    await desk.end()
    assert [one.state for one in (await desk.listed()).incidents] == [IncidentState.OPEN]

    await desk.take(*(ago(3_500 - number) for number in range(100)))
    assert [one.count for one in (await desk.listed()).incidents] == [101]


async def test_time_ends_what_nobody_sees_again_and_the_event_waits_in_the_outbox(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(1_000))

    await desk.end(after_s=5)
    assert [one.state for one in (await desk.listed()).incidents] == [IncidentState.OPEN]
    await desk.end(after_s=10)

    [incident] = (await desk.listed()).incidents
    assert (incident.state, incident.resolved_by) == (IncidentState.RESOLVED, "watch")
    subjects = await desk.admin.fetch("SELECT subject FROM watch.outbox")
    assert [row["subject"] for row in subjects] == ["sw.meta.incident.resolved.default.watch"]
    assert (await desk.listed(resolved_too=False)).incidents == ()


async def test_nothing_ends_while_watch_is_cut_off_from_the_facts(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(1_000))
    await desk.admin.execute("UPDATE watch.turn SET taken_at = now() - interval '1 hour'")

    await desk.incidents.end_episodes(lambda: {"bus": "the link is down"})

    assert [one.state for one in (await desk.listed()).incidents] == [IncidentState.OPEN]


async def test_people_acknowledge_and_resolve_once_with_actor_and_reason(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(10))
    [incident] = (await desk.listed()).incidents
    ack = IncidentAck(actor="karla", reason="on-call", incident_id=incident.incident_id)
    late = IncidentAck(actor="mads", incident_id=incident.incident_id)
    end = IncidentResolve(actor="mads", reason="mended", incident_id=incident.incident_id)

    seen = [await desk.do(command) for command in (ack, ack, late, end, end, ack)]

    kinds = [type(event) for _, events in seen for event in events]
    assert kinds == [IncidentAcknowledged, IncidentResolved]
    states = [reply.incident.state for reply, _ in seen if reply.incident]
    assert states == [IncidentState.ACKNOWLEDGED] * 3 + [IncidentState.RESOLVED] * 3
    row = await desk.admin.fetchrow(
        "SELECT acknowledged_by, acknowledged_reason, resolved_by, resolved_reason, lasted_s,"
        " told_of_end FROM watch.incidents_v1"
    )
    assert tuple(row)[:4] == ("karla", "on-call", "mads", "mended")
    assert row["lasted_s"] >= 10
    assert row["told_of_end"] == "waiting"


async def test_an_incident_that_does_not_exist_is_not_found(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    for command in (IncidentAck, IncidentResolve):
        reply, events = await desk.do(command(actor="operator", incident_id=new_id()))
        assert (reply.code, reply.incident, events) == (ErrorCode.NOT_FOUND, None, [])


async def test_a_resolved_incident_takes_nothing_back_and_the_next_failure_opens_another(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(10))
    [incident] = (await desk.listed()).incidents
    await desk.do(IncidentResolve(actor="mads", incident_id=incident.incident_id))

    assert await desk.take(ago(5)) == []
    [opened] = await desk.take(ago(-1))

    assert isinstance(opened, IncidentOpened)
    assert len((await desk.listed()).incidents) == 2


async def test_the_same_trouble_is_never_open_twice_whatever_the_code_believes(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    await Desk(schema).take(ago(10))
    copy = (
        "INSERT INTO watch.incident (incident_id, rule, about, severity, state, opened_at,"
        " last_seen_at, count, facts) SELECT gen_random_uuid(), rule, about, severity, $1,"
        " opened_at, last_seen_at, count, facts FROM watch.incident LIMIT 1"
    )
    await schema.admin.execute(copy, "resolved")
    with pytest.raises(asyncpg.UniqueViolationError):
        await schema.admin.execute(copy, "acknowledged")


async def test_what_is_old_is_forgotten_and_what_is_open_is_kept(
    provision_schema: ProvisionSchema,
) -> None:
    desk = Desk(await provision_schema("watch"))
    await desk.take(ago(10), usage(failed(provider="other"), at=now()))
    [other, _] = (await desk.listed()).incidents
    await desk.do(IncidentResolve(actor="mads", incident_id=other.incident_id))
    await desk.admin.execute(
        "UPDATE watch.incident SET resolved_at = resolved_at - interval '2 days';"
        "UPDATE watch.tally SET minute = minute - interval '8 days'"
    )

    await forget_incidents(desk.database, 24 * 3600)

    assert [one.about for one in (await desk.listed()).incidents] == ["scripted"]
    assert await desk.admin.fetchval("SELECT count(*) FROM watch.tally") == 0
    assert await desk.admin.fetchval("SELECT count(*) FROM watch.notification") == 1
