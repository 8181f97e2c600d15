"""A caller that leaves: the provider's connection closes, and what was used is paid."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import nats.errors
import pytest
from nats.aio.subscription import Subscription
from pydantic import SecretStr

from services.billing.__main__ import wired as wired_billing
from services.billing.handlers import budget_key
from services.billing.settings import Settings as BillingSettings
from services.router.__main__ import wired as wired_router
from services.router.settings import Settings as RouterSettings
from shared.bus.publishing import MESSAGE_ID
from shared.contracts.catalog import row_of, subject_of
from shared.contracts.completions import ChunkProduced, CompletionFailed, CompletionProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import RequestCancelled, RequestRedacted
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import new_id, now
from tests.fixtures.bus import eventually, running
from tests.fixtures.processes import ProvisionedBus, until
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.fixtures.scripted import ScriptedServer
from tests.unit.router.world import request

AnyEvent = TypeVar("AnyEvent", bound=Event)
CLOSED_S_MAX = 1.0
INPUT_NANO, OUTPUT_NANO = 150, 600
"""What a token of the model `scripted` costs."""


def left(event: RequestRedacted) -> RequestCancelled:
    return RequestCancelled(
        tenant=event.tenant,
        app=event.app,
        request_id=event.request_id,
        actor="gateway",
        reason="caller-left",
    )


async def published(bus: ProvisionedBus, kind: type[AnyEvent]) -> list[AnyEvent]:
    """Return all events of a kind that the stream holds."""
    reading = await bus.client.jetstream().subscribe(row_of(kind).filter, ordered_consumer=True)
    found: list[AnyEvent] = []
    with suppress(nats.errors.TimeoutError):
        while True:
            message = await reading.next_msg(timeout=0.3)
            found.append(decode(message.data, {kind.type_name(): kind}))
    await reading.unsubscribe()
    return found


async def ended(bus: ProvisionedBus, events: Sequence[Event]) -> list[UsageRecorded]:
    """Return every usage once there is one for each request."""

    async def enough() -> bool:
        stream = await bus.client.jetstream().stream_info(
            "SW_META", subjects_filter=row_of(UsageRecorded).filter
        )
        return len(stream.state.subjects or {}) >= len(events)

    await until(enough)
    return await published(bus, UsageRecorded)


@pytest.fixture
async def billing(provision_schema: ProvisionSchema) -> ProvisionedSchema:
    return await provision_schema("billing")


@pytest.fixture
async def platform(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    billing: ProvisionedSchema,
    scripted: ScriptedServer,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ProvisionedBus]:
    """Return a bus with billing and two routers, which reach the scripted provider."""
    monkeypatch.setenv("SW_ROUTER_SCRIPTED_URL", scripted.base_url)
    url, router = provisioned_bus.url, await provision_schema("router")
    async with running(
        wired_billing(BillingSettings(nats_url=url, database_url=SecretStr(billing.url))),
        wired_router(RouterSettings(nats_url=url, database_url=SecretStr(router.url))),
        wired_router(RouterSettings(nats_url=url, database_url=SecretStr(router.url))),
    ):
        yield provisioned_bus


async def test_a_caller_that_leaves_in_mid_stream_closes_the_connection_and_is_charged(
    platform: ProvisionedBus, billing: ProvisionedSchema, scripted: ScriptedServer
) -> None:
    scripted.script.chunk_delay_ms, scripted.script.text = 100, "ord " * 500
    event = request("Skriv til Klient_001.", model="scripted", stream=True)
    reading = await platform.client.subscribe(f"{row_of(ChunkProduced).prefix}.r1.*")
    await platform.publish([event], "redactor")
    chunks = [await _next(reading) for _ in range(3)]
    await platform.publish([left(event)], "gateway")
    await eventually(lambda: len(scripted.script.abandoned) == 1, CLOSED_S_MAX)
    while not chunks[-1].end:
        chunks.append(await _next(reading))
    *_, usage = await ended(platform, [event])
    (failed,) = await published(platform, CompletionFailed)

    assert chunks[-1].code is failed.code is ErrorCode.CANCELLED
    (call,) = usage.attempts
    assert str(call.id) in scripted.script.abandoned
    assert (call.outcome, usage.usage.partial) == (AttemptOutcome.CANCELLED, True)
    said = "".join(chunk.text for chunk in chunks)
    assert call.output_tokens == -(-len(said.encode()) // 4)
    assert usage.cost_nano == INPUT_NANO * call.input_tokens + OUTPUT_NANO * call.output_tokens
    await until(lambda: _settled(billing))
    assert await _posted(billing) == usage.cost_nano
    source = await billing.admin.fetchval(
        "SELECT token_source FROM billing.usage WHERE request_id = $1", event.request_id
    )
    assert source == "partial"


async def test_a_caller_that_left_before_its_request_came_costs_nothing(
    platform: ProvisionedBus, scripted: ScriptedServer
) -> None:
    event = request(model="scripted")
    await platform.publish([left(event)], "gateway")
    await platform.client.flush()
    await platform.publish([event], "redactor")
    *_, usage = await ended(platform, [event])

    assert (usage.code, usage.cost_nano, usage.attempts) == (ErrorCode.CANCELLED, 0, ())
    assert scripted.script.calls.total() == 0


async def test_a_cancelled_request_that_comes_again_ends_the_same_and_calls_nobody(
    platform: ProvisionedBus, scripted: ScriptedServer
) -> None:
    scripted.script.latency_ms = 5_000
    event, other = request(model="scripted"), request(model="no-such-model")
    await platform.publish([event], "redactor")
    await until(lambda: _called(scripted))
    await platform.publish([left(event), left(event)], "gateway")
    await ended(platform, [event])
    first = await published(platform, CompletionFailed)

    # As other messages: no stream's memory can tell that they were there before.
    headers = {MESSAGE_ID: str(new_id())}
    js = platform.client.jetstream()
    await js.publish(subject_of(event), encode(event, "redactor"), headers=headers)
    await platform.publish([left(event), other], "redactor")
    await ended(platform, [event, other])

    assert {one.id for one in await published(platform, CompletionFailed)} == {first[0].id}
    assert first[0].code is ErrorCode.CANCELLED
    assert scripted.script.calls.total() == 1


async def test_leaving_after_the_answer_changes_nothing(platform: ProvisionedBus) -> None:
    event, other = request(model="scripted"), request(model="scripted")
    await platform.publish([event], "redactor")
    await ended(platform, [event])
    await platform.publish([left(event)], "gateway")
    await platform.publish([other], "redactor")
    await ended(platform, [event, other])

    assert event.request_id in {
        one.request_id for one in await published(platform, CompletionProduced)
    }
    assert await published(platform, CompletionFailed) == []


async def _next(reading: Subscription) -> ChunkProduced:
    message = await reading.next_msg(timeout=5)
    return decode(message.data, {ChunkProduced.type_name(): ChunkProduced})


async def _posted(billing: ProvisionedSchema) -> int:
    posted: int = await billing.admin.fetchval(
        "SELECT posted_nano FROM billing.budget WHERE key = $1", budget_key("default", now())
    )
    return posted


async def _settled(billing: ProvisionedSchema) -> bool:
    """Return whether all that was held has been posted or given back."""
    held = await billing.admin.fetchval("SELECT count(*) FROM billing.open_hold")
    counted = await billing.admin.fetchval("SELECT count(*) FROM billing.usage")
    return bool(held == 0 and counted > 0)


async def _called(scripted: ScriptedServer) -> bool:
    return scripted.script.calls.total() > 0
