"""OpenAI's dialect: functions, their calls and results, and parts that are no text."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from services.gateway.dialects import openai
from shared.contracts.completions import FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import ToolCall
from tests.unit.gateway.openai_bodies import HELLO, answer, chunks_of, read, refusal_of, request_of


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def called(arguments: object = '{"af": "Anders"}') -> dict[str, Any]:
    call = {"id": "call_1", **function("find_order", arguments=arguments)}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def pictured(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def test_tools_calls_and_results_are_read() -> None:
    request = request_of(
        messages=[
            *HELLO,
            called(),
            {"role": "tool", "content": "4711-A", "tool_call_id": "call_1"},
        ],
        tools=[function("find_order", description="Finder", parameters={"type": "object"})],
        tool_choice=function("find_order"),
        parallel_tool_calls=False,
    )
    _, turn, result = request.messages
    assert (turn.content, turn.tool_calls[0].arguments) == ("", '{"af": "Anders"}')
    assert (result.role.value, result.tool_call_id) == ("tool", "call_1")
    (tool,) = request.tools
    assert (tool.name, tool.description, tool.parameters) == (
        *("find_order", "Finder", {"type": "object"}),
    )
    assert (request.tool_choice, request.parallel_tool_calls) == ("find_order", False)


def test_parts_that_are_no_text_are_read_in_order() -> None:
    content = [
        {"type": "text", "text": "Hvad er det?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "brev.pdf"},
        },
    ]
    (message,) = request_of(messages=[{"role": "user", "content": content}]).messages
    assert message.content == ""
    assert [one.model_dump(mode="json", exclude_none=True) for one in message.parts] == [
        {"kind": "text", "text": "Hvad er det?"},
        {"kind": "image", "data": "QUJD", "media_type": "image/png"},
        {"kind": "image", "url": "https://example.com/a.png"},
        {"kind": "audio", "data": "QUJD", "media_type": "audio/mpeg"},
        {"kind": "file", "data": "QUJD", "media_type": "application/pdf", "name": "brev.pdf"},
    ]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages.0.content"),
        ({"messages": [called(arguments={})]}, "messages.0.tool_calls.0.function.arguments"),
        ({"messages": [pictured("Anders")]}, "messages.0.content.0.image_url.url"),
        ({"messages": [pictured("data:,Anders")]}, "messages.0.content.0.image_url.url"),
        (
            {"messages": [pictured("data:image/png;base64,Anders Hansen")]},
            "messages.0.content.0.image_url.url",
        ),
        ({"tools": "Anders"}, "tools"),
        ({"tools": [{"type": "function", "function": "Anders"}]}, "tools.0.function"),
        ({"tools": [function("Anders Hansen")]}, "tools.0.name"),
        ({"tools": [function("a", parameters="Anders")]}, "tools.0.parameters"),
        ({"tools": [function("a")], "tool_choice": "Anders"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [function("a")], "tool_choice": function("Anders")},
            "tool_choice.function.name",
        ),
        ({"parallel_tool_calls": "Anders"}, "parallel_tool_calls"),
    ],
)
def test_a_broken_rule_is_named_without_the_value(body: dict[str, Any], param: str) -> None:
    refused = refusal_of(**body)
    assert (refused.code, refused.param) == (ErrorCode.INVALID_REQUEST, param)
    assert "Anders" not in refused.sentence


CALLS = (
    ToolCall(id="call_1", name="a", arguments='{"x": 1}'),
    ToolCall(id="call_2", name="b", arguments="{}"),
)
CALLED = answer(text="", tool_calls=CALLS, finish_reason=FinishReason.TOOL_CALLS)


def test_calls_stand_in_a_whole_answer() -> None:
    body = json.loads(openai.answer(read(), CALLED, 0))
    (choice,) = ChatCompletion.model_validate(body, strict=True).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert [
        (one.id, one.function.name, one.function.arguments)
        for one in choice.message.tool_calls or ()
        if one.type == "function"
    ] == [("call_1", "a", '{"x": 1}'), ("call_2", "b", "{}")]


def test_calls_come_whole_at_the_end_of_a_stream() -> None:
    writer = openai.stream(read(stream=True), 0)
    *chunks, done = chunks_of(writer.end(CALLED))
    assert done == b"[DONE]"
    said = [ChatCompletionChunk.model_validate(one, strict=True).choices[0] for one in chunks]
    assert [one.finish_reason for one in said] == [None, None, "tool_calls"]
    assert (said[0].delta.role, said[0].delta.content) == ("assistant", None)
    assert [
        (one.index, one.id, one.function and one.function.arguments)
        for one in said[1].delta.tool_calls or ()
    ] == [(0, "call_1", '{"x": 1}'), (1, "call_2", "{}")]
