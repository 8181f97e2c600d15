"""What replicas tell each other, what operators hear of providers, and what a new day brings."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from deploy.local.scripted import Script, start
from services.router.endpoints import Endpoints
from services.router.handlers import Router
from services.router.replicas import GONE_AFTER_S, Replicas
from services.router.settings import Settings, read_configuration, today
from services.router.world import World
from shared.bus.commands import ask
from shared.bus.connection import Connection
from shared.contracts.completions import CompletionProduced
from shared.contracts.configuration import Document
from shared.contracts.errors import ErrorCode
from shared.contracts.providers import (
    ModelHealth,
    ProviderChange,
    ProviderChanged,
    ProviderState,
    ProviderTest,
    ProviderTestReply,
)
from shared.contracts.usage import UsageRecorded
from tests.fixtures.bus import eventually
from tests.fixtures.guarded import GuardedBus
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.scripted import ScriptedServer
from tests.integration.test_permissions import DENIED
from tests.integration.test_permissions import ask as asked
from tests.integration.test_router_over_the_bus import published, told
from tests.unit.router.world import request, world_of

URL = "SW_ROUTER_SCRIPTED_URL"
ILL = (ModelHealth(model="large", provider="house", circuit_open=True),)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def connected(bus: GuardedBus) -> AsyncIterator[Connection]:
    """Yield a router's own connection, with what a router may do."""
    connection = Connection(bus.server.url, "router", bus.secrets.seed_file("router"))
    await connection.open()
    yield connection
    await connection.close()


async def test_replicas_hear_of_each_other_and_of_who_has_left(guarded_bus: GuardedBus) -> None:
    async with connected(guarded_bus) as connection:
        one, two = Replicas(connection, "r1"), Replicas(connection, "r2")

        async def heard() -> bool:
            found = await two.exchange(())
            return [(other.replica, other.models) for other in found] == [("r1", ILL)]

        await one.exchange(ILL)
        await eventually(heard)
        assert [other.replica for other in await one.exchange(ILL)] == ["r2"]
        await one.leave()

        async def alone() -> bool:
            return not await two.exchange(())

        await eventually(alone)


async def test_a_replica_that_is_not_heard_of_is_gone(guarded_bus: GuardedBus) -> None:
    async with connected(guarded_bus) as connection:
        clock = Clock()
        one, two = Replicas(connection, "r1"), Replicas(connection, "r2", clock)
        await one.exchange(())

        async def heard() -> bool:
            return len(await two.exchange(())) == 1

        await eventually(heard)
        clock.at += GONE_AFTER_S

        assert await two.exchange(()) == []


async def test_a_bucket_that_is_away_holds_up_nobody(guarded_bus: GuardedBus) -> None:
    async with connected(guarded_bus) as connection:
        one, two = Replicas(connection, "r1"), Replicas(connection, "r2")
        await one.exchange(ILL)

        async def heard() -> bool:
            return len(await two.exchange(())) == 1

        await eventually(heard)
        guarded_bus.server.running.process.kill()

        assert [other.models for other in await two.exchange(())] == [ILL]


async def test_the_router_alone_reads_what_replicas_tell(guarded_bus: GuardedBus) -> None:
    billing = await guarded_bus.as_service("billing")
    for subject in ("$JS.API.DIRECT.GET.KV_SW_HEALTH", "$KV.SW_HEALTH.r1"):
        with pytest.raises(DENIED):
            await asked(billing, subject)


# --- a router as a process -----------------------------------------------------------------------


def hasty(folder: Path) -> None:
    """Have circuits open early and rest briefly."""
    file = folder / Document.POLICY
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    policy["resilience"] = {"circuit_opens_after": 2, "circuit_rests_s": 0.5, "retries_max": 0}
    file.write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")


@pytest.fixture
async def lonely(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    scripted_configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[ProvisionedBus, int]]:
    """Return a bus with a router whose provider is not there, and the port where it may come."""
    hasty(scripted_configuration)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    monkeypatch.setenv(URL, f"http://127.0.0.1:{port}/v1")
    billing, router = await provision_schema("billing"), await provision_schema("router")
    async with (
        running("billing", provisioned_bus, billing),
        running("router", provisioned_bus, router),
    ):
        yield provisioned_bus, port


