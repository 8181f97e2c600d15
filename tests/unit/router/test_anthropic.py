"""Anthropic's wire is asked as its SDK asks: nothing is lost, and nothing added."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from hypothesis import given
from pydantic import SecretStr, TypeAdapter

from services.router.providers import anthropic
from services.router.providers.base import (
    Endpoint,
)
from services.router.wire.http import UnaskableError
from shared.contracts.requests import (
    Message,
    Operation,
    Part,
    PartKind,
    RequestRedacted,
    Role,
    Tool,
    ToolCall,
)
from tests.unit.router.conversations import (
    conversations,
)
from tests.unit.router.world import request

PLAIN = TypeAdapter[Any](MessageCreateParamsNonStreaming)
STREAMED = TypeAdapter[Any](MessageCreateParamsStreaming)
TOOL = Tool(name="find_order", description="Finder", parameters={"properties": {}}, strict=True)
SCHEMA = {"type": "object", "properties": {}}
CALL = ToolCall(id="toolu_1", name="find_order", arguments='{"af": "Klient_001"}')


def dialect(**options: str) -> anthropic.Anthropic:
    base_url = "http://elsewhere.example/v1"
    key = SecretStr("k")
    return anthropic.Anthropic(Endpoint("elsewhere", base_url, 1.0, key, options=options))


def plain(value: Any) -> Any:  # noqa: ANN401 -- whatever JSON holds
    """Return what a type of the SDK has kept, with its lazy lists filled."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(inner) for inner in value]
    return value


def asked(ask: RequestRedacted, **options: str) -> dict[str, Any]:
    """Return the body of a request, which the SDK's types must know to the last field."""
    made = dialect(**options).request(ask, "claude", 100)
    body: dict[str, Any] = json.loads(made.body)
    known = {name: body[name] for name in body if name not in ("temperature", "top_p")}
    assert made.path == "/messages"
    assert plain((STREAMED if ask.stream else PLAIN).validate_python(known)) == known
    return body


PICTURE = Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/webp")
SHOWN = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/webp", "data": "QUJD"},
}


def test_what_was_said_is_written_in_blocks() -> None:
    linked = Part(kind=PartKind.IMAGE, url="https://example.com/a.png")
    letter = Part(kind=PartKind.FILE, data="QUJD", media_type="application/pdf", name="Brev.pdf")
    said = Part(kind=PartKind.TEXT, text="Hvad er det?")
    ask = request(
        stream=True,
        messages=(
            Message(role=Role.SYSTEM, content="Svar kort."),
            Message(role=Role.DEVELOPER, content="Svar på dansk."),
            Message(role=Role.USER, content="", parts=(said, PICTURE, linked, letter)),
            Message(role=Role.USER, content="Nå?"),
        ),
    )
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}

    assert asked(ask) == {
        "model": "claude",
        "max_tokens": 100,
        "stream": True,
        "system": "Svar kort.\n\nSvar på dansk.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hvad er det?"},
                    SHOWN,
                    {"type": "image", "source": {"type": "url", "url": linked.url}},
                    {"type": "document", "source": pdf, "title": "Brev.pdf"},
                    {"type": "text", "text": "Nå?"},
                ],
            }
        ],
    }


def test_calls_and_results_are_written_in_turns() -> None:
    ask = request(
        tools=(TOOL,),
        messages=(
            Message(role=Role.ASSISTANT, content="Jeg ser efter.", tool_calls=(CALL,)),
            Message(role=Role.TOOL, content="4711-A", tool_call_id="toolu_1"),
            Message(role=Role.TOOL, content="", parts=(PICTURE,), tool_call_id="toolu_1"),
        ),
    )
    used = {"id": "toolu_1", "name": "find_order", "input": {"af": "Klient_001"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1"}
    offered = {"name": "find_order", "description": "Finder", "input_schema": SCHEMA}

    body = asked(ask)

    assert body["messages"] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Jeg ser efter."},
                {"type": "tool_use", **used},
            ],
        },
        {
            "role": "user",
            "content": [result | {"content": "4711-A"}, result | {"content": [SHOWN]}],
        },
    ]
    assert body["tools"] == [offered | {"strict": True}]


@pytest.mark.parametrize(
    ("stated", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "find_order"}, {"type": "tool", "name": "find_order"}),
        (
            {"parallel_tool_calls": False},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "auto", "parallel_tool_calls": True}, {"type": "auto"}),
    ],
    ids=str,
)
def test_the_choice_of_tools_is_written(stated: dict[str, Any], choice: object) -> None:
    assert asked(request(tools=(TOOL,), **stated)).get("tool_choice") == choice


