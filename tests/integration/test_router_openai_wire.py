"""OpenAI's wire over real sockets: whole answers come through, and no other ever looks whole."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.scripted import Connection
from services.router.faults import ErrorClass
from services.router.outbound import cleared
from services.router.providers import openai
from services.router.providers.base import CallPart, Endpoint, Piece, ProviderError, Stage, Text
from services.router.wire.connections import SETTLES_S
from services.router.wire.http import HttpProvider
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import SAMPLING, Message, Role, Tool
from shared.contracts.values import new_id
from tests.fixtures.asking import Answered, answered
from tests.fixtures.scripted import ScriptedServer
from tests.unit.router.world import request

TOOL = Tool(name="find_order", parameters={"properties": {"af": {"type": "string"}}})
QUESTION = "Skriv et svar til Klient_001 på Adresse_001 om Email_001."
ANSWER = (
    "Kære Klient_001. Tak for din henvendelse. Vi har noteret følgende: "
    "Klient_001, Adresse_001, Email_001. Vi vender tilbage inden for to hverdage."
)


@pytest.fixture
async def provider(scripted: ScriptedServer) -> AsyncIterator[HttpProvider]:
    """Return the adapter, connected to the scripted provider."""
    made = openai.connect(Endpoint("scripted", scripted.base_url, connect_s_max=1.0))
    yield made
    await made.close()


async def ask(
    provider: HttpProvider, model: str, *, stream: bool, tools: tuple[Tool, ...] = ()
) -> Answered:
    return await answered(provider, request(QUESTION, stream=stream, tools=tools), model)


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_comes_through_whole_and_counted(
    provider: HttpProvider, *, stream: bool
) -> None:
    answer = await ask(provider, "scripted", stream=stream)

    assert answer.text == ANSWER
    expected = TokenUsage(input_tokens=1 + len(QUESTION) // 4, output_tokens=1 + len(ANSWER) // 4)
    assert (answer.whole.reason, answer.whole.usage) == (FinishReason.STOP, expected)


async def test_text_that_arrives_together_is_passed_on_together(
    provider: HttpProvider, scripted: ScriptedServer
) -> None:
    scripted.script.chunk_delay_ms = 5

    answer = await ask(provider, "scripted", stream=True)

    assert answer.text == ANSWER
    assert len(answer.pieces) > 5


REFUSALS = [
    ("400", ErrorClass.REJECTED),
    ("401", ErrorClass.UNAUTHORISED),
    ("404", ErrorClass.NOT_FOUND),
    ("413", ErrorClass.CONTEXT_TOO_LONG),
    ("429", ErrorClass.RATE_LIMITED),
    ("500", ErrorClass.SERVER_ERROR),
    ("503", ErrorClass.OVERLOADED),
]
BROKEN_EITHER_WAY = ["reset", "cut", "malformed", "error", "html", "nofinish"]
BROKEN_AS = {"error": {ErrorClass.SERVER_ERROR, ErrorClass.BROKEN}}
BROKEN_STREAMS = [*BROKEN_EITHER_WAY, "nodone", "contradictory"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("mode", "error_class"), REFUSALS)
async def test_a_refusal_is_classified(
    provider: HttpProvider, mode: str, error_class: ErrorClass, *, stream: bool
) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, f"scripted-{mode}", stream=stream)

    assert failed.value.error_class is error_class


@pytest.mark.parametrize("mode", BROKEN_STREAMS)
async def test_a_broken_stream_never_finishes(provider: HttpProvider, mode: str) -> None:
    pieces: list[Piece] = []

    with pytest.raises(ProviderError) as failed:
        await answered(provider, request(QUESTION, stream=True), f"scripted-{mode}", heard=pieces)

    assert failed.value.error_class in BROKEN_AS.get(mode, {ErrorClass.BROKEN})
    assert ANSWER.startswith(text_of(pieces))


@pytest.mark.parametrize("mode", BROKEN_EITHER_WAY)
async def test_a_broken_answer_is_none(provider: HttpProvider, mode: str) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, f"scripted-{mode}", stream=False)

    assert failed.value.error_class in BROKEN_AS.get(mode, {ErrorClass.BROKEN})


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("mode", ["silent", "mute"])
async def test_silence_lasts_until_the_caller_ends_it(
    provider: HttpProvider, mode: str, *, stream: bool
) -> None:
    event = request(QUESTION, stream=stream)

    with pytest.raises(TimeoutError):
        await answered(provider, event, f"scripted-{mode}", within_s=0.2)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_without_counts_says_so(provider: HttpProvider, *, stream: bool) -> None:
    answer = await ask(provider, "scripted-nousage", stream=stream)

    assert (answer.whole.reason, answer.whole.usage) == (FinishReason.STOP, None)


async def test_a_server_that_does_not_listen_is_unreachable() -> None:
    provider = openai.connect(Endpoint("nobody", "http://127.0.0.1:9/v1", connect_s_max=1.0))

    with pytest.raises(ProviderError) as failed:
        await ask(provider, "scripted", stream=False)

    assert failed.value.error_class is ErrorClass.UNREACHABLE


async def test_an_error_holds_nothing_of_what_the_provider_said(
    provider: HttpProvider,
) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, "scripted-400", stream=False)

    assert str(failed.value) == "rejected (400)"


async def test_each_call_carries_its_attempt(
    provider: HttpProvider, scripted: ScriptedServer
) -> None:
    attempt_id = new_id()

    await answered(provider, request(QUESTION), "scripted", attempt_id=attempt_id)

    assert dict(scripted.script.calls) == {str(attempt_id): 1}
    assert provider.request(request(QUESTION), "scripted", 100).body in scripted.received()


async def test_a_connection_is_used_again_after_a_whole_answer_only(
    scripted: ScriptedServer,
) -> None:
    connections = 0

    def counted() -> Connection:
        nonlocal connections
        connections += 1
        return Connection(scripted.script)

    server = await asyncio.get_running_loop().create_server(counted, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = openai.connect(
        Endpoint("scripted", f"http://127.0.0.1:{port}/v1", connect_s_max=1.0)
    )

    for _ in range(5):
        await ask(provider, "scripted", stream=True)
        await asyncio.sleep(SETTLES_S + 0.01)
        await ask(provider, "scripted", stream=False)
        with pytest.raises(ProviderError):
            await ask(provider, "scripted-503", stream=False)
    once = connections
    with pytest.raises(ProviderError):
        await ask(provider, "scripted-cut", stream=True)
    await ask(provider, "scripted", stream=True)

    assert (once, connections) == (1, 2)
    await provider.close()
    server.close()


async def test_a_kept_connection_that_the_server_has_closed_is_not_used(
    provider: HttpProvider, scripted: ScriptedServer
) -> None:
    await ask(provider, "scripted", stream=False)
    for connection in list(scripted.script.connections):
        connection.close()
    await asyncio.sleep(0.05)

    answer = await ask(provider, "scripted", stream=False)

    assert answer.text == ANSWER


async def test_an_answer_that_is_whole_does_not_wait_for_the_connection_to_end(
    provider: HttpProvider,
) -> None:
    begun = time.monotonic()

    answer = await ask(provider, "scripted-noend", stream=True)

    assert answer.whole.reason is FinishReason.STOP
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_call_comes_whole_and_keeps_the_call_alive(
    provider: HttpProvider, *, stream: bool
) -> None:
    answer = await ask(provider, "scripted", stream=stream, tools=(TOOL,))

    (call,) = answer.whole.tool_calls
    assert call.name == "find_order"
    assert json.loads(call.arguments) == {"af": "Klient_001, Adresse_001, Email_001"}
    assert answer.whole.reason is FinishReason.TOOL_CALLS
    assert answer.whole.usage is not None
    assert answer.text == ""
    assert (len([one for one in answer.pieces if isinstance(one, CallPart)]) > 1) == stream


@pytest.mark.parametrize("mode", ["cut", "nofinish", "nodone", "malformed"])
async def test_a_call_that_is_cut_is_an_error_and_no_half_call(
    provider: HttpProvider, mode: str
) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, f"scripted-{mode}", stream=True, tools=(TOOL,))

    assert failed.value.error_class is ErrorClass.BROKEN


async def test_a_developer_speaks_as_the_system() -> None:
    provider = openai.connect(Endpoint("nobody", "http://127.0.0.1:9/v1", connect_s_max=1.0))
    event = request(messages=(Message(role=Role.DEVELOPER, content="Svar kort."),))

    assert b'"role":"system"' in provider.request(event, "m", 10).body


async def test_how_words_are_drawn_is_sent_only_where_it_is_said() -> None:
    provider = openai.connect(Endpoint("nobody", "http://127.0.0.1:9/v1", connect_s_max=1.0))
    stated: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 0.9,
        "frequency_penalty": -1.0,
        "seed": 0,
    }

    sent = json.loads(provider.request(request(**stated), "m", 10).body)

    assert {name: sent.get(name) for name in SAMPLING} == {**stated, "presence_penalty": None}
    assert "presence_penalty" not in sent


async def test_the_address_is_taken_as_it_stands(scripted: ScriptedServer) -> None:
    provider = openai.connect(
        Endpoint("scripted", scripted.base_url + "beta/openai/", connect_s_max=1.0)
    )

    await ask(provider, "scripted", stream=False)

    assert b"POST /v1beta/openai/chat/completions HTTP/1.1" in scripted.received()
    await provider.close()


async def test_nothing_is_said_to_be_sent_before_there_is_a_connection() -> None:
    with socket.socket() as full, socket.socket() as other:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        other.connect(full.getsockname())  # Nobody accepts, so the next one is not let in.
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        provider = openai.connect(Endpoint("scripted", address, connect_s_max=0.3))
        asked = cleared(provider.request(request(QUESTION), "scripted", 100))
        pieces = provider.call(asked, new_id())
        assert await anext(pieces) is Stage.CONNECTING
        with pytest.raises(ProviderError):
            await anext(pieces)


async def test_what_may_have_been_sent_is_said_before_it_is(
    provider: HttpProvider, scripted: ScriptedServer
) -> None:
    asked = cleared(provider.request(request(QUESTION), "scripted", 100))
    for _ in range(2):  # On a new connection, and on one that was kept.
        calls = scripted.script.calls.total()
        pieces = provider.call(asked, new_id())
        assert [await anext(pieces) for _ in range(2)] == [Stage.CONNECTING, Stage.SENDING]
        assert scripted.script.calls.total() == calls
        assert [piece async for piece in pieces]
