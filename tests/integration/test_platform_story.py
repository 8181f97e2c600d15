"""One request from its caller to the record and back: what it says, costs, and leaves behind."""

import asyncio
import json
import re
from collections.abc import Sequence

import pytest

from shared.bus.commands import ask
from shared.contracts.records import RecordRead, RecordReply
from shared.contracts.traces import Span, SpanKind, TraceRead, TraceReply
from shared.contracts.values import new_id
from stellwerk.answer import Answer
from stellwerk.errors import Conflict
from stellwerk.proof import tree_holds
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

pytestmark = pytest.mark.timeout(60)

TEXT = "Skriv til fru Mette Skovlund, mette@eksempel.dk, at varmepumpen kommer på fredag."
SAID = "Kære Klient_001. Vi skriver til Email_001 på fredag, Klient_001. Ordre 4711 er på vej."
RESTORED = (
    "Kære Mette Skovlund. Vi skriver til mette@eksempel.dk på fredag, Mette Skovlund."
    " Ordre 4711 er på vej."
)
HOP = {
    "redactor-requests": ("redactor", "app: complete"),
    "router-requests": ("router", "redactor: process redactor-requests"),
    "redactor-completions": ("redactor", "router: process router-requests"),
    "billing-usage": ("billing", "router: process router-requests"),
}
"""Each consumer's service, and the span that caused its span."""


async def test_the_answer_is_what_the_model_said_with_the_values_back(platform: Platform) -> None:
    answer, _ = await told(platform)
    assert answer.text == RESTORED
    assert (answer.masked_count, answer.unresolved_count) == (2, 0)
    body = last_received(platform)
    said = json.dumps(body, ensure_ascii=False)
    assert "Klient_001" in said
    assert "Email_001" in said
    assert "Skovlund" not in said


async def test_a_stream_says_the_same_as_the_durable_answer(platform: Platform) -> None:
    platform.script(text=SAID, chunk_delay_ms=5)
    async with platform.client() as client:
        stream = client.stream(TEXT, model="scripted")
        pieces = [piece async for piece in stream]
        answer = await stream.answer()
    platform.script(text=None, chunk_delay_ms=0)
    assert len(pieces) > 1
    assert "".join(pieces) == answer.text == RESTORED


async def test_the_caller_is_told_the_cost_that_billing_charges(platform: Platform) -> None:
    answer, _ = await told(platform)
    usages: Sequence[dict[str, int]] = []

    async def is_billed() -> bool:
        nonlocal usages
        usages = await platform.query(
            "SELECT cost_nano, input_tokens, output_tokens FROM billing.usage"
            " WHERE request_id = $1",
            answer.request_id,
        )
        return bool(usages)

    await eventually(is_billed)
    (usage,) = usages
    # At the price of the scripted model: EUR 0.15 and 0.60 a million tokens.
    assert usage["cost_nano"] == usage["input_tokens"] * 150 + usage["output_tokens"] * 600
    assert usage["cost_nano"] == answer.cost_nano > 0


async def test_every_request_is_one_trace_in_which_each_span_has_its_cause(
    platform: Platform,
) -> None:
    answer, _ = await told(platform)
    spans = await trace_of(platform, answer)
    assert len({span.trace_id for span in spans}) == 1
    names = {span.span_id: f"{span.service}: {span.name}" for span in spans}
    (root,) = [span for span in spans if span.parent_span_id is None]
    assert names[root.span_id] == "app: complete"
    assert all(span.parent_span_id in names for span in spans if span is not root)
    parents = {names[one.span_id]: names[one.parent_span_id] for one in spans if one.parent_span_id}
    for consumer, (service, cause) in HOP.items():
        assert parents[f"{service}: process {consumer}"] == cause
    assert parents["billing: billing hold-request"] == "router: process router-requests"
    assert parents["router: chat scripted"] == "router: process router-requests"
    # What takes the request's and the answer's event together has one span, under the first.
    for recorder in ("audit: process audit-masked", "evals: process evals-completions"):
        assert parents[recorder].startswith(("redactor: process", "router: process"))
    assert parents["audit: process audit-meta"].startswith(("billing:", "router:", "evals:"))
    (call,) = [span for span in spans if span.name == "chat scripted"]
    assert call.kind is SpanKind.CLIENT
    assert call.attributes["stellwerk.attempt.id"] in platform.provider_calls()
    assert all(span.start_ns <= span.end_ns for span in spans)


