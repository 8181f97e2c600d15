"""Requests wait on the bus for a provider's limit when one of two routers is killed."""

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.contracts.completions import CompletionFailed, CompletionProduced
from shared.contracts.usage import AttemptOutcome
from tests.fixtures.limited import LimitedServer
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.scripted import ScriptedServer
from tests.integration.test_router_limits import BURST, LIMITED, answers, burst, describe
from tests.integration.test_router_over_the_bus import published, told

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(60)]


async def test_each_is_answered_once_by_the_other(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    limited: LimitedServer,
    scripted: ScriptedServer,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    describe(scripted_configuration)
    monkeypatch.setenv("SW_ROUTER_SCRIPTED_URL", scripted.base_url)
    monkeypatch.setenv("SW_ROUTER_LIMITED_URL", limited.base_url)
    billing, schema = await provision_schema("billing"), await provision_schema("router")
    requests = burst(BURST, f"{LIMITED}-alone")
    async with AsyncExitStack() as services:
        await services.enter_async_context(running("billing", provisioned_bus, billing))
        monkeypatch.setenv("SW_ROUTER_REPLICA", "r1")
        victim = await services.enter_async_context(running("router", provisioned_bus, schema))
        await until(lambda: answers(provisioned_bus))
        monkeypatch.setenv("SW_ROUTER_REPLICA", "r2")
        await services.enter_async_context(running("router", provisioned_bus, schema))

        async def some_are_answered_and_others_wait() -> bool:
            return 20 <= len(await published(provisioned_bus, CompletionProduced)) < BURST

        await provisioned_bus.publish(requests, "redactor")
        await until(some_are_answered_and_others_wait)
        victim.kill()
        await victim.wait()
        usages = await told(provisioned_bus, BURST)

    ends = Counter(one.request_id for one in await published(provisioned_bus, CompletionProduced))
    assert ends == Counter(one.request_id for one in requests)
    assert await published(provisioned_bus, CompletionFailed) == []
    calls = Counter(call.id for usage in usages for call in usage.attempts)
    assert set(calls.values()) == {1}
    answered = [
        call
        for usage in usages
        for call in usage.attempts
        if call.outcome in (AttemptOutcome.ANSWERED, AttemptOutcome.UNKNOWN)
    ]
    # What the provider answered was counted, and no more than what it may have answered.
    assert limited.limit.passed <= len(answered)
