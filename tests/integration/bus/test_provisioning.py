"""Streams and consumers belong to provisioning: it finds what has drifted, and only it mends it."""

from dataclasses import replace

from deploy.provision.bus import consumer_config, provision_bus, stream_config
from deploy.provision.changes import Change
from shared.contracts.catalog import consumer_named
from shared.contracts.stores import INBOX
from tests.fixtures.bus import Bus, running
from tests.integration.bus.work import mask_all

REQUESTS = consumer_named("redactor-requests")
STREAM_CHANGE = Change("stream SW_INBOX: max_age", "updated")
CONSUMER_CHANGE = Change("consumer redactor-requests: ack_wait", "updated")


async def test_a_second_run_finds_nothing_to_do(bus: Bus) -> None:
    assert await provision_bus(bus.js, replicas=1, apply=True) == []


# Trap 6: a consumer that exists is bound as it is, so a changed setting has no effect.
async def test_drift_is_found_without_touching_it_and_mended_on_request(bus: Bus) -> None:
    await _drift(bus)
    found = await provision_bus(bus.js, replicas=1, apply=False)
    assert found == [STREAM_CHANGE, CONSUMER_CHANGE]
    assert await _settings(bus) == (7200.0, 33.0)
    assert await provision_bus(bus.js, replicas=1, apply=True) == found
    assert await _settings(bus) == (INBOX.max_age_s, REQUESTS.ack_wait_s)
    assert await provision_bus(bus.js, replicas=1, apply=False) == []


# Trap 6: the stock broker overwrites an existing stream with what its code says.
async def test_a_service_changes_no_stream_and_no_consumer_when_it_starts(bus: Bus) -> None:
    await _drift(bus)
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        assert await _settings(bus) == (7200.0, 33.0)


async def test_a_service_makes_no_stream_and_no_consumer_that_is_missing(bus: Bus) -> None:
    await bus.js.delete_consumer("SW_MASKED", "router-requests")
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        found = await provision_bus(bus.js, replicas=1, apply=False)
    assert found == [Change("consumer router-requests", "created")]


async def _drift(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(INBOX, 1), max_age=7200))
    await bus.js.add_consumer("SW_INBOX", replace(consumer_config(REQUESTS), ack_wait=33))


async def _settings(bus: Bus) -> tuple[float | None, float | None]:
    stream = (await bus.js.stream_info("SW_INBOX")).config
    consumer = (await bus.js.consumer_info("SW_INBOX", "redactor-requests")).config
    return stream.max_age, consumer.ack_wait
