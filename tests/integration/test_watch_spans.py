"""Spans on a real PostgreSQL: kept once, found by their request, forgotten in time."""

import json
from uuid import UUID

from services.watch.handlers import forget_spans, spans_recorded, trace_read
from services.watch.tables import metadata
from shared.contracts.errors import ErrorCode
from shared.contracts.traces import Span, SpanKind, SpanRecorded, TraceRead, TraceReply
from shared.contracts.values import new_id
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.fixtures.tables import described, shape

TRACE = f"{0xABCDEF:032x}"


def span(number: int, trace_id: str = TRACE, **changes: object) -> Span:
    said: dict[str, object] = {
        "trace_id": trace_id,
        "span_id": f"{number:016x}",
        "name": "chat local-default",
        "service": "router",
        "start_ns": 1_000 * number,
        "end_ns": 1_000 * number + 500,
    }
    return Span.model_validate(said | changes)


def trace_id(one: Span) -> str:
    return one.trace_id


def recorded(*spans: Span, app: str = "router") -> SpanRecorded:
    return SpanRecorded(tenant="default", app=app, spans=spans)


async def record(schema: ProvisionedSchema, *events: SpanRecorded) -> None:
    async with schema.database.transaction() as tx:
        assert await spans_recorded(events, tx) == ()


async def trace_of(schema: ProvisionedSchema, request_id: UUID) -> TraceReply:
    async with schema.database.transaction() as tx:
        [reply] = (
            await trace_read([TraceRead(actor="operator", request_id=request_id)], tx)
        ).replies
    assert isinstance(reply, TraceReply)
    return reply


async def test_a_trace_is_whole_though_only_some_of_its_spans_name_the_request(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()
    root = span(1, kind=SpanKind.SERVER, request_id=request_id)
    child = span(2, parent_span_id=root.span_id, error="TimeoutError", attributes={"retries": 2})
    other = span(3, trace_id=f"{5:032x}", request_id=new_id())

    await record(schema, recorded(child), recorded(root, other))

    assert (await trace_of(schema, request_id)).spans == (root, child)


async def test_a_request_sent_again_under_another_trace_shows_both(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()
    first, again = (span(1, f"{number:032x}", request_id=request_id) for number in (1, 2))

    await record(schema, recorded(first, again))

    assert sorted((await trace_of(schema, request_id)).spans, key=trace_id) == [first, again]


async def test_redelivered_spans_are_kept_once_as_they_came_first(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()
    first = span(1, request_id=request_id)

    await record(schema, recorded(first), recorded(first))
    await record(schema, recorded(span(1, name="something else", request_id=request_id)))

    assert (await trace_of(schema, request_id)).spans == (first,)


async def test_an_apps_span_shows_as_the_apps_whatever_it_claims(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()

    await record(schema, recorded(span(1, service="audit", request_id=request_id), app="letters"))

    assert [one.service for one in (await trace_of(schema, request_id)).spans] == ["app"]


async def test_a_full_batch_of_the_strangest_spans_is_kept(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    strange = {"endless": float("inf"), "huge": 10**40, "least": -(2**63) + 1}
    events = [
        recorded(*(span(512 * batch + n, attributes=strange, end_ns=0) for n in range(1, 513)))
        for batch in range(4)
    ]
    beyond = recorded(span(9_999, end_ns=10**30), app="letters")

    await record(schema, *events, beyond)

    assert await schema.admin.fetchval("SELECT count(*) FROM watch.span") == 2_048
    kept = await schema.admin.fetchval("SELECT attributes::text FROM watch.span LIMIT 1")
    assert json.loads(kept) == {"least": -(2**63) + 1}


async def test_a_trace_too_large_for_a_reply_says_so(provision_schema: ProvisionSchema) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()
    for batch in range(5):
        first = 512 * batch + 1
        spans = (span(first + n, request_id=request_id) for n in range(512))
        await record(schema, recorded(*spans))

    reply = await trace_of(schema, request_id)

    assert reply.code is ErrorCode.TOO_LARGE
    assert [one.start_ns for one in reply.spans[:2]] == [1_000, 2_000]
    assert len(reply.model_dump_json()) < 900_000


async def test_an_unknown_request_has_no_spans_and_that_is_no_error(
    provision_schema: ProvisionSchema,
) -> None:
    reply = await trace_of(await provision_schema("watch"), new_id())
    assert (reply.spans, reply.code) == ((), None)


async def test_spans_are_forgotten_after_their_time_and_no_earlier(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    await record(schema, recorded(span(1), span(2), span(3)))
    await schema.admin.execute(
        "UPDATE watch.span SET recorded_at = now() - make_interval(days => start_ns::int / 1000)"
    )

    await forget_spans(schema.database, 2.5 * 24 * 3600)

    left = await schema.admin.fetch("SELECT start_ns FROM watch.span ORDER BY start_ns")
    assert [row["start_ns"] for row in left] == [1_000, 2_000]


async def test_the_migrations_build_exactly_the_tables_described(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    assert await shape(schema, "watch") == await described(schema, metadata)
