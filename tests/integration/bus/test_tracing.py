"""Every request is one trace: a span a hop, each under what caused it, with names that repeat."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from opentelemetry.trace import SpanKind
from prometheus_client import generate_latest

from shared.bus import Answered
from shared.contracts.billing import HoldRequest
from shared.contracts.completions import CompletionRestored, Outcome
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted
from shared.telemetry import span
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import NAME, complete, held, hold, mask_all

TRACE = "0af7651916cd43dd8448eb211c80319c"
APPS_SPAN = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{APPS_SPAN}-01"
HOPS = {
    "process redactor-requests",
    "process router-requests",
    "billing hold-request",
    "process redactor-completions",
}


# Trap 11: three stock spans an edge, and a new series of metrics for each reply's inbox.
async def test_three_hops_and_a_command_are_one_trace_of_one_span_each(bus: Bus) -> None:
    async def answer(event: RequestRedacted) -> AsyncIterator[Event]:
        with span("chat swift", SpanKind.CLIENT):
            await router.ask(hold())
        yield complete(event)

    async def grant(commands: Sequence[HoldRequest]) -> Answered:
        return Answered(held(commands))

    async def restore(events: Sequence[Any]) -> list[Event]:
        return [CompletionRestored.following(one, outcome=Outcome.COMPLETION) for one in events]

    redactor, router, billing = (bus.service(name) for name in ("redactor", "router", "billing"))
    redactor.batch("redactor-requests", mask_all)
    redactor.batch("redactor-completions", restore)
    router.slot("router-requests", answer)
    billing.command(HoldRequest, grant)
    async with running(redactor, router, billing):
        request = submitted(content=NAME)
        await bus.send(request, headers={"traceparent": TRACEPARENT})
        await eventually(lambda: _answered(bus))
    spans = {one["name"]: one for one in await recorded(bus)}
    assert len(await recorded(bus)) == len(spans) == 5
    assert set(spans) == HOPS | {"chat swift"}
    assert {one["trace_id"] for one in spans.values()} == {TRACE}
    parents = {
        "process redactor-requests": APPS_SPAN,
        "process router-requests": spans["process redactor-requests"]["span_id"],
        "chat swift": spans["process router-requests"]["span_id"],
        "billing hold-request": spans["chat swift"]["span_id"],
        "process redactor-completions": spans["process router-requests"]["span_id"],
    }
    assert {name: one["parent_span_id"] for name, one in spans.items()} == parents
    assert {spans[name]["request_id"] for name in HOPS - {"billing hold-request"}} == {
        str(request.request_id)
    }
    assert "lgaard" not in json.dumps(spans)
    answer_message = await bus.js.get_last_msg("SW_CLEAR", "sw.clear.completion.restored.>")
    header = (answer_message.headers or {})["traceparent"]
    assert header == f"00-{TRACE}-{spans['process redactor-completions']['span_id']}-01"


async def test_no_inbox_ever_names_a_span_or_a_series(bus: Bus) -> None:
    async def grant(commands: Sequence[HoldRequest]) -> Answered:
        return Answered(held(commands))

    billing = bus.service("billing")
    billing.command(HoldRequest, grant)
    async with running(billing):
        for _ in range(5):
            await billing.ask(hold())
    spans = await recorded(bus)
    assert [one["name"] for one in spans] == ["billing hold-request"] * 5
    assert "_INBOX" not in json.dumps(spans)
    assert b"_INBOX" not in generate_latest()


async def recorded(bus: Bus) -> list[dict[str, Any]]:
    """Return all spans that were published."""
    state = (await bus.js.stream_info("SW_META")).state
    spans: list[dict[str, Any]] = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        message = await bus.js.get_msg("SW_META", sequence)
        spans += json.loads(message.data or b"")["data"]["spans"]
    return spans


async def _answered(bus: Bus) -> bool:
    return await bus.stored("SW_CLEAR") == 1
