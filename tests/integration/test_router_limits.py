"""A provider's limits are waited out or handed on; a caller never hears of them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from shared.bus.commands import ask
from shared.contracts.catalog import row_of
from shared.contracts.completions import ChunkProduced, CompletionFailed, CompletionProduced
from shared.contracts.configuration import Document
from shared.contracts.event import decode
from shared.contracts.providers import (
    ModelHealth,
    ProviderChange,
    ProviderChanged,
    ProviderTest,
    ProviderTestReply,
)
from shared.contracts.requests import RequestRedacted, RequestRefused
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import now
from shared.errors import DependencyDown
from tests.fixtures.limited import LimitedServer
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.scripted import ScriptedServer
from tests.integration.test_router_over_the_bus import published, told
from tests.unit.router.world import request

BURST = 50
LIMITED = "limited"


@pytest.fixture
async def platform(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    limited: LimitedServer,
    scripted: ScriptedServer,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ProvisionedBus]:
    """Return a bus with billing and a router that knows a limited provider and a fallback for it.

    `limited` falls back on the scripted provider, `limited-alone` on nobody.
    """
    describe(scripted_configuration)
    monkeypatch.setenv("SW_ROUTER_SCRIPTED_URL", scripted.base_url)
    monkeypatch.setenv("SW_ROUTER_LIMITED_URL", limited.base_url)
    billing, router = await provision_schema("billing"), await provision_schema("router")
    async with AsyncExitStack() as services:
        await services.enter_async_context(running("billing", provisioned_bus, billing))
        await services.enter_async_context(running("router", provisioned_bus, router))
        await until(lambda: answers(provisioned_bus))
        yield provisioned_bus


def describe(folder: Path) -> None:
    """Add the limited provider to the documents in a folder."""
    files = {one: folder / one for one in (Document.MODELS, Document.POLICY)}
    models, policy = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files.values())
    address = {"base_url": "${SW_ROUTER_LIMITED_URL}"}
    models["providers"][LIMITED] = models["providers"]["scripted"] | address
    for name in (LIMITED, f"{LIMITED}-alone"):
        models["models"][name] = models["models"]["scripted"] | {"provider": LIMITED}
    policy["fallbacks"][LIMITED] = "scripted"
    for file, document in zip(files.values(), (models, policy), strict=True):
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def burst(count: int, model: str, within_s: float = 60.0) -> list[RequestRedacted]:
    deadline = now() + timedelta(seconds=within_s)
    return [request(model=model, deadline=deadline) for _ in range(count)]


async def answers(bus: ProvisionedBus) -> bool:
    """Return whether the router is there."""
    with suppress(DependencyDown):
        await ask(bus.client, ProviderTest(actor="operator", provider=LIMITED), 0.5)
        return True
    return False


async def health_of(bus: ProvisionedBus, model: str) -> ModelHealth | None:
    """Return what the router knows of a model."""
    reply = await ask(bus.client, ProviderTest(actor="operator", provider=LIMITED), 5.0)
    assert isinstance(reply, ProviderTestReply)
    (state,) = reply.providers
    return next((one for one in state.models if one.model == model), None)


async def learned(bus: ProvisionedBus) -> list[int | None]:
    """Return the limits that were told of, in order."""
    events = await published(bus, ProviderChanged)
    return [one.requests_a_minute for one in events if one.change is ProviderChange.LIMIT_LEARNED]


def answered_by(usages: Sequence[UsageRecorded]) -> Counter[str | None]:
    return Counter(one.model for one in usages)


async def test_a_burst_beyond_the_limit_is_handed_on_and_nobody_hears_of_it(
    platform: ProvisionedBus, limited: LimitedServer
) -> None:
    limited.limit.window_s = 60.0
    await platform.publish(burst(BURST, LIMITED), "redactor")
    usages = await told(platform, BURST)

    assert len(await published(platform, CompletionProduced)) == BURST
    assert await published(platform, CompletionFailed) == []
    assert await published(platform, RequestRefused) == []
    assert answered_by(usages) == {LIMITED: 10, "scripted": BURST - 10}
    # What was refused cost nothing, and stands in the record.
    refusals = [call for one in usages for call in one.attempts if call.error_class]
    assert {(one.error_class, one.input_tokens) for one in refusals} <= {("rate_limited", 0)}
    assert len(refusals) == limited.limit.refused


@pytest.mark.parametrize("says", [True, False])
async def test_without_a_fallback_the_bus_keeps_what_the_limit_holds_up(
    platform: ProvisionedBus, limited: LimitedServer, *, says: bool
) -> None:
    limited.limit.says = says
    started = time.monotonic()
    await platform.publish(burst(BURST, f"{LIMITED}-alone"), "redactor")
    usages = await told(platform, BURST)
    took_s = time.monotonic() - started

    assert answered_by(usages) == {f"{LIMITED}-alone": BURST}
    assert len(await published(platform, CompletionProduced)) == BURST
    assert took_s < 15
    # All were on their way before anything was known; from then on hardly one is sent too soon.
    assert limited.limit.refused < BURST


async def test_the_learned_limit_is_shown_and_follows_the_provider(
    platform: ProvisionedBus, limited: LimitedServer
) -> None:
    model = f"{LIMITED}-alone"
    await platform.publish(burst(20, model), "redactor")
    await told(platform, 20)
    before = await health_of(platform, model)
    limited.limit.requests = 5
    await platform.publish(burst(12, model), "redactor")
    await told(platform, 32)
    after = await health_of(platform, model)

    async def both_are_told() -> bool:
        return len(await learned(platform)) >= 2

    await until(both_are_told)
    assert before is not None
    assert after is not None
    assert (before.requests_a_minute, after.requests_a_minute) == (10, 5)
    assert await learned(platform) == [10, 5]


async def test_what_cannot_be_in_time_is_refused_before_its_deadline(
    platform: ProvisionedBus, limited: LimitedServer
) -> None:
    limited.limit.window_s = 60.0
    model = f"{LIMITED}-alone"
    await platform.publish(burst(12, model, within_s=20.0), "redactor")
    usages = await told(platform, 12)

    assert answered_by(usages) == {model: 10, None: 2}
    failed = await published(platform, CompletionFailed)
    assert {one.code.value for one in failed} == {"provider_unavailable"}
    assert all(one.code.retry_after_s for one in failed)


async def test_a_stream_that_waits_is_quiet_and_then_whole(
    platform: ProvisionedBus, limited: LimitedServer
) -> None:
    limited.limit.requests = 1
    events = [one.model_copy(update={"stream": True}) for one in burst(4, f"{LIMITED}-alone")]
    chunks: dict[str, list[ChunkProduced]] = {}
    ended = asyncio.Event()
    reading = await platform.client.subscribe(f"{row_of(ChunkProduced).prefix}.r1.*")

    async def listen() -> None:
        while sum(one[-1].end for one in chunks.values()) < len(events):
            message = await reading.next_msg(timeout=15)
            chunk = decode(message.data, {ChunkProduced.type_name(): ChunkProduced})
            chunks.setdefault(str(chunk.request_id), []).append(chunk)
        ended.set()

    listening = asyncio.create_task(listen())
    await platform.publish(events, "redactor")
    async with asyncio.timeout(20):
        await ended.wait()
    await listening
    await told(platform, len(events))

    for heard in chunks.values():
        assert [one.sequence for one in heard] == list(range(len(heard)))
        assert heard[-1].code is None
    answers = await published(platform, CompletionProduced)
    assert {one.text for one in answers} == {
        "".join(chunk.text for chunk in heard) for heard in chunks.values()
    }
