"""The SQL of watch: spans, the counts of rules, incidents, and who was told of them.

Whoever counts or changes incidents takes a turn first: one replica at a time, so that all of
them see the same windows and open the same incident once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import orjson
from asyncpg import Record

from services.watch.domain import Witness, storable
from services.watch.episodes import RECENT, Batch, Key
from services.watch.rules.base import Count, Part
from shared.contracts.commands import Command, Reply
from shared.contracts.incidents import Incident
from shared.contracts.traces import Span
from shared.db import Transaction

TRACES_MAX: Final = 16
"""A request has one trace; a few more if its app sent it again under new ones."""

_ADD: Final = """
    INSERT INTO span (
        trace_id, span_id, parent_span_id, name, service, kind, start_ns, end_ns, error,
        request_id, attributes, tenant, app)
    SELECT trace_id::uuid, decode(span_id, 'hex'), decode(parent_span_id, 'hex'), name, service,
        kind, start_ns, end_ns, error, request_id, attributes::jsonb, tenant, app
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
        $8::bigint[], $9::text[], $10::uuid[], $11::text[], $12::text[], $13::text[]
    ) AS given (
        trace_id, span_id, parent_span_id, name, service, kind, start_ns, end_ns, error,
        request_id, attributes, tenant, app)
    ON CONFLICT (trace_id, span_id) DO NOTHING
"""
_READ: Final = """
    SELECT trace_id, span_id, parent_span_id, name, service, kind, start_ns, end_ns, error,
        request_id, attributes::text AS attributes
    FROM span
    WHERE trace_id IN (SELECT DISTINCT trace_id FROM span WHERE request_id = $1 LIMIT $2)
    ORDER BY start_ns, span_id
    LIMIT $3
"""
_FORGET: Final = """
    DELETE FROM span WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM span
        WHERE recorded_at < now() - make_interval(secs => $1) LIMIT $2
    ))
"""
_TAKE_TURN: Final = """
    UPDATE turn SET event_at = greatest(event_at, $1), taken_at = clock_timestamp()
    RETURNING event_at
"""
_KEEP_TURN: Final = "UPDATE turn SET taken_at = clock_timestamp()"
_LOOK_AT_TURN: Final = """
    SELECT
        CASE WHEN taken_at > clock_timestamp() - make_interval(secs => $1)
            THEN event_at ELSE clock_timestamp() END AS at
    FROM turn FOR UPDATE
"""
_COUNT: Final = """
    INSERT INTO tally (rule, about, minute, part, good, bad, last_good_at, last_bad_at, cause)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::timestamptz[], $9::text[])
    ON CONFLICT (rule, about, minute, part) DO UPDATE SET
        good = tally.good + excluded.good,
        bad = tally.bad + excluded.bad,
        last_good_at = greatest(tally.last_good_at, excluded.last_good_at),
        last_bad_at = greatest(tally.last_bad_at, excluded.last_bad_at),
        cause = CASE
            WHEN excluded.last_bad_at >= coalesce(tally.last_bad_at, '-infinity')
            THEN excluded.cause ELSE tally.cause END
"""
_WINDOWS: Final = """
    SELECT rule, about, part, sum(good)::bigint AS good, sum(bad)::bigint AS bad,
        max(last_good_at) AS last_good_at, max(last_bad_at) AS last_bad_at,
        (array_agg(cause ORDER BY last_bad_at DESC NULLS LAST))[1] AS cause
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS wanted (rule, about, since)
    JOIN tally USING (rule, about)
    WHERE minute >= since AND minute <= $4
    GROUP BY rule, about, part
"""
_KNOWN: Final = """
    SELECT * FROM incident WHERE state <> 'resolved' OR resolved_at > $1
    ORDER BY opened_at
"""
_ONE: Final = "SELECT * FROM incident WHERE incident_id = $1"
_LIST: Final = """
    SELECT * FROM incident WHERE $1 OR state <> 'resolved'
    ORDER BY opened_at DESC, incident_id LIMIT $2
"""
_SAVE: Final = """
    INSERT INTO incident (
        incident_id, rule, about, severity, state, opened_at, last_seen_at, count, facts,
        resolved_at, resolved_by)
    SELECT incident_id, rule, about, severity, state, opened_at, last_seen_at, count,
        facts::jsonb, resolved_at, resolved_by
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
        $7::timestamptz[], $8::bigint[], $9::text[], $10::timestamptz[], $11::text[]
    ) AS given (
        incident_id, rule, about, severity, state, opened_at, last_seen_at, count, facts,
        resolved_at, resolved_by)
    ON CONFLICT (incident_id) DO UPDATE SET
        severity = excluded.severity, state = excluded.state, count = excluded.count,
        last_seen_at = excluded.last_seen_at, facts = excluded.facts,
        resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by
"""
_ACKNOWLEDGE: Final = """
    UPDATE incident SET state = 'acknowledged', acknowledged_at = now(), acknowledged_by = $2,
        acknowledged_reason = $3
    WHERE incident_id = $1 AND state = 'open'
