"""What Bedrock's Converse answers, as AWS's own library reads it, however the network cut it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from services.router.answer import Answer, BrokenAnswerError, Whole
from services.router.faults import ErrorClass
from services.router.providers import bedrock
from services.router.providers.base import CallPart, Counted, Piece, Reasoning, Stopped
from services.router.wire.http import BadAnswerError, StatusError
from shared.contracts.completions import FinishReason, TokenUsage
from tests.unit.router.converse import (
    SERVICE,
    USAGE,
    counted,
    delta,
    dialect,
    event,
    frame,
    operation,
    started,
    stopped,
    streamed,
)

SAID: Final = "hemmelig-4711"
TEXTS: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def whole(pieces: Iterable[Piece]) -> tuple[str, Whole]:
    answer = Answer()
    for piece in pieces:
        answer.add(piece)
    return answer.text, answer.whole()


def body_of(content: object, reason: str = "end_turn", **said: object) -> bytes:
    output = {"message": {"role": "assistant", "content": content}}
    return json.dumps({"output": output, "stopReason": reason, "usage": USAGE, **said}).encode()


# --- what is answered --------------------------------------------------------------------


def test_a_whole_answer_is_read() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "QUJD"}},
        {"text": "Et øjeblik."},
        {"toolUse": {"toolUseId": "t1", "name": "find_order", "input": {"n": 1.50}}},
        {"toolUse": {"toolUseId": "t2", "name": "find_case", "input": {}}},
    ]

    body = body_of(content, "tool_use").replace(b"1.5}", b"1.50}")
    pieces = list(dialect().whole(body))

    text, answer = whole(pieces)
    assert (text, answer.reason) == ("Et øjeblik.", FinishReason.TOOL_CALLS)
    assert Reasoning("Hm.") in pieces
    assert [(one.id, one.name, one.arguments) for one in answer.tool_calls] == [
        ("t1", "find_order", '{"n":1.50}'),
        ("t2", "find_case", "{}"),
    ]
    assert answer.usage == TokenUsage(input_tokens=12, output_tokens=5)


STREAM: Final = b"".join(
    [
        event("messageStart", {"role": "assistant"}),
        delta(0, reasoningContent={"text": "Hm."}),
        delta(0, reasoningContent={"signature": "s"}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        delta(1, text="Et "),
        delta(1, text="øjeblik."),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        started(2, "t1", "find_order"),
        delta(2, toolUse={"input": '{"n":'}),
        delta(2, toolUse={"input": " 1.50}"}),
        event("contentBlockStop", {"contentBlockIndex": 2}),
        started(4, "t2", "find_case"),
        stopped("tool_use"),
        counted(),
    ]
)


def test_a_stream_is_the_same_wherever_it_is_cut() -> None:
    expected = streamed(STREAM)

    for cut in range(len(STREAM)):
        assert streamed(STREAM[:cut], STREAM[cut:]) == expected
    assert streamed(*(bytes([byte]) for byte in STREAM)) == expected
    text, answer = whole(expected)
    assert (text, answer.reason) == ("Et øjeblik.", FinishReason.TOOL_CALLS)
    assert [(one.id, one.arguments) for one in answer.tool_calls] == [
        ("t1", '{"n": 1.50}'),
        ("t2", "{}"),
    ]


class Raw:
    """What botocore reads a stream from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data


def read_by_botocore(data: bytes) -> list[dict[str, Any]]:
    response = {"status_code": 200, "headers": {}, "body": Raw(data), "context": {}}
    parsed = create_parser("rest-json").parse(response, operation("ConverseStream").output_shape)
    return list(parsed["stream"])


COUNTS: Final = st.integers(0, 10**6)


@given(
    texts=st.lists(TEXTS, max_size=5),
    thoughts=st.lists(TEXTS, max_size=3),
    arguments=st.lists(TEXTS, max_size=3),
    usage=st.fixed_dictionaries(
        {"inputTokens": COUNTS, "outputTokens": COUNTS, "totalTokens": COUNTS},
        optional={"cacheReadInputTokens": COUNTS, "cacheWriteInputTokens": COUNTS},
    ),
    reason=st.sampled_from(sorted(bedrock._REASONS)),  # noqa: SLF001
)
def test_a_stream_says_what_botocore_reads_in_it(
    texts: list[str],
    thoughts: list[str],
    arguments: list[str],
    usage: dict[str, int],
    reason: str,
) -> None:
    data = b"".join(
        [
            event("messageStart", {"role": "assistant"}),
            *(delta(0, reasoningContent={"text": one}) for one in thoughts),
            *(delta(1, text=one) for one in texts),
            started(2, "t1", "find_order"),
            *(delta(2, toolUse={"input": one}) for one in arguments),
            stopped(reason),
            counted(usage),
        ]
    )

    pieces = streamed(data)

    theirs = read_by_botocore(data)
    deltas = [one["contentBlockDelta"]["delta"] for one in theirs if "contentBlockDelta" in one]
    assert [piece.text for piece in pieces if isinstance(piece, Reasoning)] == [
        one["reasoningContent"]["text"] for one in deltas if "reasoningContent" in one
    ]
    answer = Answer()
    for piece in pieces:
        answer.add(piece)
    assert answer.text == "".join(one.get("text", "") for one in deltas)
    assert "".join(piece.arguments for piece in pieces if isinstance(piece, CallPart)) == "".join(
        one["toolUse"]["input"] for one in deltas if "toolUse" in one
    )
    (said,) = [one["metadata"]["usage"] for one in theirs if "metadata" in one]
    cached = said.get("cacheReadInputTokens", 0), said.get("cacheWriteInputTokens", 0)
    (count,) = [piece.usage for piece in pieces if isinstance(piece, Counted)]
    assert count == TokenUsage(
        input_tokens=said["inputTokens"] + sum(cached),
        output_tokens=said["outputTokens"],
        cache_read_tokens=cached[0],
        cache_write_tokens=cached[1],
    )


