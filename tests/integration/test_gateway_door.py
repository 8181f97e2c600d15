"""The door over real HTTP, NATS and PostgreSQL: answers, refusals, keys, callers who leave."""

import asyncio
from contextlib import suppress

import pytest
from nats.aio.client import Client

from shared.contracts.access import AccessDenied, Denial
from shared.contracts.catalog import subject_of
from shared.contracts.completions import CompletionRestored, Outcome
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.event import encode
from shared.contracts.requests import RequestCancelled
from shared.contracts.stores import META_LOG
from shared.contracts.values import keyed_request_id
from stellwerk.keys import new_key
from tests.fixtures.bus import eventually
from tests.fixtures.gateway import ASK, HELLO, Edge, Gateway, events_of, next_event, text_of


async def test_an_answer_comes_back_with_its_id_and_what_was_asked_is_on_the_bus(
    edge: Edge,
) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(max_tokens=5, user="u-1"))
        taken = await edge.platform.take()
        await edge.platform.answer(taken.request, "Kære kunde")
        reply = await asking

    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"] == "Kære kunde"
    assert reply.headers["x-request-id"] == str(taken.request.request_id)
    assert reply.json()["id"] == f"chatcmpl-{taken.request.request_id}"
    assert reply.headers["x-stellwerk-masked"] == "0"
    assert (taken.request.tenant, taken.request.app) == ("default", "crm")
    assert (taken.request.max_tokens, taken.request.user) == (5, "u-1")
    assert taken.headers["traceparent"].startswith("00-")


async def test_the_servers_span_continues_the_callers_trace(edge: Edge) -> None:
    caller = f"00-{0xABC:032x}-{0xDEF:016x}-01"
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(headers={"traceparent": caller}))
        taken = await edge.platform.take()
        await edge.platform.answer(taken.request, "x")
        await asking
        await eventually(lambda: _spans(edge, taken.request.request_id))
    assert taken.headers["traceparent"].split("-")[1] == caller.split("-")[1]


async def _spans(edge: Edge, request_id: object) -> bool:
    for span in await edge.platform.spans():
        if span.request_id == request_id and span.name == f"POST {ASK}":
            assert span.parent_span_id == f"{0xDEF:016x}"
            assert span.attributes["gen_ai.operation.name"] == "chat"
            return True
    return False


async def test_a_stream_is_passed_on_as_it_comes_and_ends_as_the_model_did(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(stream=True))
        request = (await edge.platform.take()).request
        await edge.platform.chunk(request, 0, "Kære ")
        await edge.platform.chunk(request, 1, "kunde")
        await edge.platform.answer(request, "Kære kunde")
        await edge.platform.end(request, 2, "Kære kunde")
        reply = await asking
    events = events_of(reply.text)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert text_of(events) == "Kære kunde"
    assert events[-1] == "[DONE]"


async def test_the_first_text_is_there_before_the_last_is_known(edge: Edge) -> None:
    async def first_text(gateway: Gateway) -> str:
        async with gateway.http.stream("POST", ASK, json=HELLO | {"stream": True}) as reply:
            async for line in reply.aiter_lines():
                if "Kære" in line:
                    return line
        return ""

    async with edge.gateway() as gateway:
        reading = asyncio.create_task(first_text(gateway))
        await edge.platform.chunk((await edge.platform.take()).request, 0, "Kære ")
        assert "Kære" in await reading


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_is_a_status_also_where_a_stream_was_asked_for(
    edge: Edge, *, stream: bool
) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(stream=stream))
        await edge.platform.refuse((await edge.platform.take()).request, ErrorCode.BUDGET_EXHAUSTED)
        reply = await asking
        asking = asyncio.create_task(gateway.ask(stream=stream))
        await edge.platform.refuse(
            (await edge.platform.take()).request, ErrorCode.BILLING_UNAVAILABLE
        )
        later = await asking
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "budget_exhausted")
    assert reply.headers["x-should-retry"] == "false"
    assert "retry-after" not in reply.headers
    assert (later.status_code, later.headers["retry-after"]) == (503, "5")
    assert later.headers["x-should-retry"] == "true"


async def test_a_stream_that_breaks_ends_in_an_error_and_never_in_a_stop(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(stream=True))
        request = (await edge.platform.take()).request
        await edge.platform.chunk(request, 0, "Kære ")
        await edge.platform.refuse(request, ErrorCode.STREAM_BROKEN)
        reply = await asking
    *_, last = events_of(reply.text)
    assert last["error"]["code"] == "stream_broken"
    assert "[DONE]" not in reply.text
    assert '"stop"' not in reply.text


async def test_a_silent_stream_shows_that_it_lives_and_an_error_is_then_an_event(
    edge: Edge,
) -> None:
    async with edge.gateway(alive_every_s=0.2) as gateway:
        asking = asyncio.create_task(gateway.ask(stream=True))
        request = (await edge.platform.take()).request
        await asyncio.sleep(0.5)
        await edge.platform.refuse(request, ErrorCode.NO_CAPABLE_MODEL)
        reply = await asking
    events = events_of(reply.text)
    assert reply.status_code == 200
    assert events[0].startswith(":")
    assert events[-1]["error"]["code"] == "no_capable_model"
    assert "[DONE]" not in reply.text