"""
_RESOLVE: Final = """
    UPDATE incident SET state = 'resolved', resolved_at = greatest(now(), last_seen_at),
        resolved_by = $2, resolved_reason = $3
    WHERE incident_id = $1 AND state <> 'resolved'
"""
_TELL: Final = """
    INSERT INTO notification (incident_id, kind, state, attempts, due_at, taken_by)
    SELECT incident_id, $2, 'waiting', 0, now(), '{}' FROM unnest($1::uuid[]) AS given (incident_id)
    ON CONFLICT DO NOTHING
"""
# That it is over is not said before it was said that it began.
_CLAIM: Final = """
    UPDATE notification AS claimed
    SET attempts = attempts + 1, due_at = now() + make_interval(secs => $1)
    FROM (
        SELECT incident_id, kind FROM notification AS due
        WHERE state = 'waiting' AND due_at <= now() AND (kind = 'opened' OR NOT EXISTS (
            SELECT FROM notification AS first
            WHERE first.incident_id = due.incident_id AND first.kind = 'opened'
                AND first.state = 'waiting'))
        ORDER BY created_at, kind LIMIT 1 FOR UPDATE SKIP LOCKED
    ) AS next
    JOIN incident USING (incident_id)
    WHERE claimed.incident_id = next.incident_id AND claimed.kind = next.kind
    RETURNING claimed.kind, claimed.attempts, claimed.taken_by,
        extract(epoch FROM now() - claimed.created_at)::double precision AS age_s, incident.*
"""
_TOLD: Final = """
    UPDATE notification SET state = $3, taken_by = $4, due_at = now() + make_interval(secs => $5)
    WHERE incident_id = $1 AND kind = $2
"""
_FAILING: Final = "SELECT count(*) FROM notification WHERE state = 'waiting' AND attempts > 0"
_ANSWERS: Final = "SELECT id, reply::text AS reply FROM command WHERE id = ANY($1::uuid[])"
_ANSWERED: Final = """
    INSERT INTO command (id, reply)
    SELECT id, reply::jsonb FROM unnest($1::uuid[], $2::text[]) AS given (id, reply)
    ON CONFLICT DO NOTHING
"""
_FORGET_COUNTS: Final = "DELETE FROM tally WHERE minute < now() - make_interval(secs => $1)"
_FORGET_INCIDENTS: Final = """
    DELETE FROM incident WHERE resolved_at < now() - make_interval(secs => $1)
"""
_FORGET_ANSWERS: Final = """
    DELETE FROM command WHERE answered_at < now() - make_interval(secs => $1)
"""


class Told(StrEnum):
    """Where a notification stands; `unsent`: no channel was set when it was due."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    UNSENT = "unsent"


class Kind(StrEnum):
    """What a notification says of an incident."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Due:
    """A notification that this replica is to send now, and the channels that have it already."""

    incident: Incident
    kind: Kind
    attempts: int
    taken_by: frozenset[str]
    age_s: float


# --- spans -----------------------------------------------------------------------------


async def add(tx: Transaction, spans: Sequence[Witness]) -> None:
    """Keep spans; one that is known already is left as it is."""
    rows = [_row(one) for one in spans]
    if rows:
        await tx.execute(_ADD, *zip(*rows, strict=True))


async def read(tx: Transaction, request_id: UUID, limit: int) -> list[Span]:
    """Return all spans of the traces that the request took part in, by their start."""
    return [_span(found) for found in await tx.fetch(_READ, request_id, TRACES_MAX, limit)]


async def forget(tx: Transaction, older_than_s: float, limit: int) -> int:
    """Remove old spans and return how many there were."""
    done = await tx.execute(_FORGET, older_than_s, limit)
    return int(done.split()[-1])


# --- counts ----------------------------------------------------------------------------


async def take_turn(tx: Transaction, seen_at: datetime) -> datetime:
    """Wait until no other replica counts; return the time up to which events have come."""
    at: datetime = await tx.fetchval(_TAKE_TURN, seen_at)
    return at


async def look_at_turn(tx: Transaction, flowing_s: float) -> datetime:
    """Wait for the turn; return what time it is: the events' own while they flow, else the clock's.

    An hour's backlog is judged by its own time, and a platform that nobody uses by the clock.
    """
    at: datetime = await tx.fetchval(_LOOK_AT_TURN, flowing_s)
    return at


async def keep_turn(tx: Transaction) -> None:
    """Let the events' own time hold for a while: some may be waiting."""
    await tx.execute(_KEEP_TURN)


async def count(tx: Transaction, batch: Batch) -> None:
    """Add a batch's sightings to their minutes."""
    rows = [
        (
            *(rule, about, minute, " ".join(part), one.good, one.bad),
            *(one.last_good_at, one.last_bad_at, one.cause),
        )
        for (rule, about, minute, part), one in sorted(batch.counts.items())
    ]
    if rows:
        await tx.execute(_COUNT, *zip(*rows, strict=True))


