"""The SQL of watch: one statement a batch of spans, one for a trace, one that forgets."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import orjson
from asyncpg import Record

from services.watch.domain import Witness, storable
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