async def test_a_key_asks_once_and_another_body_under_it_is_a_conflict(edge: Edge) -> None:
    once = {"idempotency-key": "order-17"}
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(headers=once))
        request = (await edge.platform.take()).request
        await edge.platform.answer(request, "Kære kunde")
        first = await asking
        again = await gateway.ask(headers=once)
        streamed = await gateway.ask(headers=once, stream=True)
        other = await gateway.ask(headers=once, temperature=1)
    assert request.request_id == keyed_request_id("default", "crm", "order-17")
    assert first.json()["choices"] == again.json()["choices"]
    assert text_of(events_of(streamed.text)) == "Kære kunde"
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert other.headers["x-should-retry"] == "false"


async def test_an_answer_that_was_said_while_the_bus_was_away_is_found(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask())
        request = (await edge.platform.take()).request
        edge.bus.server.kill()
        edge.bus.server.start()
        await edge.platform.answer(request, "Kære kunde")
        reply = await asking
    assert reply.status_code == 200


async def test_two_callers_with_one_key_get_the_one_answer_at_two_gateways(edge: Edge) -> None:
    once = {"idempotency-key": "order-19"}
    async with edge.gateway() as one, edge.gateway() as other:
        asking = [asyncio.create_task(each.ask(headers=once)) for each in (one, one, other)]
        request = (await edge.platform.take()).request
        await asyncio.sleep(0.2)
        await edge.platform.answer(request, "Kære kunde")
        replies = await asyncio.gather(*asking)
        assert await edge.platform.waiting() == 0
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert len({reply.json()["id"] for reply in replies}) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_is_told_to_the_router_at_once(edge: Edge, *, stream: bool) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(stream=stream))
        request = (await edge.platform.take()).request
        if stream:
            await edge.platform.chunk(request, 0, "Kære ")
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        event = await next_event(edge, RequestCancelled)
    assert event.request_id == request.request_id
    assert (event.actor, event.reason) == ("gateway", "caller-left")
    assert event.app == "crm"


async def test_who_leaves_with_an_idempotency_key_may_come_back_for_the_answer(
    edge: Edge,
) -> None:
    once = {"idempotency-key": "order-18"}
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask(headers=once))
        request = (await edge.platform.take()).request
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await edge.platform.answer(request, "Kære kunde")
        reply = await gateway.ask(headers=once)
        info = await edge.bus.js.stream_info(META_LOG.name, subjects_filter="sw.meta.request.>")
    assert reply.status_code == 200
    assert not info.state.subjects


async def test_an_answer_that_is_said_twice_disturbs_nobody(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        asking = asyncio.create_task(gateway.ask())
        other = asyncio.create_task(gateway.ask())
        requests = [(await edge.platform.take()).request for _ in range(2)]
        told = CompletionRestored.following(
            requests[0], outcome=Outcome.FAILED, error=ErrorDetail.of(ErrorCode.INTERNAL)
        )
        for _ in range(3):
            await edge.bus.client.publish(subject_of(told), encode(told, "redactor"))
        await edge.bus.client.flush()
        await edge.platform.answer(requests[1], "x")
        statuses = {(await asking).status_code, (await other).status_code}
        assert gateway.service.connection.client.stats["reconnects"] == 0
    assert statuses == {200, 500}


async def test_of_two_gateways_only_the_one_that_asked_hears_the_answer(edge: Edge) -> None:
    async with edge.gateway() as one, edge.gateway() as other:
        # The configuration in force has come by then; it is larger than some answers.
        before = other.service.connection.client.stats["in_bytes"]
        client: Client = one.service.connection.client
        asking = asyncio.create_task(one.ask())
        request = (await edge.platform.take()).request
        await edge.platform.answer(request, "x" * 100_000)
        assert (await asking).status_code == 200
        received = other.service.connection.client.stats["in_bytes"]
        subscriptions = len(client._subs)  # noqa: SLF001  nats-py counts them nowhere else.
        asking = asyncio.create_task(one.ask())
        await edge.platform.answer((await edge.platform.take()).request, "x")
        await asking
        assert len(client._subs) == subscriptions  # noqa: SLF001
    assert received - before < 100_000


async def test_wrong_keys_are_refused_alike_and_counted_in_one_event(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        right = gateway.key
        wrong = f"sw-{right.key_id}-{new_key().secret}"
        replies = [
            await gateway.http.get("/v1/models", headers={"authorization": f"Bearer {key}"})
            for key in (wrong, wrong)
        ]
        unknown = await gateway.http.get(
            "/v1/models", headers={"authorization": f"Bearer {new_key().text}"}
        )
        del gateway.http.headers["authorization"]
        none = await gateway.http.get("/v1/models")
        other_headers = [
            await gateway.http.get("/v1/models", headers={name: right.text})
            for name in ("api-key", "x-api-key")
        ]
        event = await next_event(edge, AccessDenied)
    assert {reply.status_code for reply in (*replies, unknown, none)} == {401}
    assert none.headers["www-authenticate"] == "Bearer"
    assert replies[0].json() == unknown.json() == none.json()
    assert [reply.status_code for reply in other_headers] == [200, 200]
    assert event.why in {Denial.WRONG_SECRET, Denial.UNKNOWN_KEY}
    assert event.door == "gateway"
