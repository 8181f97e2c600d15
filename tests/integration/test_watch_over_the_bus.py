"""Watch as a process on a real bus: spans of services and apps become one trace."""

from shared.bus.commands import ask
from shared.contracts.traces import Span, SpanRecorded, TraceRead, TraceReply
from shared.contracts.values import new_id
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema

TRACE = f"{0xFEED:032x}"


def spans_of(sender: str, *spans: Span) -> SpanRecorded:
    return SpanRecorded(tenant="default", app=sender, spans=spans)


async def test_spans_of_an_app_and_of_services_become_one_trace_in_order(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("watch")
    request_id = new_id()
    root = Span(
        trace_id=TRACE,
        span_id=f"{1:016x}",
        name="stellwerk ask",
        service="client",
        start_ns=1,
        end_ns=9,
        request_id=request_id,
    )
    hop = root.model_copy(
        update={
            "span_id": f"{2:016x}",
            "parent_span_id": root.span_id,
            "name": "process router-requests",
            "service": "router",
            "start_ns": 2,
        }
    )
    async with running("watch", provisioned_bus, schema):
        await provisioned_bus.publish([spans_of("router", hop), spans_of("letters", root)])
        await until(lambda: _kept(schema.admin, 2))
        reply = await ask(
            provisioned_bus.client, TraceRead(actor="operator", request_id=request_id), 5.0
        )

    assert isinstance(reply, TraceReply)
    found = [(span.service, span.name, span.parent_span_id) for span in reply.spans]
    assert found == [
        ("app", "stellwerk ask", None),
        ("router", "process router-requests", root.span_id),
    ]


async def _kept(admin: object, count: int) -> bool:
    found: int = await admin.fetchval(  # type: ignore[attr-defined]
        "SELECT count(*) FROM watch.span WHERE trace_id = $1::text::uuid", TRACE
    )
    return found == count
