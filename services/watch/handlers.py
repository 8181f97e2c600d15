"""Spans in, traces out; facts in, incidents out."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from services.watch import store
from services.watch.domain import what_fits, witnesses
from services.watch.episodes import (
    WATCH,
    Batch,
    Board,
    Key,
    Patience,
    gathered,
    in_order,
    minute_of,
    seen_at,
    window_start,
)
from services.watch.rules.base import Fact, Rule, Window
from services.watch.store import Kind
from shared.bus import Answered
from shared.contracts.catalog import subject_of
from shared.contracts.commands import Command
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, encode
from shared.contracts.incidents import (
    Incident,
    IncidentAck,
    IncidentAcknowledged,
    IncidentList,
    IncidentListReply,
    IncidentOpened,
    IncidentReply,
    IncidentResolve,
    IncidentResolved,
)
from shared.contracts.providers import ProviderChanged
from shared.contracts.requests import LeakStopped
from shared.contracts.traces import SpanRecorded, TraceRead, TraceReply
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import derived_id
from shared.db import Database, OutboxMessage, Transaction, put_in_outbox

SPANS_MAX: Final = 2_000
"""Spans of one reply; a request has about twenty."""
FORGOTTEN_MAX: Final = 10_000
"""Spans that one transaction forgets, so that none is long."""
FLOWING_S: Final = 10.0
"""While the last batch is younger, the time is what its events say; else it is the clock's."""
COUNTS_KEPT_S: Final = 7 * 24 * 3600.0
TENANT: Final = "default"

IMPOSSIBLE: Final = Counter(
    "stellwerk_watch_spans_impossible_total",
    "Spans left out because they lie beyond the year 2262. An app's tracing is at fault.",
)
INCIDENTS: Final = Counter(
    "stellwerk_watch_incidents_total",
    "Incidents that rules opened. Many of one rule: its message says what to do.",
    ["rule"],
)


async def spans_recorded(events: Sequence[SpanRecorded], tx: Transaction) -> Sequence[Event]:
    """Keep the spans of all events; nothing follows from that."""
    spans = [one for event in events for one in witnesses(event)]
    IMPOSSIBLE.inc(sum(len(event.spans) for event in events) - len(spans))
    await store.add(tx, spans)
    return ()


async def trace_read(commands: Sequence[TraceRead], tx: Transaction) -> Answered:
    """Answer with all spans of the traces that each request took part in."""
    return Answered(replies=[await _reply(command, tx) for command in commands])


async def _reply(command: TraceRead, tx: Transaction) -> TraceReply:
    found = await store.read(tx, command.request_id, SPANS_MAX + 1)
    shown = what_fits(found[:SPANS_MAX])
    return TraceReply(
        id=command.id,
        code=ErrorCode.TOO_LARGE if len(shown) < len(found) else None,
        spans=tuple(shown),
    )


async def forget_spans(database: Database, kept_s: float) -> Sequence[Event]:
    """Remove the spans that are older than they are kept."""
    forgotten = FORGOTTEN_MAX
    while forgotten == FORGOTTEN_MAX:
        async with database.transaction() as tx:
            forgotten = await store.forget(tx, kept_s, FORGOTTEN_MAX)
    return ()


