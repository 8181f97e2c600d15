"""The limits of the door over real HTTP: too long, too slow, too much; and how it closes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client import REGISTRY

from services.gateway import asking, keyring
from services.gateway.calls import Headers
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import RequestCancelled, RequestSubmitted
from shared.contracts.stores import META_LOG
from stellwerk.answer import Answer
from stellwerk.keys import Key, new_key
from tests.fixtures.gateway import ASK, HELLO, Edge, Gateway, events_of, next_event, text_of


async def raw(gateway: Gateway, said: bytes, *, wait_s: float = 10) -> bytes:
    """Send bytes as they are, and return all that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(said)
    try:
        async with asyncio.timeout(wait_s):
            return await reader.read()
    finally:
        writer.close()


WRONG_ADDRESSES = (
    ("GET", "/", 404, "not_found"),
    ("GET", "/v1/nothing", 404, "not_found"),
    ("GET", "/v1/models/", 404, "not_found"),
    ("GET", "/v1/models/no-such-model", 404, "unknown_model"),
    ("GET", ASK, 405, "invalid_request"),
    ("DELETE", "/v1/models", 405, "invalid_request"),
    ("POST", f"{ASK}?api_key=x", 401, "unauthenticated"),
    ("POST", f"{ASK}?x={new_key().text}", 401, "unauthenticated"),
    ("GET", f"/v1/models/{new_key().text}", 401, "unauthenticated"),
)


