"""The router as a process on a real bus with billing: paid once, killed, deceived, left alone."""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import nats.errors
import pytest

from deploy.local.ports import free_port
from shared.bus.publishing import MESSAGE_ID, SEALED
from shared.contracts.catalog import row_of, subject_of
from shared.contracts.completions import (
    ChunkProduced,
    CompletionFailed,
    CompletionProduced,
    Outcome,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import RequestRefused
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import new_id
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.scripted import ScriptedServer
from tests.unit.router.world import request

AnyEvent = TypeVar("AnyEvent", bound=Event)
REQUESTS = 60


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


async def told(bus: ProvisionedBus, count: int) -> list[UsageRecorded]:
    """Return every usage as soon as there are so many."""

    async def enough() -> bool:
        stream = await bus.client.jetstream().stream_info(
            "SW_META", subjects_filter=row_of(UsageRecorded).filter
        )
        return len(stream.state.subjects or {}) >= count

    await until(enough)
    return await published(bus, UsageRecorded)


@pytest.fixture
async def platform(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    scripted: ScriptedServer,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ProvisionedBus]:
    """Return a bus with billing and the router, which reaches the scripted provider."""
    monkeypatch.setenv("SW_ROUTER_SCRIPTED_URL", scripted.base_url)
    billing, router = await provision_schema("billing"), await provision_schema("router")
    async with (
        running("billing", provisioned_bus, billing),
        running("router", provisioned_bus, router),
    ):
        yield provisioned_bus


async def test_a_redelivered_request_is_not_paid_twice(
    platform: ProvisionedBus, scripted: ScriptedServer
) -> None:
    event = request(model="scripted")
    await platform.publish([event], "redactor")
    first = await told(platform, 1)
    # The same bytes as another message: no stream's memory can tell that it was there before.
    await platform.client.jetstream().publish(
        subject_of(event), encode(event, "redactor"), headers={MESSAGE_ID: str(new_id())}
    )
    await platform.publish([request(model="scripted")], "redactor")
    await told(platform, 2)

    assert scripted.script.calls.total() == 2
    usages = {usage.id for usage in await published(platform, UsageRecorded)}
    answers = {answer.id for answer in await published(platform, CompletionProduced)}
    assert first[0].id in usages
    assert (len(usages), len(answers)) == (2, 2)


async def test_the_sealed_map_travels_on_and_the_answer_keeps_its_placeholders(
    platform: ProvisionedBus,
) -> None:
    event = request("Skriv til Klient_001 om Adresse_002.", model="scripted")
    await platform.client.jetstream().publish(
        subject_of(event),
        encode(event, "redactor"),
        headers={MESSAGE_ID: str(event.id), SEALED: "only-the-redactor-reads-this"},
    )
    (usage,) = await told(platform, 1)

    (answer,) = await published(platform, CompletionProduced)
    message = await platform.client.jetstream().get_last_msg("SW_MASKED", subject_of(answer))
    assert (message.headers or {})[SEALED] == "only-the-redactor-reads-this"
    assert "Klient_001" in answer.text
    assert "Adresse_002" in answer.text
    assert (usage.outcome, usage.code) == (Outcome.COMPLETION, None)
    # At the price of the scripted model: 150 nano a token read, 600 a token written.
    tokens = answer.usage
    assert usage.cost_nano == 150 * tokens.input_tokens + 600 * tokens.output_tokens


async def test_a_stream_reaches_the_replica_that_it_names(platform: ProvisionedBus) -> None:
    event = request("Skriv til Klient_001.", model="scripted", stream=True)
    chunks: list[ChunkProduced] = []
    reading = await platform.client.subscribe(f"{row_of(ChunkProduced).prefix}.r1.*")
    await platform.publish([event], "redactor")
    while not chunks or not chunks[-1].end:
        message = await reading.next_msg(timeout=5)
        chunks.append(decode(message.data, {ChunkProduced.type_name(): ChunkProduced}))
    await told(platform, 1)

    (answer,) = await published(platform, CompletionProduced)
    assert "".join(chunk.text for chunk in chunks) == answer.text
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    assert answer.chunks == len(chunks) - 1


async def test_each_end_is_typed(platform: ProvisionedBus) -> None:
    cut = request(model="scripted-cut", stream=True)
    unknown = request(model="no-such-model")
    leak = request("Mit cpr er 070761-4285", model="scripted")
    await platform.publish([cut, unknown, leak], "redactor")
    usages = {usage.request_id: usage for usage in await told(platform, 3)}

    failed = await published(platform, CompletionFailed)
    refused = await published(platform, RequestRefused)
    assert [(one.request_id, one.code) for one in failed] == [
        (cut.request_id, ErrorCode.STREAM_BROKEN)
    ]
    assert {one.request_id: one.code for one in refused} == {
        unknown.request_id: ErrorCode.UNKNOWN_MODEL,
        leak.request_id: ErrorCode.LEAK_CHECK,
    }
    assert usages[cut.request_id].cost_nano > 0
    assert usages[leak.request_id].cost_nano == 0


async def test_a_message_that_cannot_be_read_is_refused_and_kept_aside(
    platform: ProvisionedBus,
) -> None:
    event = request(model="scripted")
    await platform.client.jetstream().publish(
        subject_of(event), b'{"specversion": "1.0", "data": 7}', headers={MESSAGE_ID: "x"}
    )

    async def kept_aside() -> bool:
        found = await platform.client.jetstream().stream_info(
            "SW_MASKED", subjects_filter="sw.masked.dead.router"
        )
        return bool(found.state.subjects)

    await until(kept_aside)
    (refused,) = await published(platform, RequestRefused)
    assert refused.request_id == event.request_id
    assert refused.code.is_refusal


async def test_a_killed_router_leaves_each_request_one_end_and_each_call_counted_once(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    scripted: ScriptedServer,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SW_ROUTER_SCRIPTED_URL", scripted.base_url)
    scripted.script.latency_ms = 300
    billing, schema = await provision_schema("billing"), await provision_schema("router")
    requests = [request(model="scripted") for _ in range(REQUESTS)]

    async def half_are_called() -> bool:
        return scripted.script.calls.total() >= REQUESTS // 2

    async with running("billing", provisioned_bus, billing):
        async with running("router", provisioned_bus, schema) as victim:
            await provisioned_bus.publish(requests, "redactor")
            await until(half_are_called)
            victim.kill()
            await victim.wait()
        async with running("router", provisioned_bus, schema):
            usages = await told(provisioned_bus, REQUESTS)

    ends = Counter(one.request_id for one in await published(provisioned_bus, CompletionProduced))
    assert ends == Counter(one.request_id for one in requests)
    assert Counter(one.request_id for one in usages) == ends
    counted = Counter(str(call.id) for usage in usages for call in usage.attempts)
    assert set(counted.values()) == {1}
    assert set(scripted.script.calls) <= set(counted)
    assert sum(usage.attempts[0].outcome == "unknown" for usage in usages) > 0


async def test_without_any_model_it_is_ready_says_so_and_refuses(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    monkeypatch.setenv("SW_ROUTER_HTTP_PORT", str(port))

    def readiness() -> dict[str, object]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    async def ready() -> bool:
        with suppress(OSError):
            found = await asyncio.to_thread(readiness)
            return bool(found["ready"] and found["remarks"])
        return False

    async with running("router", provisioned_bus, await provision_schema("router")):
        await until(ready)
        found = await asyncio.to_thread(readiness)
        await provisioned_bus.publish([request()], "redactor")
        await told(provisioned_bus, 1)

    assert "no model can be reached" in str(found["remarks"])
    (refused,) = await published(provisioned_bus, RequestRefused)
    assert refused.code is ErrorCode.NO_CAPABLE_MODEL
