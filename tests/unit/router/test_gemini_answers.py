"""Gemini's answers, made of its SDK's own models: whole, or an error, however they are cut."""

import base64
import json
import struct
from typing import Any

import pytest
from google.genai import types
from hypothesis import example, given
from hypothesis import strategies as st

from services.router.answer import BrokenAnswerError
from services.router.faults import ErrorClass
from services.router.providers import gemini
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Endpoint,
    Piece,
    Reasoning,
    Stopped,
    Text,
    Vectors,
)
from services.router.wire.http import BadAnswerError, StatusError
from services.router.wire.limits import retry_after_said
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import ToolCall
from tests.unit.router.conversations import (
    ARGUMENTS,
    CALL_IDS,
    MANY_DIGITS,
    TOOL_NAMES,
    heard,
    meant,
    settled,
    whole,
)


def dialect() -> gemini.Gemini:
    return gemini.Gemini(Endpoint("elsewhere", "http://elsewhere.example/v1beta", 1.0))


def body(*parts: dict[str, Any], **stated: Any) -> dict[str, Any]:
    """Return an answer, or one event of it, after the SDK has read and written it."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if (reason := stated.pop("reason", None)) is not None:
        candidate["finishReason"] = reason
    if (usage := stated.pop("usage", None)) is not None:
        stated["usageMetadata"] = usage
    said = {"candidates": [candidate]} | stated
    read = types.GenerateContentResponse.model_validate_json(json.dumps(said))
    made: dict[str, Any] = json.loads(read.model_dump_json(by_alias=True, exclude_none=True))
    return made


def sse(*events: object) -> bytes:
    return "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events).encode()


def called(name: str, arguments: object = None, call_id: str | None = None) -> dict[str, Any]:
    stated = {"id": call_id, "args": arguments}
    known = {key: value for key, value in stated.items() if value is not None}
    return {"functionCall": {"name": name, **known}}


USED = {
    "promptTokenCount": 20,
    "toolUsePromptTokenCount": 4,
    "candidatesTokenCount": 9,
    "thoughtsTokenCount": 30,
    "cachedContentTokenCount": 7,
    "totalTokenCount": 63,
}
FIRST = {"af": "Æble_001", "n": 1.5}
STREAM = sse(
    body({"text": "Hvem ", "thought": True}, usage={"promptTokenCount": 20}),
    body({"text": "spørger?", "thought": True}),
    body({"text": "Jeg ser "}, usage=USED | {"candidatesTokenCount": 3}),
    body({"text": "efter."}),
    body(called("find_order", FIRST, "a1"), called("find_kunde")),
    body({"text": "", "thoughtSignature": "c2ln"}, reason="STOP", usage=USED),
)
COUNTED = TokenUsage(input_tokens=24, output_tokens=39, cache_read_tokens=7, reasoning_tokens=30)
PIECES: list[Piece] = [
    Reasoning("Hvem "),
    Counted(TokenUsage(input_tokens=20, output_tokens=0)),
    Reasoning("spørger?"),
    Text("Jeg ser "),
    Counted(
        TokenUsage(input_tokens=24, output_tokens=33, cache_read_tokens=7, reasoning_tokens=30)
    ),
    Text("efter."),
    CallPart(0, "a1", "find_order", '{"af":"Æble_001","n":1.5}'),
    CallPart(1, "", "find_kunde", "{}"),
    Counted(COUNTED),
    Stopped(FinishReason.STOP),
]


def test_a_stream_with_parallel_calls_is_read() -> None:
    reader = gemini.Events()

    pieces = heard(reader, STREAM)

    assert reader.is_whole
    assert pieces == PIECES
    answer = whole(pieces, by_body=True)
    first, second = answer.tool_calls
    assert first == ToolCall(id="a1", name="find_order", arguments='{"af":"Æble_001","n":1.5}')
    assert (second.name, second.arguments) == ("find_kunde", "{}")
    assert second.id.startswith("call_")
    assert (answer.reason, answer.usage) == (FinishReason.TOOL_CALLS, COUNTED)


def test_cuts_after_every_byte_make_no_difference() -> None:
    assert heard(gemini.Events(), STREAM, range(len(STREAM))) == PIECES


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_cuts_anywhere_make_no_difference(cuts: list[int]) -> None:
    assert heard(gemini.Events(), STREAM, cuts) == PIECES


@given(st.integers(0, len(STREAM) - 2))
def test_a_stream_that_is_cut_before_its_reason_is_not_whole(length: int) -> None:
    reader = gemini.Events()

    pieces = heard(reader, STREAM[:length])

    assert not reader.is_whole
    with pytest.raises(BrokenAnswerError):
        whole(pieces)


def test_counts_may_come_after_the_reason() -> None:
    reader = gemini.Events()
    later = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}

    pieces = heard(reader, sse(body({"text": "Hej"}, reason="STOP"), later))

    assert reader.is_whole
    assert whole(pieces, by_body=True).usage == TokenUsage(input_tokens=3, output_tokens=2)


@example("a1", "find_order", MANY_DIGITS)
@given(CALL_IDS, TOOL_NAMES, ARGUMENTS)
def test_a_call_comes_back_with_every_digit(call_id: str, name: str, arguments: str) -> None:
    said = json.dumps(body(called("find_order", FIRST, "a1"), reason="STOP"))
    said = said.replace(json.dumps(FIRST), arguments)
    said = said.replace('"a1"', json.dumps(call_id)).replace('"find_order"', json.dumps(name))
    streamed = f"data: {said}\n\n".encode()

    (call,) = whole(dialect().whole(said.encode())).tool_calls
    (again,) = whole(heard(gemini.Events(), streamed), by_body=True).tool_calls

    assert call == again
    assert (call.id, call.name, meant(call.arguments)) == (call_id, name, meant(arguments))


def test_an_answer_in_one_body_is_read() -> None:
    parts = ({"text": "Hvem?", "thought": True}, {"text": "Hej "}, {"text": "Klient_001."})
    said = body(*parts, reason="STOP", usage=USED)

    pieces = list(dialect().whole(json.dumps(said).encode()))

    assert settled(pieces) == [
        Reasoning("Hvem?"),
        Text("Hej Klient_001."),
        Counted(COUNTED),
        Stopped(FinishReason.STOP),
        Ended(),
    ]


LENGTHS = {"MAX_TOKENS", "CONTINUATION"}
BROKEN = {
    *("FINISH_REASON_UNSPECIFIED", "OTHER", "MALFORMED_FUNCTION_CALL", "IMAGE_OTHER", "NO_IMAGE"),
    *("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
    *("MALFORMED_RESPONSE", "PUP_LIMITED_DISABLED"),
}


@pytest.mark.parametrize("stated", [reason.value for reason in types.FinishReason])
def test_every_reason_of_the_sdk_has_a_meaning(stated: str) -> None:
    said = json.dumps(body({"text": "Hej"}, reason=stated)).encode()

    if stated in BROKEN:
        with pytest.raises(BadAnswerError):
            whole(dialect().whole(said))
        return
    reason = whole(dialect().whole(said)).reason
    if stated == "STOP":
        assert reason is FinishReason.STOP
    elif stated in LENGTHS:
        assert reason is FinishReason.LENGTH
    else:
        assert reason is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize("reason", [reason.value for reason in types.BlockedReason])
def test_a_question_that_is_not_let_through_is_filtered(reason: str) -> None:
    said = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 5}}
    reader = gemini.Events()

    pieces = heard(reader, sse(said))

    assert reader.is_whole
    assert whole(pieces, by_body=True).reason is FinishReason.CONTENT_FILTER
    assert whole(dialect().whole(json.dumps(said).encode())).reason is FinishReason.CONTENT_FILTER


HELLO = {"content": {"parts": [{"text": "Hej"}]}}
MALFORMED: dict[str, Any] = {
    "no object": [],
    "no list": {"candidates": {}},
    "no candidate": {"candidates": [7]},
    "no content": {"candidates": [{"content": "Hej"}]},
    "no parts": {"candidates": [{"content": {"parts": {}}}]},
    "no part": {"candidates": [{"content": {"parts": ["Hej"]}}]},
    "no text": {"candidates": [{"content": {"parts": [{"text": 7}]}}]},
    "a picture": {"candidates": [{"content": {"parts": [{"inlineData": {}}]}}]},
    "no call": {"candidates": [{"content": {"parts": [{"functionCall": "a"}]}}]},
    "a piece of a call": {
        "candidates": [
            {"content": {"parts": [{"functionCall": {"name": "a", "willContinue": True}}]}}
        ]
    },
    "an unknown reason": {"candidates": [HELLO | {"finishReason": "TIRED"}]},
    "a reason that is none": {"candidates": [HELLO | {"finishReason": 7}]},
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_the_format_is_no_answer(said: object) -> None:
    with pytest.raises(BadAnswerError):
        heard(gemini.Events(), sse(said))
    with pytest.raises(BadAnswerError):
        list(dialect().whole(json.dumps(said).encode()))


@pytest.mark.parametrize(
    "said", [b"data: {half\n\n", b'data: {"a": NaN}\n\n', b'data: {"a": "\\ud800"}\n\n']
)
def test_what_is_no_json_is_no_answer(said: bytes) -> None:
    with pytest.raises(BadAnswerError):
        heard(gemini.Events(), said)


@pytest.mark.parametrize("said", [{}, {"candidates": []}, {"candidates": [HELLO]}], ids=str)
def test_one_body_without_a_reason_is_no_answer(said: object) -> None:
    with pytest.raises(BadAnswerError):
        list(dialect().whole(json.dumps(said).encode()))


@pytest.mark.parametrize("after", [body({"text": "mere"}), body(reason="MAX_TOKENS")])
def test_contradictory_ends_are_no_answer(after: dict[str, Any]) -> None:
    stream = sse(body({"text": "Hej"}, reason="STOP"), after)

    with pytest.raises(BrokenAnswerError):
        whole(heard(gemini.Events(), stream), by_body=True)


@pytest.mark.parametrize(
    "usages",
    [
        [None, None],
        [{"promptTokenCount": 20, "candidatesTokenCount": 9}, {"promptTokenCount": 4}],
        [None, {"promptTokenCount": 20, "candidatesTokenCount": -1}],
        [None, {"promptTokenCount": "20", "candidatesTokenCount": 9}],
        [None, {"candidatesTokenCount": 9}],
        [None, {"promptTokenCount": 3, "candidatesTokenCount": 9, "cachedContentTokenCount": 4}],
    ],
    ids=["none", "contradictory", "negative", "no number", "half", "more cached than read"],
)
def test_counts_that_cannot_be_count_nothing(usages: list[dict[str, Any] | None]) -> None:
    first, second = body({"text": "Hej"}), body({"text": "."}, reason="STOP")
    for event, usage in zip((first, second), usages, strict=True):
        event.update({} if usage is None else {"usageMetadata": usage})

    answer = whole(heard(gemini.Events(), sse(first, second)), by_body=True)

    assert (answer.reason, answer.usage) == (FinishReason.STOP, None)


ERRORS = [
    (400, "INVALID_ARGUMENT", "what?", ErrorClass.REJECTED),
    (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
        ErrorClass.CONTEXT_TOO_LONG,
    ),
    (400, "FAILED_PRECONDITION", "Enable billing.", ErrorClass.UNAUTHORISED),
    (401, "UNAUTHENTICATED", "who?", ErrorClass.UNAUTHORISED),
    (403, "PERMISSION_DENIED", "no", ErrorClass.UNAUTHORISED),
    (404, "NOT_FOUND", "where?", ErrorClass.NOT_FOUND),
    (429, "RESOURCE_EXHAUSTED", "slow down", ErrorClass.RATE_LIMITED),
    (500, "INTERNAL", "oh", ErrorClass.SERVER_ERROR),
    (503, "UNAVAILABLE", "The model is overloaded.", ErrorClass.OVERLOADED),
    (504, "DEADLINE_EXCEEDED", "late", ErrorClass.TIMEOUT),
]


@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize(("status", "name", "said", "error_class"), ERRORS)
def test_an_error_in_mid_stream_is_classified_by_its_code(
    status: int, name: str, said: str, error_class: ErrorClass, *, coded: bool
) -> None:
    error = {"status": name, "message": said} | ({"code": status} if coded else {})

    with pytest.raises(StatusError) as failed:
        heard(gemini.Events(), sse(body({"text": "Hej"}), {"error": error}))

    assert failed.value.status == status
    assert gemini.classify(failed.value) is error_class
    with pytest.raises(StatusError):
        list(dialect().whole(json.dumps({"error": error}).encode()))


def test_details_of_an_error_tell_what_is_the_matter() -> None:
    def error(status: int, **detail: object) -> StatusError:
        return StatusError(status, json.dumps({"error": {"details": [detail]}}).encode())

    wrong_key = error(400, reason="API_KEY_INVALID")
    per_day = error(429, violations=[{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}])
    per_minute = error(429, violations=[{"quotaId": "GenerateRequestsPerMinutePerProject"}])

    assert gemini.classify(wrong_key) is ErrorClass.UNAUTHORISED
    assert gemini.classify(per_day) is ErrorClass.QUOTA_SPENT
    assert gemini.classify(per_minute) is ErrorClass.RATE_LIMITED
    assert retry_after_said(error(429, retryDelay="34.5s").body) == 34.5
    assert retry_after_said(error(429, retryDelay="soon").body) is None


def test_vectors_come_back_in_order() -> None:
    said = {"embeddings": [{"values": [1.0, 0.5]}, {"values": [0.25, -1.0]}]}
    types.EmbedContentResponse.model_validate(said)

    vectors, *end = dialect().whole(json.dumps(said).encode())

    written = [base64.b64encode(struct.pack("<2f", *one["values"])) for one in said["embeddings"]]
    assert vectors == Vectors(tuple(one.decode() for one in written))
    assert end == [Stopped(FinishReason.STOP), Ended()]


@pytest.mark.parametrize("one", [{}, {"values": []}, {"values": ["a"]}, 7])
def test_a_vector_of_something_else_is_no_answer(one: object) -> None:
    with pytest.raises(BadAnswerError):
        list(dialect().whole(json.dumps({"embeddings": [one]}).encode()))
