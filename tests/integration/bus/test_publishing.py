"""Publishing on a real bus: stored once, retried until stored, and what is refused is said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import nats.errors
import pytest
from nats.js.errors import APIError

from deploy.provision.bus import stream_config
from shared.bus import DependencyDown, Permanent
from shared.bus.connection import Connection
from shared.bus.deliveries import outgoing
from shared.bus.publishing import Publisher
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import PAYLOAD_BYTES_MAX, RequestSubmitted
from shared.contracts.stores import INBOX, MASKED_LOG
from tests.fixtures.bus import Bus, eventually, redacted, running, submitted
from tests.integration.bus.work import complete, mask, tell


@asynccontextmanager
async def publishing(bus: Bus) -> AsyncIterator[Publisher]:
    """Return a publisher on a connection of its own."""
    connection = Connection(bus.server.url, "redactor", None)
    await connection.open()
    publisher = Publisher(connection.client)
    await publisher.open()
    try:
        yield publisher
    finally:
        await connection.close()


async def test_an_event_that_is_published_again_is_stored_once(bus: Bus) -> None:
    messages = [outgoing(redacted(), "redactor", None) for _ in range(50)]
    async with publishing(bus) as publisher:
        await publisher.durable(messages)
        await publisher.durable([*messages, outgoing(redacted(), "redactor", None)])
    assert await bus.stored("SW_MASKED") == 51


# Trap 12: the stock publish gives up after half a second, without another attempt.
async def test_what_is_published_while_the_bus_restarts_is_stored(bus: Bus) -> None:
    async with publishing(bus) as publisher:
        bus.server.kill()
        waiting = [
            asyncio.create_task(publisher.durable([outgoing(redacted(), "redactor", None)]))
            for _ in range(20)
        ]
        await asyncio.sleep(2.5)
        assert not any(one.done() for one in waiting)
        await asyncio.to_thread(bus.server.start)
        await asyncio.wait_for(asyncio.gather(*waiting), 8.0)
    await eventually(lambda: bus.client.is_connected)
    assert await bus.stored("SW_MASKED") == 20


async def test_what_no_stream_would_keep_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Permanent, match="too_large"):
        outgoing(complete(redacted(), text="x" * MASKED_LOG.message_bytes_max), "router", None)


async def test_a_handler_that_returns_too_much_gives_its_message_up_at_once(bus: Bus) -> None:
    event = submitted()

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        sealed = "x" * MASKED_LOG.message_bytes_max
        return [mask(one).with_sealed(sealed if one.id == event.id else "") for one in events]

    for one in (submitted(), event, submitted()):
        await bus.send(one)
    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await eventually(lambda: _is_empty(bus), within_s=2.0)
        assert not service.problems()
    letter = await bus.js.get_last_msg("SW_CLEAR", "sw.clear.dead.redactor")
    assert (letter.headers or {})["Sw-Reason"] == ErrorCode.TOO_LARGE
    assert await bus.stored("SW_MASKED") == 2


async def test_a_stream_that_is_full_pauses_the_work_and_loses_none(bus: Bus) -> None:
    # A full stream refuses what is new; nothing is acknowledged, and no attempt is counted.
    await bus.js.update_stream(replace(stream_config(MASKED_LOG, 1), max_msgs=1))
    async with publishing(bus) as publisher:
        await publisher.durable([outgoing(redacted(), "redactor", None)])
        waiting = asyncio.create_task(publisher.durable([outgoing(redacted(), "redactor", None)]))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await bus.js.update_stream(stream_config(MASKED_LOG, 1))
        await asyncio.wait_for(waiting, 4.0)
    assert await bus.stored("SW_MASKED") == 2


async def test_a_stream_that_stays_away_surfaces_as_a_dependency(bus: Bus) -> None:
    await bus.js.delete_stream("SW_MASKED")
    message = outgoing(redacted(), "redactor", None)
    async with publishing(bus) as publisher:
        with pytest.raises(DependencyDown, match="nats"):
            await publisher.durable([message], backoff_s=(0.1, 0.1))


async def test_a_full_queue_rejects_only_the_app_that_filled_it(bus: Bus) -> None:
    await bus.js.update_stream(replace(stream_config(INBOX, 1), max_msgs_per_subject=5))
    for _ in range(5):
        await bus.send(submitted(app="crm"))
    with pytest.raises(APIError, match="maximum messages per subject"):
        await bus.send(submitted(app="crm"))
    await bus.send(submitted(app="hr"))
    assert await bus.stored("SW_INBOX") == 6


async def test_a_request_over_the_limit_is_refused_by_the_bus(bus: Bus) -> None:
    with pytest.raises((APIError, nats.errors.Error)):
        await bus.send(submitted(content="x" * PAYLOAD_BYTES_MAX))
    assert await bus.stored("SW_INBOX") == 0


async def _is_empty(bus: Bus) -> bool:
    return await bus.stored("SW_INBOX") == 0
