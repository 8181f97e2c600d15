"""Anthropic's answers, made of its SDK's own models: whole, or an error, however they are cut."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import types
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.router.answer import BrokenAnswerError
from services.router.faults import ErrorClass
from services.router.providers import anthropic
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Endpoint,
    Piece,
    Reasoning,
    Stopped,
    Text,
)
from services.router.wire.http import BadAnswerError, StatusError
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import (
    ToolCall,
)
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

EVENT = TypeAdapter[Any](types.RawMessageStreamEvent)
CALL = ToolCall(id="toolu_1", name="find_order", arguments='{"af": "Klient_001"}')
USAGE = {"input_tokens": 20, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3}


def dialect() -> anthropic.Anthropic:
    return anthropic.Anthropic(Endpoint("elsewhere", "http://elsewhere.example/v1", 1.0))


def message(*content: object, reason: str | None = "end_turn", output: int = 9) -> types.Message:
    """Return an answer as the SDK reads it."""
    return types.Message.model_validate(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": content,
            "stop_reason": reason,
            "usage": USAGE | {"output_tokens": output},
        }
    )


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def called(call: ToolCall, source: object = None) -> dict[str, Any]:
    stated = json.loads(call.arguments) if source is None else source
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": stated}


def sse(*events: dict[str, Any]) -> bytes:
    """Return events as they are streamed, after the SDK has read them."""
    lines = []
    for event in events:
        if event["type"] not in ("ping", "error"):
            EVENT.validate_python(event)
        lines.append(f"event: {event['type']}\r\ndata: {json.dumps(event)}\r\n\r\n")
    return "".join(lines).encode()


def begun() -> dict[str, Any]:
    start = json.loads(message(reason=None, output=1).model_dump_json())
    return {"type": "message_start", "message": start}


def block(index: int, first: dict[str, Any], *deltas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "index": index, "content_block": first}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def ended(reason: str, usage: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    usage = {"output_tokens": 9} if usage is None else usage
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": usage},
        {"type": "message_stop"},
    ]


def words(said: str) -> dict[str, str]:
    return {"type": "text_delta", "text": said}


def json_piece(source: str) -> dict[str, str]:
    return {"type": "input_json_delta", "partial_json": source}


FIRST = ToolCall(id="toolu_1", name="find_order", arguments='{"af": "Æble_001", "n": 1.50}')
SECOND = ToolCall(id="toolu_2", name="find_kunde", arguments="{}")
STREAM = sse(
    begun(),
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hvem "},
        {"type": "thinking_delta", "thinking": "spørger?"},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ),
    *block(1, text(""), words("Jeg ser "), words("efter.")),
    *block(
        2,
        called(FIRST, {}),
        json_piece(""),
        json_piece('{"af": "Æb'),
        json_piece('le_001", "n'),
        json_piece('": 1.50}'),
    ),
    *block(3, called(SECOND, {})),
    *ended("tool_use", {"output_tokens": 90, "output_tokens_details": {"thinking_tokens": 40}}),
)
PIECES: list[Piece] = [
    Counted(
        TokenUsage(input_tokens=30, output_tokens=0, cache_read_tokens=7, cache_write_tokens=3)
    ),
    Reasoning("Hvem spørger?"),
    Text("Jeg ser efter."),
    CallPart(0, "toolu_1", "find_order", FIRST.arguments),
    CallPart(1, "toolu_2", "find_kunde"),
    Counted(
        TokenUsage(
            input_tokens=30,
            output_tokens=90,
            cache_read_tokens=7,
            cache_write_tokens=3,
            reasoning_tokens=40,
        )
    ),
    Stopped(FinishReason.TOOL_CALLS),
    Ended(),
]


def test_a_stream_with_parallel_calls_is_read() -> None:
    pieces = heard(anthropic.Events(), STREAM)

    assert settled(pieces) == PIECES
    assert whole(pieces).tool_calls == (FIRST, SECOND)


def test_cuts_after_every_byte_make_no_difference() -> None:
    assert settled(heard(anthropic.Events(), STREAM, range(len(STREAM)))) == PIECES


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_cuts_anywhere_make_no_difference(cuts: list[int]) -> None:
    assert settled(heard(anthropic.Events(), STREAM, cuts)) == PIECES


@given(st.integers(0, len(STREAM) - 2))
def test_a_stream_that_is_cut_anywhere_is_no_whole_answer(length: int) -> None:
    with pytest.raises(BrokenAnswerError):
        whole(heard(anthropic.Events(), STREAM[:length]))


@given(CALL_IDS, TOOL_NAMES, ARGUMENTS, st.lists(st.integers(0, 200), max_size=4))
def test_a_call_comes_back_to_the_letter(
    call_id: str, name: str, arguments: str, cuts: list[int]
) -> None:
    call = ToolCall(id=call_id, name=name, arguments=arguments)
    edges = [0, *sorted(min(cut, len(arguments)) for cut in cuts), len(arguments)]
    pieces = [json_piece(arguments[start:end]) for start, end in itertools.pairwise(edges)]
    stream = sse(begun(), *block(0, called(call, {}), *pieces), *ended("tool_use"))

    assert whole(heard(anthropic.Events(), stream)).tool_calls == (call,)


@example("toolu_1", "find_order", MANY_DIGITS)
@given(CALL_IDS, TOOL_NAMES, ARGUMENTS)
def test_a_call_in_one_body_keeps_every_digit(call_id: str, name: str, arguments: str) -> None:
    body = message(called(CALL), reason="tool_use").model_dump_json()
    body = body.replace('{"af":"Klient_001"}', arguments)
    body = body.replace('"toolu_1"', json.dumps(call_id)).replace('"find_order"', json.dumps(name))

    (call,) = whole(dialect().whole(body.encode())).tool_calls

    assert (call.id, call.name, meant(call.arguments)) == (call_id, name, meant(arguments))


def test_an_answer_in_one_body_is_read() -> None:
    thought = {"type": "thinking", "thinking": "Hvem?", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "c2VjcmV0"}
    body = message(thought, hidden, text("Hej "), text("Klient_001."), called(SECOND))

    pieces = list(dialect().whole(body.model_dump_json().encode()))

    assert settled(pieces)[:2] == [Reasoning("Hvem?"), Text("Hej Klient_001.")]
    answer = whole(pieces)
    assert (answer.reason, answer.tool_calls) == (FinishReason.TOOL_CALLS, (SECOND,))
    assert answer.usage == TokenUsage(
        input_tokens=30, output_tokens=9, cache_read_tokens=7, cache_write_tokens=3
    )


REASONS = [
    ("end_turn", FinishReason.STOP),
    ("stop_sequence", FinishReason.STOP),
    ("max_tokens", FinishReason.LENGTH),
    ("model_context_window_exceeded", FinishReason.LENGTH),
    ("refusal", FinishReason.CONTENT_FILTER),
]


@pytest.mark.parametrize(("stated", "reason"), REASONS)
def test_every_reason_is_known(stated: str, reason: FinishReason) -> None:
    stream = sse(begun(), *block(0, text("Hej")), *ended(stated))
    body = message(text("Hej"), reason=stated).model_dump_json().encode()

    assert whole(heard(anthropic.Events(), stream)).reason is reason
    assert whole(dialect().whole(body)).reason is reason


@pytest.mark.parametrize("stated", ["pause_turn", "tired", None, 7])
def test_a_pause_and_an_unknown_reason_end_no_answer(stated: object) -> None:
    body = message(text("Hej")).model_dump() | {"stop_reason": stated}
    event = {"type": "message_delta", "delta": {"stop_reason": stated}, "usage": {}}
    stream = sse(begun(), *block(0, text("Hej"))) + _raw(event, {"type": "message_stop"})

    with pytest.raises(BadAnswerError):
        whole(dialect().whole(json.dumps(body, default=str).encode()))
    with pytest.raises((BadAnswerError, BrokenAnswerError)):
        whole(heard(anthropic.Events(), stream))


def test_a_stop_for_calls_that_are_not_there_is_broken() -> None:
    stream = sse(begun(), *block(0, text("Hej")), *ended("tool_use"))

    with pytest.raises(BrokenAnswerError):
        whole(heard(anthropic.Events(), stream))


def _raw(*events: object) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


START, *_ = block(0, text(""))
DELTA = {"type": "content_block_delta", "index": 0, "delta": words("Hej")}
STOP = {"type": "content_block_stop", "index": 0}
MALFORMED = {
    "no JSON": b"data: {half\n\n",
    "no object": b"data: []\n\n",
    "a delta for no block": _raw(DELTA),
    "a delta for another block": _raw(START, DELTA | {"index": 1}),
    "a delta for a closed block": _raw(START, STOP, DELTA),
    "an end of no block": _raw(STOP),
    "a second block in the first": _raw(START, START | {"index": 1}),
    "a block out of order": _raw(START | {"index": 1}),
    "the same block again": _raw(START, STOP, START),
    "a block of another kind": _raw(START | {"content_block": {"type": "server_tool_use"}}),
    "no block": _raw({"type": "content_block_start", "index": 0}),
    "a delta of another kind": _raw(START, DELTA | {"delta": json_piece("{}")}),
    "a delta of no kind": _raw(START, DELTA | {"delta": {"text": "Hej"}}),
    "a text that is none": _raw(START, DELTA | {"delta": {"type": "text_delta", "text": 7}}),
    "no message": _raw({"type": "message_start"}),
    "a stop in the middle of a block": _raw(START, *ended("end_turn")),
}


@pytest.mark.parametrize("stream", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_the_format_is_no_answer(stream: bytes) -> None:
    with pytest.raises(BadAnswerError):
        heard(anthropic.Events(), stream)


@pytest.mark.parametrize(
    "events",
    [
        [*ended("end_turn")[:1], *ended("max_tokens")],
        [*ended("end_turn")[:1], *block(0, text("mere")), *ended("end_turn")[1:]],
        [*ended("end_turn"), *ended("end_turn")],
        [{"type": "message_stop"}],
        ended("end_turn")[:1],
    ],
    ids=["two reasons", "more after it", "more after the end", "no reason", "no end"],
)
def test_contradictory_ends_are_no_answer(events: list[dict[str, Any]]) -> None:
    with pytest.raises(BrokenAnswerError):
        whole(heard(anthropic.Events(), sse(begun(), *events)))


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 4, "output_tokens": 9},
        {"output_tokens": -1},
        {"output_tokens": "9"},
        {"output_tokens": 9, "cache_read_input_tokens": 2.5},
        {"output_tokens": 0},
    ],
    ids=str,
)
def test_counts_that_contradict_each_other_count_nothing(usage: dict[str, Any]) -> None:
    end, stop = ended("end_turn", usage)
    stream = sse(begun(), *block(0, text("Hej"))) + _raw(end, stop)

    answer = whole(heard(anthropic.Events(), stream))

    assert (answer.reason, answer.usage) == (FinishReason.STOP, None)


def test_without_counts_the_answer_says_so() -> None:
    end, stop = ended("end_turn")
    del end["usage"]
    bare = _raw({"type": "message_start", "message": {}}, *block(0, text("Hej")), end, stop)
    body = message(text("Hej")).model_dump(exclude={"usage"})

    assert whole(heard(anthropic.Events(), bare)).usage is None
    assert whole(dialect().whole(json.dumps(body, default=str).encode())).usage is None


ERRORS = [
    ("overloaded_error", "Overloaded", 529, ErrorClass.OVERLOADED),
    ("rate_limit_error", "slow down", 429, ErrorClass.RATE_LIMITED),
    ("authentication_error", "who?", 401, ErrorClass.UNAUTHORISED),
    ("permission_error", "no", 403, ErrorClass.UNAUTHORISED),
    ("not_found_error", "where?", 404, ErrorClass.NOT_FOUND),
    ("request_too_large", "much", 413, ErrorClass.CONTEXT_TOO_LONG),
    ("invalid_request_error", "what?", 400, ErrorClass.REJECTED),
    ("api_error", "oh", 500, ErrorClass.SERVER_ERROR),
    ("timeout_error", "late", 504, ErrorClass.TIMEOUT),
    ("billing_error", "pay", 402, ErrorClass.QUOTA_SPENT),
    ("unheard_of_error", "?", 500, ErrorClass.SERVER_ERROR),
    (
        "invalid_request_error",
        "prompt is too long: 207791 tokens > 200000 maximum",
        400,
        ErrorClass.CONTEXT_TOO_LONG,
    ),
    (
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000",
        400,
        ErrorClass.CONTEXT_TOO_LONG,
    ),
    (
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API.",
        400,
        ErrorClass.QUOTA_SPENT,
    ),
    (
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
        400,
        ErrorClass.QUOTA_SPENT,
    ),
]


@pytest.mark.parametrize(("kind", "said", "status", "error_class"), ERRORS)
def test_an_error_in_mid_stream_is_classified_by_its_type(
    kind: str, said: str, status: int, error_class: ErrorClass
) -> None:
    error = {"type": "error", "error": {"type": kind, "message": said}}
    pieces: list[Piece] = []

    with pytest.raises(StatusError) as failed:
        pieces.extend(anthropic.Events().feed(sse(begun(), *block(0, text("Hej")), error)))

    assert failed.value.status == status
    assert anthropic.classify(failed.value) is error_class
    with pytest.raises(StatusError):
        list(dialect().whole(json.dumps(error).encode()))


def test_the_words_of_an_error_count_only_where_a_request_was_refused() -> None:
    error = StatusError(500, b'{"error":{"message":"prompt is too long"}}')

    assert anthropic.classify(error) is ErrorClass.SERVER_ERROR