async def test_a_wrong_address_is_an_error_in_the_dialects_form(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        for method, path, status, code in WRONG_ADDRESSES:
            reply = await gateway.http.request(method, path)
            error = reply.json()["error"]
            assert (reply.status_code, error["code"]) == (status, code)
            assert set(error) == {"message", "type", "param", "code"}
            assert reply.headers["x-request-id"]
            assert "sw-" not in reply.text
            assert reply.headers.get("allow") == {ASK: "POST", "/v1/models": "GET"}.get(
                path if status == 405 else ""
            )


async def test_a_client_that_asks_for_more_is_told_what_there_is(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        reply = await gateway.http.post("/v1/audio/speech", json={"model": "auto", "input": "x"})
    assert (
        "POST /v1/chat/completions, GET /v1/models, GET /v1/models/<name>"
        in (reply.json()["error"]["message"])
    )


async def test_bodies_that_cannot_be_read_are_refused_in_the_dialects_form(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        malformed = await gateway.http.post(
            ASK, content=b"{", headers={"content-type": "application/json"}
        )
        form = await gateway.http.post(ASK, data={"model": "auto"})
        large = await gateway.ask(messages=[{"role": "user", "content": "x" * 3_000_000}])
        chunked = await gateway.http.post(
            ASK, content=_pieces(), headers={"content-type": "application/json"}
        )
        on_the_bus = await gateway.ask(messages=[{"role": "user", "content": "x" * 600_000}])
    assert (malformed.status_code, form.status_code) == (400, 415)
    assert [one.status_code for one in (large, chunked, on_the_bus)] == [413] * 3
    for reply in (malformed, form, large, chunked, on_the_bus):
        assert reply.json()["error"]["code"]
        assert reply.headers["x-should-retry"] == "false"


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        head = f"POST {ASK} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.key.text}\r\n"
        waiting = "expect: 100-continue\r\ncontent-length: 1000000000\r\n\r\n"
        reply = await raw(gateway, (head + waiting).encode(), wait_s=5)
    assert reply.startswith(b"HTTP/1.1 413")


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b" " * 100_000


async def test_a_head_that_is_too_long_or_no_http_is_refused(edge: Edge) -> None:
    async with edge.gateway() as gateway:
        long = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 20_000 + b"\r\n\r\n"
        endless = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 40_000
        nonsense = b"\x16\x03\x01 hello\r\n\r\n"
        replies = [await raw(gateway, said) for said in (long, endless, nonsense)]
        assert (await gateway.http.get("/v1/models")).status_code == 200
    assert [reply[:12] for reply in replies] == [
        b"HTTP/1.1 431",
        b"HTTP/1.1 431",
        b"HTTP/1.1 400",
    ]
    for reply in replies:
        assert json.loads(reply.split(b"\r\n\r\n")[1])["error"]["code"] == "invalid_request"


async def test_a_head_or_a_body_that_does_not_come_ends_the_connection(edge: Edge) -> None:
    async with edge.gateway(head_s_max=0.3, body_s_max=0.3) as gateway:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
        key = f"authorization: Bearer {gateway.key.text}\r\n".encode()
        nothing = await raw(gateway, b"", wait_s=3)
        half_a_head = await raw(gateway, head, wait_s=3)
        half_a_body = await raw(gateway, head + key + b"content-length: 99\r\n\r\n{", wait_s=3)
    assert (nothing, half_a_head) == (b"", b"")
    assert half_a_body.startswith(b"HTTP/1.1 408")
    assert b'"error"' in half_a_body


async def test_an_app_with_too_many_requests_in_hand_waits_and_others_do_not(
    edge: Edge,
) -> None:
    async with edge.gateway(requests_per_app_max=2) as gateway:
        hr = gateway.as_app(await edge.admit("hr"))
        waiting = [asyncio.create_task(gateway.ask()) for _ in range(2)]
        taken = [(await edge.platform.take()).request for _ in range(2)]
        refused = await gateway.ask()
        other = asyncio.create_task(gateway.ask(headers=hr))
        for request in [*taken, (await edge.platform.take()).request]:
            await edge.platform.answer(request, "x")
        replies = [*(await asyncio.gather(*waiting)), await other]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert refused.headers["retry-after"]
    assert [reply.status_code for reply in replies] == [200, 200, 200]


async def test_a_full_door_says_so_to_everyone(edge: Edge) -> None:
    async with edge.gateway(requests_max=1) as gateway:
        waiting = asyncio.create_task(gateway.ask())
        request = (await edge.platform.take()).request
        refused = await gateway.http.get("/v1/models")
        await edge.platform.answer(request, "x")
        assert (await waiting).status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


async def test_wrong_keys_take_no_place_of_right_ones(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tried(gateway: Gateway, key: Key) -> httpx2.Response:
        return await gateway.http.get("/v1/models", headers=gateway.as_app(key))

    async with edge.gateway(requests_max=2, keys_every_s=1) as gateway:
        assert (await tried(gateway, gateway.key)).status_code == 200
        monkeypatch.setattr(keyring, "WAITING_MAX", 5)
        strangers = [asyncio.create_task(tried(gateway, new_key())) for _ in range(6)]
        await asyncio.wait(strangers, return_when=asyncio.FIRST_COMPLETED)
        known = await tried(gateway, gateway.key)
        assert sum(stranger.done() for stranger in strangers) == 1
        refused = await asyncio.gather(*strangers)
    assert known.status_code == 200
    assert sorted(reply.status_code for reply in refused) == [401] * 5 + [503]


async def test_a_wrong_key_that_is_tried_again_waits_for_no_second_look(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with edge.gateway() as gateway:
        wrong = gateway.as_app(new_key())
        first = await gateway.http.get("/v1/models", headers=wrong)
        monkeypatch.setattr(keyring, "WAITING_MAX", 0)
        again = await gateway.http.get("/v1/models", headers=wrong)
        other = await gateway.http.get("/v1/models", headers=gateway.as_app(new_key()))
    assert [reply.status_code for reply in (first, again, other)] == [401, 401, 503]
    assert first.json() == again.json()


async def test_what_a_stop_cannot_wait_for_is_refused_and_told_to_the_router(edge: Edge) -> None:
    async with edge.gateway(stop_s_max=0.3) as gateway:
        asking = asyncio.create_task(gateway.ask())
        request = (await edge.platform.take()).request
        gateway.service.stop()
        reply = await asking
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "bus_unavailable")
    assert reply.headers["x-should-retry"] == "true"
    event = await next_event(edge, RequestCancelled)
    assert (event.request_id, event.reason) == (request.request_id, "gateway-stopped")


async def test_a_stopping_door_still_answers_and_ends_each_connection(edge: Edge) -> None:
    async with edge.gateway(lame_duck_s=0.5) as gateway:
        asking = asyncio.create_task(gateway.ask(stream=True))
        request = (await edge.platform.take()).request
        await edge.platform.chunk(request, 0, "Kære ")
        whole = asyncio.create_task(gateway.ask())
        other = (await edge.platform.take()).request
        gateway.service.stop()
        await asyncio.sleep(0.1)
        await edge.platform.answer(other, "Kære kunde")
        answered = await whole
        assert gateway.service.problems()["stopping"]
        reply = await gateway.http.get("/v1/models")
        await asyncio.sleep(0.6)
        with pytest.raises(httpx2.ConnectError):
            await gateway.http.get("/v1/models")
        await edge.platform.answer(request, "Kære kunde")
        await edge.platform.chunk(request, 1, "kunde")
        await edge.platform.end(request, 2, "Kære kunde")
        streamed = await asking
    for one in (reply, answered):
        assert (one.status_code, one.headers["connection"]) == (200, "close")
    assert text_of(events_of(streamed.text)) == "Kære kunde"
    assert streamed.text.endswith("data: [DONE]\n\n")


def counted(outcome: str) -> float:
    """Return how many requests have ended in a way, in all tests of this process."""
    labels = {"dialect": "openai", "outcome": outcome}
    return REGISTRY.get_sample_value("stellwerk_gateway_requests_total", labels) or 0


def _broken(_answer: Answer) -> Headers:
    raise AssertionError("a bug")


async def test_each_request_is_counted_by_how_it_ended_and_none_else_as_answered(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = ("answered", "stream_broken", "internal", "bus_unavailable", "cancelled")
    before = {outcome: counted(outcome) for outcome in outcomes}
    async with edge.gateway(stop_s_max=0.3) as gateway:
        breaking = asyncio.create_task(gateway.ask(stream=True))
        request = (await edge.platform.take()).request
        await edge.platform.chunk(request, 0, "Kære ")
        await edge.platform.refuse(request, ErrorCode.STREAM_BROKEN)
        await breaking
        monkeypatch.setattr(asking, "_facts", _broken)
        failing = asyncio.create_task(gateway.ask())
        await edge.platform.answer((await edge.platform.take()).request, "x")
        assert (await failing).status_code == 500
        waiting = asyncio.create_task(gateway.ask())
        await edge.platform.take()
        gateway.service.stop()
        assert (await waiting).status_code == 503
    after = {outcome: counted(outcome) - before[outcome] for outcome in outcomes}
    assert after == dict(zip(outcomes, (0, 1, 1, 1, 0), strict=True))


async def _reading_little(gateway: Gateway) -> socket.socket:
    """Ask for a stream on a socket that takes little in advance."""
    body = json.dumps(HELLO | {"stream": True}).encode()
    head = f"POST {ASK} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.key.text}\r\n"
    said = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    caller.setblocking(False)  # noqa: FBT003  The standard library's signature.
    loop = asyncio.get_running_loop()
    await loop.sock_connect(caller, ("127.0.0.1", gateway.port))
    await loop.sock_sendall(caller, said)
    return caller


async def _said_much(edge: Edge, request: RequestSubmitted) -> None:
    for seq in range(16):
        await edge.platform.chunk(request, seq, "æ" * 200_000)


async def test_a_caller_that_reads_nothing_is_taken_for_gone(edge: Edge) -> None:
    async with edge.gateway(write_s_max=0.3, requests_max=1) as gateway:
        caller = await _reading_little(gateway)
        request = (await edge.platform.take()).request
        await _said_much(edge, request)
        event = await next_event(edge, RequestCancelled)
        reply = await gateway.http.get("/v1/models")
        caller.close()
    assert (event.request_id, event.reason) == (request.request_id, "caller-left")
    assert reply.status_code == 200


async def test_a_caller_that_reads_slowly_is_waited_for_and_holds_up_nobody(edge: Edge) -> None:
    loop = asyncio.get_running_loop()
    async with edge.gateway(write_s_max=0.3) as gateway:
        caller = await _reading_little(gateway)
        request = (await edge.platform.take()).request
        await _said_much(edge, request)
        for _ in range(20):  # Four times as long as a caller may read nothing.
            assert await loop.sock_recv(caller, 65_536)
            await asyncio.sleep(0.06)
        assert (await gateway.http.get("/v1/models")).status_code == 200
        info = await edge.bus.js.stream_info(META_LOG.name, subjects_filter="sw.meta.request.>")
        caller.close()
        event = await next_event(edge, RequestCancelled)
    assert not info.state.subjects
    assert event.request_id == request.request_id