async def test_a_circuit_that_opens_and_closes_is_told_of(
    lonely: tuple[ProvisionedBus, int],
) -> None:
    bus, port = lonely
    for count in (1, 2, 3):
        await bus.publish([request(model="scripted")], "redactor")
        await told(bus, count)

    async def seen(change: ProviderChange) -> ProviderChanged | None:
        events = await published(bus, ProviderChanged)
        return next((one for one in events if one.change is change), None)

    async def opened() -> bool:
        return await seen(ProviderChange.CIRCUIT_OPENED) is not None

    async def closed() -> bool:
        await bus.publish([request(model="scripted")], "redactor")
        return await seen(ProviderChange.CIRCUIT_CLOSED) is not None

    await until(opened)
    # The third found it open: nobody was called for it.
    assert sorted(len(one.attempts) for one in await published(bus, UsageRecorded)) == [0, 1, 1]
    server = await start(Script(), port)
    await until(closed)
    server.close()
    found = await seen(ProviderChange.CIRCUIT_OPENED)
    assert found is not None
    assert (found.provider, found.model, found.error_class) == (
        "scripted",
        "scripted",
        "unreachable",
    )
    assert await published(bus, CompletionProduced)


async def asked_of(bus: ProvisionedBus, provider: str | None = None) -> ProviderTestReply:
    reply = await ask(bus.client, ProviderTest(actor="operator", provider=provider), 5.0)
    assert isinstance(reply, ProviderTestReply)
    return reply


async def test_an_operator_sees_every_provider_also_those_that_are_off(
    lonely: tuple[ProvisionedBus, int],
) -> None:
    bus, port = lonely
    await bus.publish([request(model="scripted")], "redactor")
    await told(bus, 1)

    away = {one.provider: one for one in (await asked_of(bus)).providers}
    server = await start(Script(), port)
    (there,) = (await asked_of(bus, "scripted")).providers
    server.close()

    assert (away["scripted"].reachable, away["scripted"].error_class) == (False, "unreachable")
    assert away["scripted"].models[0].calls_in_minute == 1
    off: ProviderState = away["local"]
    assert (off.reachable, off.missing) == (False, "SW_ROUTER_LOCAL_URL")
    assert (there.reachable, there.error_class, there.missing) == (True, None, None)
    assert there.answered_ms is not None
    assert (await asked_of(bus, "nobody")).code is ErrorCode.NOT_FOUND


# --- a new day -----------------------------------------------------------------------------------


@pytest.fixture
def world(scripted: ScriptedServer, scripted_configuration: Path) -> World:
    """Return a world in which the scripted model becomes dearer tomorrow."""
    file = scripted_configuration / Document.MODELS
    models = yaml.safe_load(file.read_text(encoding="utf-8"))
    price = models["models"]["scripted"]["price"]
    tomorrow = {"input_per_million": "0.30", "valid_from": today() + timedelta(days=1)}
    models["models"]["scripted"]["price"] = [price, price | tomorrow]
    file.write_text(yaml.safe_dump(models, sort_keys=False), encoding="utf-8")
    environment = {URL: scripted.base_url}
    configuration = read_configuration(scripted_configuration, environment)
    settings = Settings()
    made = world_of(configuration, Endpoints.of(configuration, settings))
    return replace(made, settings=settings, environment=environment)


async def test_a_new_day_brings_its_prices_and_keeps_connections(world: World) -> None:
    same, after = world.on(today()), world.on(today() + timedelta(days=1))

    assert same is world
    assert after.configuration.version == world.configuration.version
    before_nano, after_nano = (
        one.configuration.models["scripted"].price.input_token_nano for one in (world, after)
    )
    assert (before_nano, after_nano) == (150, 300)
    scripted = world.configuration.models["scripted"]
    assert after.endpoints.provider_of(scripted) is world.endpoints.provider_of(scripted)


async def test_a_router_that_slept_through_midnight_takes_the_new_day_over(world: World) -> None:
    yesterday = replace(world.configuration, day=today() - timedelta(days=1))
    router = Router(replace(world, configuration=yesterday))

    await router.look_around()
    effects = [effect async for effect in router.request_redacted(request(model="scripted"))]

    assert isinstance(effects[0], CompletionProduced)
    await router.close()
