"""What Cohere answers: only whole answers look whole, and what is billed is what is counted."""

import base64
import json
import struct
from collections.abc import Iterable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.answer import Answer, BrokenAnswerError, Whole
from services.router.faults import ErrorClass
from services.router.providers import cohere
from services.router.providers.base import Endpoint, Piece, Reasoning
from services.router.wire.http import BadAnswerError, StatusError
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import Operation

SAID: Final = "hemmelig-4711"
USAGE: Final = {
    "billed_units": {"input_tokens": 11.0, "output_tokens": 3},
    "tokens": {"input_tokens": 506, "output_tokens": 4},
    "cached_tokens": 448,
}
BILLED: Final = TokenUsage(input_tokens=11, output_tokens=3)


def dialect() -> cohere.Cohere:
    return cohere.Cohere(Endpoint("cohere", "https://api.cohere.com", 1.0))


def event(kind: str, **said: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **said})}\n\n".encode()


def content(kind: str = "content-delta", **said: object) -> bytes:
    return event(kind, index=0, delta={"message": {"content": said}})


def call(kind: str, index: object, **said: object) -> bytes:
    return event(kind, index=index, delta={"message": {"tool_calls": said}})


def ended(reason: object = "COMPLETE", usage: object = USAGE) -> bytes:
    return event("message-end", delta={"finish_reason": reason, "usage": usage})


def streamed(*pieces: bytes) -> list[Piece]:
    reader = dialect().reader()
    return [piece for received in pieces for piece in reader.feed(received)]


def whole(pieces: Iterable[Piece], **expected: Any) -> tuple[str, Whole]:
    answer = Answer(**expected)
    for piece in pieces:
        answer.add(piece)
    return answer.text, answer.whole()


def body_of(message: object, reason: object = "COMPLETE", **said: object) -> bytes:
    body = {"id": "c1", "finish_reason": reason, "message": message, "usage": USAGE}
    return json.dumps({**body, **said}).encode()


def test_a_whole_answer_is_read_and_billed_by_what_is_billed() -> None:
    message = {
        "role": "assistant",
        "tool_plan": "Jeg slår det op.",
        "content": [
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "Et øjeblik."},
        ],
        "tool_calls": [
            {
                "id": "find_order_1",
                "type": "function",
                "function": {"name": "find_order", "arguments": '{"n": 1.50}'},
            }
        ],
    }

    pieces = list(dialect().whole(body_of(message, "TOOL_CALL")))

    text, answer = whole(pieces)
    assert (text, answer.reason) == ("Et øjeblik.", FinishReason.TOOL_CALLS)
    assert [one.text for one in pieces if isinstance(one, Reasoning)] == ["Jeg slår det op.", "Hm."]
    assert [(one.id, one.arguments) for one in answer.tool_calls] == [
        ("find_order_1", '{"n": 1.50}')
    ]
    assert answer.usage == BILLED


STREAM: Final = b"".join(
    [
        event("message-start", id="c1", delta={"message": {"role": "assistant", "content": []}}),
        event("tool-plan-delta", delta={"message": {"tool_plan": "Jeg slår"}}),
        event("tool-plan-delta", delta={"message": {"tool_plan": " det op."}}),
        content("content-start", type="thinking", thinking=""),
        content(thinking="Hm."),
        event("content-end", index=0),
        content("content-start", type="text", text=""),
        content(text="Et "),
        content(text="øjeblik."),
        event("citation-start", index=0, delta={"message": {"citations": {"text": "Et"}}}),
        call("tool-call-start", 0, id="t1", type="function", function={"name": "find_order"}),
        call("tool-call-delta", 0, function={"arguments": '{"n":'}),
        call("tool-call-delta", 0, function={"arguments": " 1.50}"}),
        event("tool-call-end", index=0),
        call("tool-call-start", 1, id="t2", function={"name": "find_case", "arguments": ""}),
        ended("TOOL_CALL"),
        b"data: [DONE]\n\n",
    ]
)


def test_a_stream_is_the_same_wherever_it_is_cut() -> None:
    expected = streamed(STREAM)

    for cut in range(len(STREAM)):
        assert streamed(STREAM[:cut], STREAM[cut:]) == expected
    assert streamed(*(bytes([byte]) for byte in STREAM)) == expected
    text, answer = whole(expected)
    assert (text, answer.reason, answer.usage) == ("Et øjeblik.", FinishReason.TOOL_CALLS, BILLED)
    assert [(one.id, one.name, one.arguments) for one in answer.tool_calls] == [
        ("t1", "find_order", '{"n": 1.50}'),
        ("t2", "find_case", "{}"),
    ]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=6))
