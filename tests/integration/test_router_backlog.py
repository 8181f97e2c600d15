"""A router that starts late: who has left by then is looked up, and nobody is called."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from services.router.__main__ import wired
from services.router.settings import Settings
from shared.contracts.completions import CompletionFailed
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRefused
from tests.fixtures.bus import running
from tests.fixtures.guarded import GuardedBus
from tests.fixtures.processes import ProvisionedBus
from tests.fixtures.schemas import ProvisionSchema
from tests.integration.test_permissions import DENIED, ask
from tests.integration.test_router_cancellation import ended, left, published
from tests.unit.router.world import request

CANCELLED = "sw.meta.request.cancelled.default.crm.r1"
UNCALLED = {"model": "no-such-model"}
"""Refused for that unless its caller has left, which is looked at first."""


@asynccontextmanager
async def router(bus: ProvisionedBus, provision_schema: ProvisionSchema) -> AsyncIterator[None]:
    schema = await provision_schema("router")
    async with running(wired(Settings(nats_url=bus.url, database_url=SecretStr(schema.url)))):
        yield


async def test_a_request_whose_caller_left_before_the_router_started_is_not_called(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    gone, waiting = request(**UNCALLED), request(**UNCALLED)
    events: list[Event] = [gone, waiting]
    await provisioned_bus.publish([gone, waiting], "redactor")
    await provisioned_bus.publish([left(gone)], "gateway")
    async with router(provisioned_bus, provision_schema):
        await ended(provisioned_bus, events)
    (failed,) = await published(provisioned_bus, CompletionFailed)
    (refused,) = await published(provisioned_bus, RequestRefused)
    assert (failed.request_id, failed.code) == (gone.request_id, ErrorCode.CANCELLED)
    assert (refused.request_id, refused.code) == (waiting.request_id, ErrorCode.UNKNOWN_MODEL)


async def test_the_router_alone_may_look_up_who_has_left(guarded_bus: GuardedBus) -> None:
    looked_up = f"$JS.API.DIRECT.GET.SW_META.{CANCELLED}"
    router, billing = [await guarded_bus.as_service(name) for name in ("router", "billing")]
    assert await ask(router, looked_up, wait_s=5) == b""
    for user, subject in (
        (router, "$JS.API.DIRECT.GET.SW_META.sw.meta.usage.recorded.default.crm.r1"),
        (router, "$JS.API.DIRECT.GET.SW_META"),
        (billing, looked_up),
    ):
        with pytest.raises(DENIED):
            await ask(user, subject)