class Incidents:
    """Turns facts into incidents; all it knows lies in the database."""

    def __init__(self, database: Database, rules: Sequence[Rule], patience: Patience) -> None:
        self._database = database
        self._rules = rules
        self._patience = patience

    async def usage_recorded(
        self, events: Sequence[UsageRecorded], tx: Transaction
    ) -> Sequence[Event]:
        """Count what the requests show, and open, carry on or end what follows from it."""
        at = await store.take_turn(tx, max(map(seen_at, events)))
        return await self._counted(events, tx, at)

    async def leak_stopped(self, events: Sequence[LeakStopped], tx: Transaction) -> Sequence[Event]:
        """Open or carry on an incident for each app of which something nearly left.

        Leaks are judged by their own minute, not by the latest fact's: requests are counted
        beside them, and after an outage of watch a leak must not be too old to be told.
        """
        effects: list[Event] = []
        in_time = sorted(events, key=seen_at)
        for _, together in groupby(in_time, lambda one: minute_of(seen_at(one))):
            leaks = list(together)
            at = seen_at(leaks[-1])
            await store.take_turn(tx, at)
            effects += await self._counted(leaks, tx, at)
        return effects

    async def provider_changed(
        self, events: Sequence[ProviderChanged], tx: Transaction
    ) -> Sequence[Event]:
        """Open or carry on an incident for what rules have to say of a provider."""
        at = seen_at(max(events, key=seen_at))
        await store.take_turn(tx, at)
        return await self._counted(events, tx, at)

    async def _counted(
        self, facts: Sequence[Fact], tx: Transaction, at: datetime
    ) -> Sequence[Event]:
        batch = gathered(self._rules, facts)
        await store.count(tx, batch)
        board = Board(await store.known(tx, at), at, self._patience)
        await self._judge(tx, board, batch.keys, batch, at)
        return await _written(tx, board)

    async def open(self) -> None:
        """Note that facts may be waiting, so that no episode ends before they are counted."""
        async with self._database.transaction() as tx:
            await store.keep_turn(tx)

    async def end_episodes(self, problems: Callable[[], object]) -> Sequence[Event]:
        """End what time ends; not while this service is cut off from the facts."""
        if problems():
            return ()
        async with self._database.transaction() as tx:
            at = await store.look_at_turn(tx, FLOWING_S)
            board = Board(await store.known(tx, at), at, self._patience)
            await self._judge(tx, board, board.open_keys, Batch(), at)
            events = await _written(tx, board)
            await put_in_outbox(
                tx, [OutboxMessage(one.id, subject_of(one), encode(one, WATCH)) for one in events]
            )
        return ()

    async def _judge(
        self, tx: Transaction, board: Board, keys: Iterable[Key], batch: Batch, at: datetime
    ) -> None:
        judged = in_order(self._rules, keys)
        since = {
            (rule.NAME, about): window_start(at, rule.WINDOW_MINUTES) for rule, about in judged
        }
        seen = await store.windows(tx, since, at)
        for rule, about in judged:
            key = (rule.NAME, about)
            window = Window(seen[key], batch.fresh(key, since[key]))
            board.judge(rule, about, window, batch.first.get(key))

    async def incident_list(self, commands: Sequence[IncidentList], tx: Transaction) -> Answered:
        """Answer with incidents, the latest first."""
        replies = []
        for command in commands:
            found = await store.latest(tx, command.limit, resolved_too=command.resolved_too)
            replies.append(IncidentListReply(id=command.id, incidents=tuple(found)))
        return Answered(replies=replies)

    async def incident_ack(self, commands: Sequence[IncidentAck], tx: Transaction) -> Answered:
        """Note who takes care; whoever was first stays."""
        await store.look_at_turn(tx, FLOWING_S)
        replies, events = [], []
        for command in commands:
            is_new = await store.acknowledge(tx, command.incident_id, command)
            reply = await _state(command, command.incident_id, tx)
            replies.append(reply)
            if is_new and reply.incident is not None:
                events.append(_event(IncidentAcknowledged, reply.incident, command.id))
        return Answered(replies=replies, events=events)

    async def incident_resolve(
        self, commands: Sequence[IncidentResolve], tx: Transaction
    ) -> Answered:
        """Note who says that it is over. If it is not, the next failure opens a new incident."""
        await store.look_at_turn(tx, FLOWING_S)
        replies, events = [], []
        for command in commands:
            is_new = await store.resolve(tx, command.incident_id, command)
            reply = await _state(command, command.incident_id, tx)
            replies.append(reply)
            if is_new and reply.incident is not None:
                await store.tell(tx, [command.incident_id], Kind.RESOLVED)
                events.append(_event(IncidentResolved, reply.incident, command.id))
        return Answered(replies=replies, events=events)


async def _written(tx: Transaction, board: Board) -> list[Event]:
    """Write what has changed; return the events that tell of beginnings and ends."""
    await store.save(tx, board.changed.values())
    await store.tell(tx, list(board.opened), Kind.OPENED)
    await store.tell(tx, board.resolved, Kind.RESOLVED)
    events: list[Event] = []
    for incident_id, cause in board.opened.items():
        incident = board.changed[incident_id]
        INCIDENTS.labels(incident.rule).inc()
        events.append(_event(IncidentOpened, incident, cause))
    events += [_event(IncidentResolved, board.changed[one], None) for one in board.resolved]
    return events


async def _state(command: Command, incident_id: UUID, tx: Transaction) -> IncidentReply:
    incident = await store.one(tx, incident_id)
    code = None if incident else ErrorCode.NOT_FOUND
    return IncidentReply(id=command.id, code=code, incident=incident)


def _event(
    event: type[IncidentOpened | IncidentAcknowledged | IncidentResolved],
    incident: Incident,
    cause: UUID | None,
) -> Event:
    return event(
        # An incident opens, is acknowledged and ends once, so its own id names that for ever.
        id=derived_id(incident.incident_id, event.kind),
        tenant=TENANT,
        app=WATCH,
        cause=cause,
        incident=incident,
    )


async def forget_incidents(database: Database, kept_s: float) -> Sequence[Event]:
    """Remove incidents that ended long ago, and counts that no window reaches."""
    async with database.transaction() as tx:
        await store.forget_incidents(tx, kept_s, COUNTS_KEPT_S)
    return ()
