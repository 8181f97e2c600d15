"""Spans in, traces out."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter

from services.watch import store
from services.watch.domain import what_fits, witnesses
from shared.bus import Answered
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.traces import SpanRecorded, TraceRead, TraceReply
from shared.db import Database, Transaction

SPANS_MAX: Final = 2_000
"""Spans of one reply; a request has about twenty."""
FORGOTTEN_MAX: Final = 10_000
"""Spans that one transaction forgets, so that none is long."""

IMPOSSIBLE: Final = Counter(
    "stellwerk_watch_spans_impossible_total",
    "Spans left out because they lie beyond the year 2262. An app's tracing is at fault.",
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
