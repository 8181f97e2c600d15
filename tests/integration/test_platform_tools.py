"""A tool call from definition to result, over both doors: the provider learns nobody's name."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from shared.contracts.completions import CompletionProduced, FinishReason
from stellwerk.client import Client
from stellwerk.errors import NotFound
from stellwerk.operator import Operator
from stellwerk.record import read_record
from tests.fixtures.bus import eventually
from tests.fixtures.configuration import ALLOWED_TOOL
from tests.fixtures.platform import Platform
from tests.integration.platform_search import found_in

pytestmark = pytest.mark.timeout(120)

OTHER_TOOL = "look_up"
PERSONAL = "hedder_mette_skovlund"
LETTER = "Skriv til Mette Skovlund, CPR 010180-1176, på tlf. 40 28 11 93."
VALUES = ("Skovlund", "010180-1176", "0101801176", "40 28 11 93", "40281193")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


@pytest.fixture(scope="module", autouse=True)
def two_redactors(platform: Platform) -> None:
    platform.add_replica("redactor", 2)


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{platform.gateway_url}/v1", api_key=platform.key(), max_retries=0
    ) as one:
        yield one


@pytest.fixture
async def bus(platform: Platform) -> AsyncIterator[Client]:
    async with platform.client() as one:
        yield one


def tool(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Skriver til Mette Skovlund på tlf. 40 28 11 93",
        "parameters": {
            "type": "object",
            "properties": {
                "to": {"type": "string", "enum": ["Mette Skovlund", "alle"]},
                PERSONAL: {"type": "string", "default": "010180-1176"},
            },
            "required": [PERSONAL],
        },
    }


def offered(name: str) -> Any:  # noqa: ANN401  What the client's types call it is long.
    return [{"type": "function", "function": tool(name)}]


def assert_real(arguments: str) -> None:
    said = json.loads(arguments)
    assert set(said) == {"to", PERSONAL}
    for value in ("Mette Skovlund", "010180-1176", "40 28 11 93"):
        assert value in said["to"]


def assert_masked(arguments: str) -> None:
    assert "Klient_001" in json.loads(arguments)["to"]
    assert found_in(arguments.encode(), VALUES) == set()


def assert_nothing_left(platform: Platform) -> None:
    received = platform.record.read_bytes()
    assert b'"messages"' in received  # what is not personal goes through
    assert found_in(received, VALUES) == set()


async def test_a_call_and_its_result_over_http(
    platform: Platform, http: openai.AsyncOpenAI
) -> None:
    asked: Any = [{"role": "user", "content": LETTER, "name": "Mette Skovlund"}]
    first = await http.chat.completions.create(
        model="scripted", messages=asked, tools=offered(ALLOWED_TOOL), user="Mette Skovlund"
    )
    message = first.choices[0].message
    assert (first.choices[0].finish_reason, message.content) == ("tool_calls", None)
    (call,) = message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == ALLOWED_TOOL
    assert_real(call.function.arguments)

    result = json.dumps({"sendt": True, "til": "Mette Skovlund", "cpr": "010180-1176"})
    asked += [message, {"role": "tool", "tool_call_id": call.id, "content": result}]
    second = await http.chat.completions.create(
        model="scripted", messages=asked, tools=offered(ALLOWED_TOOL)
    )
    assert "Mette Skovlund" in (second.choices[0].message.content or "")
    assert second.choices[0].finish_reason == "stop"
    assert_nothing_left(platform)


async def test_the_clients_own_stream_puts_a_call_together(
    platform: Platform, http: openai.AsyncOpenAI
) -> None:
    async with http.chat.completions.stream(
        model="scripted",
        messages=[{"role": "user", "content": LETTER}],
        tools=offered(ALLOWED_TOOL),
        stream_options={"include_usage": True},
    ) as stream:
        final = await stream.get_final_completion()

    (call,) = final.choices[0].message.tool_calls or []
    assert final.choices[0].finish_reason == "tool_calls"
    assert_real(call.function.arguments)
    assert final.usage is not None
    assert_nothing_left(platform)


async def test_a_function_that_the_policy_does_not_name_keeps_placeholders(
    platform: Platform, http: openai.AsyncOpenAI
) -> None:
    raw = await http.chat.completions.with_raw_response.create(
        model="scripted",
        messages=[{"role": "user", "content": LETTER}],
        tools=offered(OTHER_TOOL),
        tool_choice={"type": "function", "function": {"name": OTHER_TOOL}},
    )
    (call,) = raw.parse().choices[0].message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == OTHER_TOOL
    assert_masked(call.function.arguments)
    assert raw.headers["x-stellwerk-masked-tools"] == OTHER_TOOL
    assert_nothing_left(platform)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_over_the_bus_is_kept_for_who_asks_again(
    platform: Platform, bus: Client, *, stream: bool
) -> None:
    options: Any = {
        "model": "scripted",
        "tools": [tool("mail_mette_skovlund"), tool(ALLOWED_TOOL)],
        "tool_choice": ALLOWED_TOOL,
        "metadata": {"Mette Skovlund": "010180-1176"},
        "idempotency_key": f"call-{stream}",
    }
    if stream:
        streamed = bus.stream(LETTER, **options)
        assert [piece async for piece in streamed] == []
        answer = await streamed.answer()
    else:
        answer = await bus.complete(LETTER, **options)

    again = await bus.complete(LETTER, **options)
    assert again.tool_calls == answer.tool_calls
    assert (answer.text, answer.finish_reason) == ("", FinishReason.TOOL_CALLS)
    assert [call.name for call in answer.tool_calls] == [ALLOWED_TOOL]
    assert_real(answer.tool_calls[0].arguments)
    assert answer.masked_tools == ()
    assert_nothing_left(platform)


async def test_a_functions_own_name_comes_back(platform: Platform, bus: Client) -> None:
    named = "mail_mette_skovlund"

    answer = await bus.complete(LETTER, model="scripted", tools=[tool(named)], tool_choice=named)

    assert [call.name for call in answer.tool_calls] == [named]
    assert answer.masked_tools == (named,)
    assert_masked(answer.tool_calls[0].arguments.replace(PERSONAL, ""))
    assert_nothing_left(platform)


async def test_a_conversation_with_calls_is_one_scope_over_two_replicas(
    platform: Platform, bus: Client
) -> None:
    turns: list[Any] = [{"role": "user", "content": LETTER}]
    for turn in range(6):
        options: Any = {"tools": [tool(ALLOWED_TOOL)], "conversation_id": "tools-1"}
        answer = await bus.complete(turns, model="scripted", **options)
        if answer.tool_calls:
            (call,) = answer.tool_calls
            assert_real(call.arguments)
            turns.append({"role": "assistant", "content": "", "tool_calls": [call]})
            said = json.dumps({"svar": f"Mette Skovlund har læst brev {turn}"})
            turns.append({"role": "tool", "content": said, "tool_call_id": call.id})
        else:
            assert "Mette Skovlund" in answer.text
            turns += [
                {"role": "assistant", "content": answer.text},
                {"role": "user", "content": f"Skriv til Mette Skovlund igen: nr. {turn}."},
            ]
    assert_nothing_left(platform)


async def test_a_picture_goes_to_a_local_model_as_it_is(
    platform: Platform, http: openai.AsyncOpenAI
) -> None:
    content: Any = [
        {"type": "text", "text": "Hvad står der på Mette Skovlunds billede?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    await http.chat.completions.create(
        model="scripted", messages=[{"role": "user", "content": content}]
    )
    assert PNG.encode() in platform.record.read_bytes()
    with pytest.raises(openai.APIStatusError) as refused:
        await http.chat.completions.create(
            model="local-small", messages=[{"role": "user", "content": content}]
        )
    assert refused.value.code == "no_capable_model"
    assert_nothing_left(platform)


async def test_the_record_holds_the_masked_call(platform: Platform, bus: Client) -> None:
    answer = await bus.complete(LETTER, model="scripted", tools=[tool(ALLOWED_TOOL)])
    async with Operator(platform.found) as operator:

        async def recorded() -> bool:
            with suppress(NotFound):
                found = await read_record(operator, answer.request_id, "a-test-looks")
                return found.last(CompletionProduced) is not None
            return False

        await eventually(recorded, 10.0)
        record = await read_record(operator, answer.request_id, "a-test-looks")
    produced = record.last(CompletionProduced)
    assert produced is not None
    (call,) = produced.tool_calls
    assert "Klient_001" in call.arguments
    assert found_in(call.arguments.encode(), VALUES) == set()
