"""A new version counts for requests that begin after it; those in hand end under the old one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.router.endpoints import Endpoints
from services.router.handlers import Router
from services.router.settings import Settings, read_configuration
from services.router.world import World
from shared.configuration import ConfigError
from shared.contracts.completions import CompletionFailed, CompletionProduced
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.usage import UsageRecorded
from tests.fixtures.configuration import changed, with_scripted
from tests.fixtures.scripted import ScriptedServer
from tests.unit.router.world import request, world_of

URL = "SW_ROUTER_SCRIPTED_URL"
ROUTE = ("[local-default, local-small]\n  reason: quality-first", "[scripted]\n  reason: on-trial")


def version(documents: dict[Document, str], number: int = 2) -> ConfigurationVersion:
    return ConfigurationVersion(version=f"{number:012x}", number=number, documents=documents)


def to_scripted() -> ConfigurationVersion:
    """Return a version whose default is the scripted model."""
    documents = with_scripted()
    return version(documents | changed(Document.POLICY, *ROUTE, of=documents))


@pytest.fixture
def world(scripted: ScriptedServer, scripted_configuration: Path) -> World:
    """Return a configuration of which only the scripted provider can be reached."""
    environment = {URL: scripted.base_url}
    configuration = read_configuration(scripted_configuration, environment)
    settings = Settings()
    endpoints = Endpoints.of(configuration, settings)
    return replace(world_of(configuration, endpoints), settings=settings, environment=environment)


async def test_a_changed_route_counts_from_the_next_request_on(world: World) -> None:
    router = Router(world)
    before = [effect async for effect in router.request_redacted(request())]
    await router.configured(to_scripted())
    after = [effect async for effect in router.request_redacted(request())]

    assert not isinstance(before[0], CompletionProduced)
    assert isinstance(after[0], CompletionProduced)
    assert isinstance(after[1], UsageRecorded)
    assert after[0].model == "scripted"
    assert after[0].config_version == after[1].config_version == to_scripted().version
    assert after[1].decision.reason == "on-trial"
    await router.close()


async def test_a_request_in_hand_ends_under_the_version_it_began_under(
    world: World, scripted: ScriptedServer
) -> None:
    router, scripted.script.latency_ms = Router(world), 200
    begun = asyncio.ensure_future(anext(router.request_redacted(request(model="scripted"))))
    async with asyncio.timeout(5):
        while not scripted.script.calls:  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0.01)
    documents = with_scripted()
    gone = changed(Document.MODELS, URL, "SW_ROUTER_NOT_SET", of=documents)
    await router.configured(version(documents | gone))

    answer = await begun
    refused = await anext(router.request_redacted(request(model="scripted")))

    assert isinstance(answer, CompletionProduced)
    assert answer.config_version == world.configuration.version
    assert not isinstance(refused, CompletionProduced | CompletionFailed)
    async with asyncio.timeout(5):
        while scripted.script.connections:  # noqa: ASYNC110 -- it closes in its own time
            await asyncio.sleep(0.01)


async def test_what_has_not_changed_keeps_its_connections(
    world: World, scripted: ScriptedServer
) -> None:
    router = Router(world)
    await anext(router.request_redacted(request(model="scripted")))
    (connection,) = scripted.script.connections
    await router.configured(to_scripted())
    await anext(router.request_redacted(request(model="scripted")))

    assert scripted.script.connections == {connection}
    await router.close()


async def test_a_version_that_cannot_be_used_here_changes_nothing(world: World) -> None:
    router = Router(world)
    documents = with_scripted()
    morse = changed(Document.MODELS, "wire: openai", "wire: morse", of=documents)

    with pytest.raises(ConfigError, match=r"known are .*openai"):
        await router.configured(version(documents | morse))

    (answer, _) = [effect async for effect in router.request_redacted(request(model="scripted"))]
    assert answer.model_dump()["config_version"] == world.configuration.version
    assert isinstance(answer, CompletionProduced)
    await router.close()