def test_functions_of_earlier_calls_are_named_and_not_offered() -> None:
    ask = request(
        messages=(
            Message(role=Role.USER, content="Hvor er den?"),
            Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,)),
            Message(role=Role.TOOL, content="4711-A", tool_call_id="toolu_1"),
        )
    )

    body = asked(ask)

    assert body["tools"] == [{"name": "find_order", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


def test_instructions_alone_are_asked_as_a_question() -> None:
    body = asked(request(messages=(Message(role=Role.SYSTEM, content="Skriv et vers."),)))

    said = [{"type": "text", "text": "Skriv et vers."}]
    assert body["messages"] == [{"role": "user", "content": said}]
    assert "system" not in body


@pytest.mark.parametrize(
    ("stated", "options", "sent"),
    [
        ({"temperature": 1.7}, {}, {"temperature": 1.0}),
        ({"temperature": 0.0, "top_p": 0.9}, {}, {"temperature": 0.0}),
        ({"top_p": 0.9}, {}, {"top_p": 0.9}),
        ({"temperature": 0.0, "top_p": 0.9}, {"sampling": "none"}, {}),
        ({"seed": 7, "presence_penalty": 1.0, "frequency_penalty": 1.0}, {}, {}),
    ],
)
def test_only_what_the_wire_knows_of_sampling_is_sent(
    stated: dict[str, Any], options: dict[str, str], sent: dict[str, float]
) -> None:
    body = asked(request(**stated), **options)

    assert body.keys() - {"model", "max_tokens", "messages"} == sent.keys()
    assert sent.items() <= body.items()


@pytest.mark.parametrize(
    "message",
    [
        Message(role=Role.USER, content="", parts=(Part(kind=PartKind.AUDIO, data="QUJD"),)),
        Message(role=Role.USER, content="", parts=(Part(kind=PartKind.OTHER),)),
        Message(
            role=Role.USER,
            content="",
            parts=(Part(kind=PartKind.FILE, data="QUJD", media_type="text/csv"),),
        ),
        Message(role=Role.TOOL, content="4711-A"),
    ],
    ids=["audio", "other", "csv", "nobody's result"],
)
def test_what_the_wire_has_no_words_for_is_not_asked(message: Message) -> None:
    with pytest.raises(UnaskableError):
        dialect().request(request(messages=(message,)), "claude", 100)


def test_no_vectors_are_asked_for() -> None:
    with pytest.raises(UnaskableError):
        dialect().request(request(operation=Operation.EMBED), "claude", 100)


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, [(b"anthropic-version", b"2023-06-01"), (b"x-api-key", b"k")]),
        (
            {"auth": "bearer", "version": "2026-01-01"},
            [(b"anthropic-version", b"2026-01-01"), (b"Authorization", b"Bearer k")],
        ),
    ],
)
def test_the_key_goes_where_it_is_wanted(options: dict[str, str], headers: object) -> None:
    assert dialect(**options).headers(b"POST", "/messages", b"") == headers


@pytest.mark.parametrize("options", [{"auht": "bearer"}, {"auth": "Bearer"}, {"sampling": "no"}])
def test_a_slip_in_an_option_is_an_error(options: dict[str, str]) -> None:
    endpoint = Endpoint("elsewhere", "http://elsewhere.example/v1", 1.0, options=options)

    with pytest.raises(ValueError, match="option"):
        anthropic.connect(endpoint)


@given(conversations())
def test_a_conversation_survives_the_wire(ask: RequestRedacted) -> None:
    system, question, answer, *results, last = ask.messages

    body = json.loads(dialect().request(ask, "claude", 100).body, parse_float=str, parse_int=str)
    raw = dialect().request(ask, "claude", 100).body
    asked(ask)

    assert body["system"] == system.content
    first, calling, second = body["messages"]
    assert first["content"] == [{"type": "text", "text": question.content}]
    calls = [block for block in calling["content"] if block["type"] == "tool_use"]
    said = [block["text"] for block in calling["content"] if block["type"] == "text"]
    assert said == ([answer.content] if answer.content else [])
    assert [call["name"] for call in calls] == [call.name for call in answer.tool_calls]
    assert all(call.arguments.encode() in raw for call in answer.tool_calls)
    *returned, after = second["content"]
    assert after == {"type": "text", "text": last.content}
    assert [one["tool_use_id"] for one in returned] == [call["id"] for call in calls]
    assert [one["content"] for one in returned] == [one.content for one in results]
    assert len({call["id"] for call in calls}) == len(calls)


def test_ids_that_the_wire_does_not_take_get_another_that_stays_the_same() -> None:
    calls = tuple(ToolCall(id=one, name="a", arguments="") for one in ("a.1", "a:1", "a-1"))
    ask = request(
        messages=(
            Message(role=Role.ASSISTANT, content="", tool_calls=calls),
            *(Message(role=Role.TOOL, content="4711-A", tool_call_id=call.id) for call in calls),
        )
    )

    calling, results = asked(ask)["messages"]

    ids = [block["id"] for block in calling["content"]]
    assert ids == [block["tool_use_id"] for block in results["content"]]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)
    assert len(set(ids)) == 3
    assert ids[2] == "a-1"


def test_arguments_that_are_no_object_are_kept_as_a_text() -> None:
    call = ToolCall(id="c", name="a", arguments='{"af": "Kli')
    ask = request(messages=(Message(role=Role.ASSISTANT, content="", tool_calls=(call,)),))

    (turn,) = asked(ask)["messages"]

    assert turn["content"][0]["input"] == {"INVALID_JSON": '{"af": "Kli'}
