"""The gateway while the bus is away: a request is sent for certain, or certainly never paid."""

import asyncio
import os
import signal

import pytest

from shared.contracts.requests import RequestCancelled
from shared.contracts.stores import META_LOG
from stellwerk import exchange
from tests.fixtures.gateway import Edge, next_event


async def test_a_request_that_was_given_up_while_the_link_was_down_is_never_sent(
    edge: Edge,
) -> None:
    async with edge.gateway(bus_wait_s_max=0.5) as gateway:
        assert (await gateway.http.get("/v1/models")).status_code == 200
        edge.bus.server.kill()
        reply = await gateway.ask()
        edge.bus.server.start()
        asking = asyncio.create_task(gateway.ask())
        request = (await edge.platform.take()).request
        await edge.platform.answer(request, "x")
        after = await asking
        assert await edge.platform.waiting() == 0
    assert (reply.status_code, reply.headers["x-should-retry"]) == (503, "true")
    assert after.status_code == 200
    assert reply.headers["x-request-id"] != str(request.request_id)


async def test_a_request_waits_for_the_link_within_its_time(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        assert (await gateway.http.get("/v1/models")).status_code == 200
        edge.bus.server.kill()
        asking = asyncio.create_task(gateway.ask())
        await asyncio.sleep(0.3)
        edge.bus.server.start()
        await edge.platform.answer((await edge.platform.take()).request, "x")
        assert (await asking).status_code == 200


@pytest.mark.parametrize("keyed", [False, True])
async def test_a_request_that_the_bus_may_have_when_it_is_given_up_is_cancelled_unless_keyed(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, *, keyed: bool
) -> None:
    monkeypatch.setattr(exchange, "ACK_WAIT_S", 0.5)
    once = {"idempotency-key": "order-20"} if keyed else {}
    async with edge.gateway(bus_wait_s_max=0.5) as gateway:
        assert (await gateway.http.get("/v1/models")).status_code == 200
        os.kill(edge.bus.server.running.pid, signal.SIGSTOP)
        try:
            reply = await gateway.ask(headers=once)
        finally:
            os.kill(edge.bus.server.running.pid, signal.SIGCONT)
        request = (await edge.platform.take()).request
        assert reply.headers["x-request-id"] == str(request.request_id)
        if not keyed:
            event = await next_event(edge, RequestCancelled)
            assert event.request_id == request.request_id
        info = await edge.bus.js.stream_info(META_LOG.name, subjects_filter="sw.meta.request.>")
    assert (reply.status_code, reply.headers["x-should-retry"]) == (503, "true")
    assert len(info.state.subjects or {}) == (0 if keyed else 1)
