"""Streams whose wire has no mark of the end, over real sockets: when they are whole, when not."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from services.router.faults import ErrorClass
from services.router.providers import gemini
from services.router.providers.base import Endpoint, ProviderError
from services.router.wire.http import FAREWELL_S_MAX, HttpProvider
from shared.contracts.completions import FinishReason
from shared.contracts.requests import Message, Operation, Role
from tests.fixtures.asking import Answered, answered
from tests.unit.router.world import request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(**candidate: Any) -> bytes:
    event = f"data: {json.dumps({'candidates': [candidate]})}\r\n\r\n".encode()
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


FIRST = chunk(content={"parts": [{"text": "Kære "}]})
SECOND = chunk(content={"parts": [{"text": "Klient_001."}]}, finishReason="STOP")


class Server(asyncio.Protocol):
    """Answers whatever it is asked with the same bytes, and closes unless it is to stay."""

    def __init__(self, answer: bytes, asked: list[asyncio.Transport], *, stays: bool) -> None:
        self._answer = answer
        self._asked = asked
        self._stays = stays
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._asked.append(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        if len(body) < int(head.lower().partition(b"content-length:")[2].split()[0]):
            return
        self._transport.write(self._answer)
        if not self._stays:
            self._transport.close()


@asynccontextmanager
async def provider(
    *answer: bytes, stays: bool = False
) -> AsyncIterator[tuple[HttpProvider, list[asyncio.Transport]]]:
    """Return the adapter for a server that answers so, and the connections that it got."""
    asked: list[asyncio.Transport] = []

    def serve() -> Server:
        return Server(b"".join(answer), asked, stays=stays)

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = gemini.connect(Endpoint("scripted", f"http://127.0.0.1:{port}/v1beta", 1.0))
    yield made, asked
    await made.close()
    for transport in asked:
        transport.abort()
    server.close()
    await server.wait_closed()


async def ask(made: HttpProvider) -> Answered:
    return await answered(made, request(stream=True), "gemini-flash", within_s=8.0)


async def test_a_stream_that_ends_regularly_is_whole() -> None:
    async with provider(HEAD, FIRST, SECOND, LAST) as (made, asked):
        answer = await ask(made)

    assert (answer.text, answer.whole.reason) == ("Kære Klient_001.", FinishReason.STOP)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "parts",
    [(FIRST, LAST), (FIRST,), (FIRST, SECOND[:-8]), (LAST,), ()],
    ids=["ends early", "cut", "cut in the last chunk", "empty", "nothing"],
)
async def test_a_stream_without_its_reason_is_broken(parts: tuple[bytes, ...]) -> None:
    async with provider(HEAD, *parts) as (made, _):
        with pytest.raises(ProviderError) as failed:
            await ask(made)

    assert failed.value.error_class is ErrorClass.BROKEN


async def test_a_cut_after_the_reason_takes_nothing_from_an_answer() -> None:
    async with provider(HEAD, FIRST, SECOND) as (made, _):
        answer = await ask(made)

    assert (answer.text, answer.whole.reason) == ("Kære Klient_001.", FinishReason.STOP)


async def test_a_stream_that_stays_open_after_the_reason_is_not_waited_for() -> None:
    begun = time.monotonic()

    async with provider(HEAD, FIRST, SECOND, stays=True) as (made, _):
        answer = await ask(made)
        waited_s = time.monotonic() - begun

    assert answer.whole.reason is FinishReason.STOP
    assert FAREWELL_S_MAX - 0.1 <= waited_s < FAREWELL_S_MAX + 0.9


async def test_a_wish_to_be_left_alone_is_heard_in_the_body() -> None:
    body = json.dumps({"error": {"code": 429, "details": [{"retryDelay": "34s"}]}}).encode()
    head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: %d\r\n\r\n" % len(body)

    async with provider(head, body) as (made, _):
        with pytest.raises(ProviderError) as failed:
            await ask(made)

    assert failed.value.error_class is ErrorClass.RATE_LIMITED
    assert failed.value.retry_after_s == 34.0


async def test_what_a_wire_has_no_words_for_is_rejected_and_not_sent() -> None:
    nobodys = Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1")

    async with provider(HEAD) as (made, asked):
        for event in (
            request(messages=(nobodys,)),
            request(operation=Operation.TRANSLATE, target_language="da"),
        ):
            with pytest.raises(ProviderError) as failed:
                await answered(made, event, "gemini-flash")
            assert failed.value.error_class is ErrorClass.REJECTED

    assert asked == []
