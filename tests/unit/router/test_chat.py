"""Turns, parts, tools and calls in OpenAI's form, and calls put together from pieces."""

from typing import Any

import pytest

from services.router.answer import Answer, BrokenAnswerError
from services.router.providers.base import CallPart, Ended, Piece, Stopped
from services.router.wire import chat
from services.router.wire.http import BadAnswerError
from shared.contracts.completions import CompletionProduced, FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Message, Part, PartKind, Role, Tool, ToolCall
from shared.contracts.routing import Capability
from tests.unit.router.world import Scene, decide, model, policy, request

CALL = ToolCall(id="call_1", name="find_order", arguments='{"af": "Klient_001"}')
TOOL = Tool(name="find_order", description="Finder", parameters={"type": "object"}, strict=True)
PNG = Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/png")
STOPPED: tuple[Piece, ...] = (Stopped(FinishReason.STOP), Ended())


def piece(index: int, arguments: str | None = None, **said: Any) -> dict[str, Any]:
    function = {"name": said.pop("name", None), "arguments": arguments}
    return {"index": index, **said, "function": function}


def test_turns_with_calls_and_results_are_written() -> None:
    ask = request(
        messages=(
            Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,)),
            Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1"),
        )
    )

    assert chat.messages_of(ask) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "find_order", "arguments": '{"af": "Klient_001"}'},
                }
            ],
        },
        {"role": "tool", "content": "4711-A", "tool_call_id": "call_1"},
    ]


def test_parts_are_written_in_order() -> None:
    parts = (
        Part(kind=PartKind.TEXT, text="Hvad er det?"),
        PNG,
        Part(kind=PartKind.IMAGE, url="https://example.com/a.png"),
        Part(kind=PartKind.AUDIO, data="QUJD", media_type="audio/mpeg"),
        Part(kind=PartKind.FILE, data="QUJD", media_type="application/pdf", name="Link_001.pdf"),
    )

    (message,) = chat.messages_of(
        request(messages=(Message(role=Role.USER, content="", parts=parts),))
    )

    pdf = "data:application/pdf;base64,QUJD"
    assert message["content"] == [
        {"type": "text", "text": "Hvad er det?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        {"type": "file", "file": {"file_data": pdf, "filename": "Link_001.pdf"}},
    ]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("required", "required"),
        ("find_order", {"type": "function", "function": {"name": "find_order"}}),
    ],
)
def test_tools_are_offered_with_the_choice(choice: str, written: object) -> None:
    fields = chat.tools_of(request(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=False))

    assert fields == {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "find_order",
                    "description": "Finder",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            }
        ],
        "tool_choice": written,
        "parallel_tool_calls": False,
    }
    assert chat.tools_of(request(tool_choice="auto")) == {}


def test_calls_are_put_together_by_their_index() -> None:
    answer = Answer()
    for pieces in (
        [piece(1, "", id="call_2", name="b"), piece(0, None, id="call_1", name="a")],
        [piece(1, '{"x"'), piece(0, '{"y": ')],
        None,
        [piece(0, "1}"), piece(1, ": 2}", id="call_2")],
    ):
        for part in chat.call_parts_of(pieces):
            answer.add(part)
    for end in (Stopped(FinishReason.TOOL_CALLS), Ended()):
        answer.add(end)

    assert answer.written == 'ba{"x"{"y": 1}: 2}'
    assert answer.whole().tool_calls == (
        ToolCall(id="call_1", name="a", arguments='{"y": 1}'),
        ToolCall(id="call_2", name="b", arguments='{"x": 2}'),
    )


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, '{"x": "Kli', id="call_1", name="a")],
        [piece(0, "[]", id="call_1", name="a")],
        [piece(0, "{}", id="call_1")],
        [piece(0, "{}", id="call_1", name="no name at all")],
        [piece(0, "{}", id="1", name="a"), piece(0, id="2")],
        [piece(0, "{}", id="1", name="a"), piece(0, name="b")],
        [{"function": {"name": "a", "arguments": "{}"}}],
        [piece(128, "{}", id="1", name="a")],
        [{"index": 0, "type": "custom", "custom": {}}],
        [{"index": 0, "function": {"name": "a", "arguments": {}}}],
        ["a"],
        "a",
    ],
    ids=str,
)
def test_a_call_that_is_cut_or_malformed_is_none(pieces: Any) -> None:  # noqa: ANN401
    def put_together() -> None:
        answer = Answer()
        for part in (*chat.call_parts_of(pieces), *STOPPED):
            answer.add(part)
        answer.whole()

    with pytest.raises((BadAnswerError, BrokenAnswerError)):
        put_together()


def test_a_call_without_id_or_arguments_gets_them() -> None:
    answer = Answer()
    said = [{"type": "function", "function": {"name": "a", "arguments": ""}}]
    for part in (*chat.calls_of(said), *STOPPED):
        answer.add(part)

    (call,) = answer.whole().tool_calls
    assert call.arguments == "{}"
    assert call.id.startswith("call_")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"tools": (TOOL,)}, Capability.TOOLS),
        ({"messages": (Message(role=Role.TOOL, content="a"),)}, Capability.TOOLS),
        ({"messages": (Message(role=Role.USER, content="", parts=(PNG,)),)}, Capability.VISION),
    ],
)
def test_a_model_without_the_capability_is_not_asked(
    asked: dict[str, Any], wanted: Capability
) -> None:
    able = model("able")
    unable = model("unable", capabilities=able.capabilities - {wanted})

    routing = decide(request(**asked), {"able": able, "unable": unable}, policy("unable", "able"))
    refused = decide(request(**asked), {"unable": unable}, policy("unable"))

    assert [leg.model.name for leg in routing.plan] == ["able"]
    assert refused.code is ErrorCode.NO_CAPABLE_MODEL
    assert refused.decision.candidates[0].excluded_by == "capability"


@pytest.mark.parametrize(
    "part",
    [Part(kind=PartKind.OTHER), Part(kind=PartKind.FILE, url="https://example.com/a.pdf")],
    ids=lambda part: part.kind.value,
)
def test_no_model_is_asked_about_a_part_that_cannot_be_sent(part: Part) -> None:
    ask = request(messages=(Message(role=Role.USER, content="", parts=(part,)),))

    assert decide(ask, {"a": model("a")}, policy("a")).code is ErrorCode.NO_CAPABLE_MODEL


def test_a_hold_covers_tools_calls_and_images() -> None:
    plain = decide(request(), {"a": model("a")}, policy("a")).plan[0].input_tokens_max
    long = Tool(name="a", description="x" * 2000)

    for more in (
        {"tools": (long,)},
        {"messages": (Message(role=Role.USER, content="", parts=(PNG,)),)},
    ):
        leg = decide(request(**more), {"a": model("a")}, policy("a")).plan[0]
        assert leg.input_tokens_max > plain + 900


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_are_kept_for_a_request_that_comes_again(*, stream: bool) -> None:
    called = CallPart(0, CALL.id, CALL.name, CALL.arguments)
    script = (called, Stopped(FinishReason.TOOL_CALLS), Ended())
    scene = Scene([model("a")], {"a": script})
    event = request(tools=(TOOL,), stream=stream)

    first, again = await scene.play(event), await scene.play(event)

    for events in (first, again):
        (produced,) = (one for one in events if isinstance(one, CompletionProduced))
        assert (produced.tool_calls, produced.text, produced.chunks) == ((CALL,), "", 0)
        assert produced.usage.output_tokens > 0
    assert scene.calls("a") == 1