async def windows(
    tx: Transaction, since: Mapping[Key, datetime], until: datetime
) -> dict[Key, dict[Part, Count]]:
    """Return what was seen of each thing since a minute of its own, by part."""
    found: dict[Key, dict[Part, Count]] = {key: {} for key in since}
    if since:
        rules, abouts = zip(*since, strict=True)
        for row in await tx.fetch(_WINDOWS, rules, abouts, list(since.values()), until):
            parts = found[row["rule"], row["about"]]
            parts[tuple(row["part"].split())] = Count(
                row["good"], row["bad"], row["last_good_at"], row["last_bad_at"], row["cause"]
            )
    return found


# --- incidents -------------------------------------------------------------------------


async def known(tx: Transaction, at: datetime) -> list[Incident]:
    """Return the incidents that are open or ended a moment ago."""
    return [_incident(row) for row in await tx.fetch(_KNOWN, at - RECENT)]


async def one(tx: Transaction, incident_id: UUID) -> Incident | None:
    row = await tx.fetchrow(_ONE, incident_id)
    return _incident(row) if row else None


async def latest(tx: Transaction, limit: int, *, resolved_too: bool) -> list[Incident]:
    """Return incidents, the latest first."""
    return [_incident(row) for row in await tx.fetch(_LIST, resolved_too, limit)]


async def save(tx: Transaction, incidents: Collection[Incident]) -> None:
    """Write what incidents have become."""
    rows = [
        (
            *(one.incident_id, one.rule, one.about, one.severity, one.state, one.opened_at),
            *(one.last_seen_at, one.count, orjson.dumps(one.facts).decode()),
            *(one.resolved_at, one.resolved_by),
        )
        for one in incidents
    ]
    if rows:
        await tx.execute(_SAVE, *zip(*rows, strict=True))


async def acknowledge(tx: Transaction, incident_id: UUID, command: Command) -> bool:
    """Note who takes care; return whether nobody did before."""
    done = await tx.execute(_ACKNOWLEDGE, incident_id, command.actor, command.reason)
    return done == "UPDATE 1"


async def resolve(tx: Transaction, incident_id: UUID, command: Command) -> bool:
    """Note who says that it is over; return whether it was not before."""
    done = await tx.execute(_RESOLVE, incident_id, command.actor, command.reason)
    return done == "UPDATE 1"


# --- notifications ---------------------------------------------------------------------


async def tell(tx: Transaction, incident_ids: Sequence[UUID], kind: Kind) -> None:
    """Have people told of incidents: once for each and kind, however often this is asked for."""
    if incident_ids:
        await tx.execute(_TELL, incident_ids, kind)


async def claim(tx: Transaction, lease_s: float) -> Due | None:
    """Return one notification that is due; no other replica gets it while the lease lasts."""
    row = await tx.fetchrow(_CLAIM, lease_s)
    if row is None:
        return None
    taken_by = frozenset(row["taken_by"])
    return Due(_incident(row), Kind(row["kind"]), row["attempts"], taken_by, row["age_s"])


async def told(
    tx: Transaction, due: Due, state: Told, taken_by: Iterable[str], again_s: float
) -> None:
    """Note how sending went, and when the rest is tried again."""
    row = (due.incident.incident_id, due.kind, state, sorted(taken_by), again_s)
    await tx.execute(_TOLD, *row)


async def failing(tx: Transaction) -> int:
    """Return how many notifications wait because a channel did not take them."""
    return int(await tx.fetchval(_FAILING))


# --- answers and forgetting ------------------------------------------------------------


async def answers(tx: Transaction, command_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the replies that commands had before, as JSON."""
    return {row["id"]: row["reply"] for row in await tx.fetch(_ANSWERS, command_ids)}


async def answered(tx: Transaction, replies: Sequence[Reply]) -> None:
    """Keep replies: a command that comes again is not done again."""
    texts = [reply.model_dump_json() for reply in replies]
    await tx.execute(_ANSWERED, [reply.id for reply in replies], texts)


async def forget_incidents(tx: Transaction, kept_s: float, counts_kept_s: float) -> None:
    """Remove ended incidents, and counts and answers that nobody asks for any more."""
    await tx.execute(_FORGET_INCIDENTS, kept_s)
    await tx.execute(_FORGET_COUNTS, counts_kept_s)
    await tx.execute(_FORGET_ANSWERS, counts_kept_s)


def _incident(row: Record) -> Incident:
    facts = orjson.loads(row["facts"])
    given = {name: row[name] for name in Incident.model_fields if name != "facts"}
    return Incident.model_validate(given | {"facts": facts})


def _row(one: Witness) -> tuple[object, ...]:
    span = one.span
    return (
        *(span.trace_id, span.span_id, span.parent_span_id, span.name, one.service, span.kind),
        *(span.start_ns, one.end_ns, span.error, span.request_id),
        *(orjson.dumps(storable(span)).decode(), one.tenant, one.app),
    )


def _span(found: Record) -> Span:
    parent = found["parent_span_id"]
    return Span(
        trace_id=found["trace_id"].hex,
        span_id=found["span_id"].hex(),
        parent_span_id=parent.hex() if parent else None,
        name=found["name"],
        service=found["service"],
        kind=found["kind"],
        start_ns=found["start_ns"],
        end_ns=found["end_ns"],
        error=found["error"],
        request_id=found["request_id"],
        attributes=orjson.loads(found["attributes"]),
    )