async def test_the_record_holds_the_request_and_proves_it(platform: Platform) -> None:
    answer, _ = await told(platform)
    wanted = {"request.redacted", "completion.produced", "hold.granted", "usage.recorded"}
    wanted |= {"usage.priced", "evaluation.scored"}
    reply = RecordReply(id=new_id())

    async def is_recorded() -> bool:
        nonlocal reply
        reply = await record_of(platform, answer)
        return len(reply.entries) >= len(wanted)

    await eventually(is_recorded)
    kinds = [entry.event_type.removeprefix("eu.stellwerk.")[:-3] for entry in reply.entries]
    assert sorted(kind for kind in kinds if kind != "access.read") == sorted(wanted)
    assert reply.root_hash is not None
    for entry in reply.entries:
        proof = (entry.leaf_hash, entry.index, entry.proof, reply.tree_size, reply.root_hash)
        assert tree_holds(*proof)
    assert "Skovlund" not in reply.model_dump_json()


async def test_the_same_request_twice_is_one_call_and_one_answer(platform: Platform) -> None:
    answer, key = await told(platform)
    calls = sum(platform.provider_calls().values())
    async with platform.client() as client:
        again = await client.complete(TEXT, model="scripted", idempotency_key=key)
        both = await asyncio.gather(
            *(client.complete(TEXT, model="scripted", idempotency_key=f"{key}-b") for _ in "ab")
        )
    assert again == answer
    assert both[0] == both[1]
    assert sum(platform.provider_calls().values()) == calls + 1

    async def is_paid_once() -> bool:
        (row,) = await platform.query(
            "SELECT count(*) FROM billing.attempt JOIN billing.usage ON usage_id = event_id"
            " WHERE request_id = $1",
            answer.request_id,
        )
        return bool(row["count"] == 1)

    await eventually(is_paid_once)


async def test_the_same_key_with_another_body_is_a_conflict(platform: Platform) -> None:
    _, key = await told(platform)
    calls = sum(platform.provider_calls().values())
    async with platform.client() as client:
        with pytest.raises(Conflict):
            await client.complete("Noget helt andet.", model="scripted", idempotency_key=key)
    assert sum(platform.provider_calls().values()) == calls


async def told(platform: Platform) -> tuple[Answer, str]:
    """Ask for a letter of which the provider's answer is known; return the answer and its key."""
    platform.script(text=SAID)
    key = str(new_id())
    async with platform.client() as client:
        answer = await client.complete(TEXT, model="scripted", idempotency_key=key)
    platform.script(text=None)
    return answer, key


def last_received(platform: Platform) -> object:
    """Return the JSON of the last request that the provider got."""
    received = platform.record.read_bytes()
    (_, _, body) = received[received.rindex(b"\n--- ") if b"\n--- " in received else 0 :].partition(
        b"\r\n\r\n"
    )
    found: object = json.loads(re.sub(rb"\n$", b"", body))
    return found


async def trace_of(platform: Platform, answer: Answer) -> Sequence[Span]:
    """Return all spans of a request, as the operator reads them."""
    operator = await platform.operator()
    spans: Sequence[Span] = ()

    async def is_whole() -> bool:
        nonlocal spans
        question = TraceRead(actor="operator", request_id=answer.request_id)
        reply = await ask(operator, question, timeout_s=5.0)
        assert isinstance(reply, TraceReply)
        settled = len(reply.spans) == len(spans)
        spans = reply.spans
        done = {"process audit-meta", "process evals-completions", "process billing-usage"}
        await asyncio.sleep(0.4)
        return settled and done <= {span.name for span in spans}

    await eventually(is_whole)
    await operator.close()
    return spans


async def record_of(platform: Platform, answer: Answer) -> RecordReply:
    """Return what is recorded of a request, as the operator reads it."""
    operator = await platform.operator()
    question = RecordRead(actor="operator", request_id=answer.request_id)
    reply = await ask(operator, question, timeout_s=5.0)
    await operator.close()
    assert isinstance(reply, RecordReply)
    return reply