@given(st.lists(TEXTS, min_size=1, max_size=4), st.dictionaries(TEXTS, st.integers(), max_size=3))
def test_a_whole_answer_says_what_botocore_reads_in_it(
    texts: list[str], arguments: dict[str, int]
) -> None:
    use = {"toolUse": {"toolUseId": "t1", "name": "find_order", "input": arguments}}
    data = body_of([*({"text": one} for one in texts), use], "tool_use", metrics={"latencyMs": 1})

    text, answer = whole(dialect().whole(data))

    parsed = create_parser("rest-json").parse(
        {"status_code": 200, "headers": {}, "body": data}, operation().output_shape
    )
    content = parsed["output"]["message"]["content"]
    assert text == "".join(one.get("text", "") for one in content)
    assert json.loads(answer.tool_calls[0].arguments) == content[-1]["toolUse"]["input"]


def test_every_reason_of_aws_is_one_of_ours_or_no_answer() -> None:
    stated = set(SERVICE.shape_for("StopReason").enum)
    malformed = {"malformed_model_output", "malformed_tool_use"}

    assert set(bedrock._REASONS) == stated - malformed  # noqa: SLF001
    for reason in [*malformed, "else", ""]:
        with pytest.raises(BadAnswerError):
            streamed(stopped(reason))
        with pytest.raises(BadAnswerError):
            list(dialect().whole(body_of([{"text": "Hej."}], reason)))


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"inputTokens": 3}, {**USAGE, "inputTokens": -1}, {**USAGE, "outputTokens": "5"}],
)
def test_an_answer_that_nobody_counted_is_whole_and_uncounted(usage: object) -> None:
    pieces = streamed(delta(0, text="Hej."), stopped(), counted(usage))

    assert whole(pieces)[1].usage is None


def test_an_answer_whose_counts_never_come_is_complete_when_the_body_ends() -> None:
    reader = dialect().reader()

    assert list(reader.feed(delta(0, text="Hej.")))
    assert not reader.is_whole
    assert list(reader.feed(stopped())) == [Stopped(FinishReason.STOP)]
    assert reader.is_whole


@pytest.mark.parametrize(
    "frames",
    [
        [delta(0, text="Hej."), counted()],  # no reason
        [delta(0, text="Hej."), stopped(), stopped("max_tokens"), counted()],
        [delta(0, text="Hej."), stopped(), delta(0, text="Mere."), counted()],
        [stopped("tool_use"), counted()],  # no call
        [
            started(0, "t1", "f"),
            delta(0, toolUse={"input": '{"n"'}),
            stopped("tool_use"),
            counted(),
        ],
    ],
)
def test_what_contradicts_itself_is_no_answer(frames: list[bytes]) -> None:
    with pytest.raises(BrokenAnswerError):
        whole(streamed(*frames))


@pytest.mark.parametrize(
    "frames",
    [
        [event("contentBlockDelta", SAID.encode())],
        [event("contentBlockDelta", [SAID])],
        [event("contentBlockDelta", {"contentBlockIndex": 0})],
        [delta(0, text=4711)],
        [delta(0, image={"source": {"bytes": SAID}})],
        [delta(3, toolUse={"input": SAID})],  # a call that never began
        [started(0, "t1", "f"), started(0, "t2", SAID)],
        [event("messageStop", {"stopReason": [SAID]})],
    ],
)
def test_what_is_not_the_format_is_refused_without_being_repeated(frames: list[bytes]) -> None:
    with pytest.raises(BadAnswerError) as raised:
        streamed(*frames)

    assert SAID not in str(raised.value)
    assert SAID not in repr(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        SAID.encode(),
        json.dumps([SAID]).encode(),
        json.dumps({"output": SAID, "stopReason": "end_turn"}).encode(),
        body_of([SAID]),
        body_of([{"video": SAID}]),
        body_of(SAID),
    ],
)
def test_a_body_that_is_not_the_format_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswerError) as raised:
        list(dialect().whole(body))

    assert SAID not in str(raised.value)


# --- what goes wrong ---------------------------------------------------------------------

COMMON: Final = {
    "internalServerException": ErrorClass.SERVER_ERROR,
    "modelStreamErrorException": ErrorClass.SERVER_ERROR,
    "validationException": ErrorClass.REJECTED,
    "throttlingException": ErrorClass.RATE_LIMITED,
    "serviceUnavailableException": ErrorClass.OVERLOADED,
}


def test_every_error_that_a_stream_can_hold_is_known() -> None:
    stream = operation("ConverseStream").output_shape.members["stream"]
    errors = {name for name, one in stream.members.items() if one.metadata.get("exception")}

    assert set(COMMON) == errors


@pytest.mark.parametrize(("kind", "expected"), COMMON.items())
def test_an_error_in_mid_stream_is_one(kind: str, expected: ErrorClass) -> None:
    headers = {":message-type": "exception", ":exception-type": kind}

    with pytest.raises(StatusError) as raised:
        streamed(delta(0, text="Hej."), frame(headers, {"message": SAID}))

    assert bedrock.classify(raised.value) is expected
    assert SAID not in str(raised.value)
    assert SAID not in repr(raised.value)


def test_an_error_of_the_stream_itself_is_theirs() -> None:
    headers = {":message-type": "error", ":error-code": "Oops", ":error-message": SAID}

    with pytest.raises(StatusError) as raised:
        streamed(frame(headers, b""))

    assert bedrock.classify(raised.value) is ErrorClass.SERVER_ERROR
