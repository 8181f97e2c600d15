"""Streams over a real bus: in order, healed, or an error."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.contracts.errors import ErrorCode
from stellwerk import AnswerStream, Client
from stellwerk.errors import Refused, StreamBroken
from tests.fixtures.servers import NatsServer
from tests.integration.client_platform import ScriptedPlatform

LETTER = "Jeg hedder Karla Eksempel. Hvor er min pakke?"
PIECES = ("Kære Karla", " Eksempel,", " den er på vej.")
ANSWER = "".join(PIECES)


@pytest.fixture
async def platform(own_nats_server: NatsServer) -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform.at(own_nats_server.url) as opened:
        await opened.provision()
        yield opened


@pytest.fixture
async def client(own_nats_server: NatsServer, platform: ScriptedPlatform) -> AsyncIterator[Client]:
    async with Client(own_nats_server.url, app="crm") as opened:
        yield opened


async def read(stream: AnswerStream) -> list[str]:
    return [text async for text in stream]


async def test_a_stream_yields_the_pieces_and_gives_the_whole_answer(
    client: Client, platform: ScriptedPlatform
) -> None:
    stream = client.stream(LETTER)
    reading = asyncio.create_task(read(stream))
    request = (await platform.take()).request
    assert request.stream
    for number, piece in enumerate(PIECES):
        await platform.chunk(request, 2 * number, piece)
        await platform.chunk(request, 2 * number + 1, "")  # a heartbeat
    await platform.end(request, 2 * len(PIECES), ANSWER)
    await platform.answer(request, ANSWER)

    assert await reading == list(PIECES)
    assert (await stream.answer()).text == ANSWER
    (span,) = await platform.spans()
    assert (span.name, span.attributes["sw.stream"]) == ("stream", True)


async def test_a_lost_chunk_is_healed_from_the_durable_answer(
    client: Client, platform: ScriptedPlatform
) -> None:
    reading = asyncio.create_task(read(client.stream(LETTER)))
    request = (await platform.take()).request
    await platform.chunk(request, 0, PIECES[0])
    await platform.chunk(request, 2, PIECES[2])
    await platform.end(request, 3, ANSWER)
    await platform.answer(request, ANSWER)
    assert await reading == [PIECES[0], "".join(PIECES[1:])]


async def test_what_does_not_fit_the_durable_answer_is_an_error(
    client: Client, platform: ScriptedPlatform
) -> None:
    reading = asyncio.create_task(read(client.stream(LETTER)))
    request = (await platform.take()).request
    await platform.chunk(request, 0, "Hej")
    await platform.chunk(request, 2, "!")
    await platform.answer(request, ANSWER)
    with pytest.raises(StreamBroken):
        await reading


async def test_a_refusal_is_raised_before_any_text(
    client: Client, platform: ScriptedPlatform
) -> None:
    reading = asyncio.create_task(read(client.stream(LETTER)))
    await platform.refuse((await platform.take()).request, ErrorCode.BUDGET_EXHAUSTED)
    with pytest.raises(Refused):
        await reading


async def test_the_same_key_streams_the_answer_that_is_there(
    client: Client, platform: ScriptedPlatform
) -> None:
    first = asyncio.create_task(client.complete(LETTER, idempotency_key="x"))
    await platform.answer((await platform.take()).request, ANSWER)
    await first
    assert await read(client.stream(LETTER, idempotency_key="x")) == [ANSWER]


async def test_a_restart_of_the_bus_in_the_middle_is_healed(
    client: Client, platform: ScriptedPlatform, own_nats_server: NatsServer
) -> None:
    reading = asyncio.create_task(read(client.stream(LETTER)))
    request = (await platform.take()).request
    await platform.chunk(request, 0, PIECES[0])
    own_nats_server.restart()
    await platform.answer(request, ANSWER)
    assert "".join(await reading) == ANSWER


async def test_a_reader_may_stop_and_collect_the_answer(
    client: Client, platform: ScriptedPlatform
) -> None:
    stream = client.stream(LETTER)
    first = asyncio.ensure_future(anext(aiter(stream)))
    request = (await platform.take()).request
    await platform.chunk(request, 0, PIECES[0])
    assert await first == PIECES[0]
    await stream.aclose()
    await platform.answer(request, ANSWER)
    assert (await stream.answer()).text == ANSWER