def test_a_stream_says_what_the_whole_answer_says(texts: list[str]) -> None:
    message = {"content": [{"type": "text", "text": text} for text in texts]}

    assert whole(streamed(*(content(text=text) for text in texts), ended())) == whole(
        dialect().whole(body_of(message))
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("COMPLETE", FinishReason.STOP),
        ("STOP_SEQUENCE", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
    ],
)
def test_reasons_are_translated(reason: str, expected: FinishReason) -> None:
    assert whole(streamed(content(text="Hej."), ended(reason)))[1].reason is expected


@pytest.mark.parametrize(
    ("reason", "expected"), [("ERROR", ErrorClass.SERVER_ERROR), ("TIMEOUT", ErrorClass.TIMEOUT)]
)
def test_an_answer_that_failed_there_is_none(reason: str, expected: ErrorClass) -> None:
    failed = event("message-end", delta={"finish_reason": reason, "error": SAID})

    with pytest.raises(StatusError) as in_stream:
        streamed(content(text="Hej."), failed)
    with pytest.raises(StatusError) as in_body:
        list(dialect().whole(body_of({"content": []}, reason, error=SAID)))

    for raised in (in_stream, in_body):
        assert cohere.classify(raised.value) is expected
        assert SAID not in repr(raised.value)


def test_vectors_are_floats_in_the_order_of_the_texts() -> None:
    body = {
        "id": "e1",
        "embeddings": {"float": [[0.5, -0.25], [1, 0]]},
        "meta": {"billed_units": {"input_tokens": 7}},
    }

    _, answer = whole(
        dialect().whole(json.dumps(body).encode()), operation=Operation.EMBED, messages=2
    )

    first, second = (base64.b64decode(vector) for vector in answer.vectors)
    assert struct.unpack("<2f", first) == (0.5, -0.25)
    assert struct.unpack("<2f", second) == (1.0, 0.0)
    assert answer.usage == TokenUsage(input_tokens=7, output_tokens=0)


def test_a_vector_too_few_is_no_answer() -> None:
    body = json.dumps({"embeddings": {"float": [[0.5]]}}).encode()

    with pytest.raises(BrokenAnswerError):
        whole(dialect().whole(body), operation=Operation.EMBED, messages=2)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        SAID,
        {},
        {"billed_units": {"input_tokens": -1}},
        {"billed_units": {"input_tokens": 1.5}},
        {"billed_units": {"input_tokens": SAID}},
        {"tokens": {"input_tokens": 5, "output_tokens": 1}},
    ],
)
def test_an_answer_that_nobody_billed_is_whole_and_uncounted(usage: object) -> None:
    assert whole(streamed(content(text="Hej."), ended(usage=usage)))[1].usage is None


@pytest.mark.parametrize(
    "events",
    [
        [content(text="Hej.")],  # cut
        [content(text="Hej."), ended(), content(text="Mere.")],
        [content(text="Hej."), ended(), ended("MAX_TOKENS")],
        [content(text="Hej."), ended("TOOL_CALL")],  # no call
        [
            call("tool-call-start", 0, id="t1", function={"name": "f", "arguments": '{"n'}),
            ended("TOOL_CALL"),
        ],
    ],
)
def test_what_contradicts_itself_is_no_answer(events: list[bytes]) -> None:
    with pytest.raises(BrokenAnswerError):
        whole(streamed(*events))


@pytest.mark.parametrize(
    "events",
    [
        [f"data: {SAID}\n\n".encode()],
        [f'data: ["{SAID}"]\n\n'.encode()],
        [f'data: {{"message": "{SAID}"}}\n\n'.encode()],  # no type
        [event("content-delta", delta=SAID)],
        [event("content-delta", delta={"message": {"content": SAID}})],
        [content(text=[SAID])],
        [ended("EXHAUSTED")],
        [ended(None)],
        [ended([SAID])],
        [event("message-end", delta=SAID)],
        [call("tool-call-delta", 0, function={"arguments": SAID})],  # never began
        [call("tool-call-start", 0, id="t1"), call("tool-call-start", 0, id=SAID)],
        [call("tool-call-start", SAID, id="t1")],
        [call("tool-call-start", 0, id="t1", type=SAID)],
    ],
)
def test_what_is_not_the_format_is_refused_without_being_repeated(events: list[bytes]) -> None:
    with pytest.raises(BadAnswerError) as raised:
        streamed(*events)

    assert SAID not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        SAID.encode(),
        b"{}",
        body_of(SAID),
        body_of({"content": SAID}),
        body_of({"content": [SAID]}),
        body_of({"content": []}, SAID),
        body_of({"content": [], "tool_calls": SAID}),
        json.dumps({"embeddings": [[0.5]]}).encode(),
        json.dumps({"embeddings": {"float": [SAID]}}).encode(),
        json.dumps({"embeddings": {"float": [[SAID]]}}).encode(),
        json.dumps({"embeddings": {"float": [[1e300]]}}).encode(),
    ],
)
def test_a_body_that_is_not_the_format_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswerError) as raised:
        list(dialect().whole(body))

    assert SAID not in str(raised.value)
