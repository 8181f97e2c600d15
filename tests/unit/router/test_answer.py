"""What is a whole answer, and what never is, whatever order a wire says it in."""

import base64
import struct
import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.answer import TOKENS_BELIEVED_MAX, Answer, BrokenAnswerError, Whole
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Piece,
    Reasoning,
    Stopped,
    Text,
    Vectors,
)
from services.router.sizing import estimated_tokens
from shared.contracts.completions import FinishReason, TokenUsage, UsageSource
from shared.contracts.requests import MESSAGES_MAX, TOOLS_MAX, Operation
from shared.contracts.usage import UsageRecorded
from tests.unit.router.world import Scene, model, request

STOP, LENGTH = Stopped(FinishReason.STOP), Stopped(FinishReason.LENGTH)
CALLS, FILTERED = Stopped(FinishReason.TOOL_CALLS), Stopped(FinishReason.CONTENT_FILTER)
CALL = CallPart(0, "call_1", "find_order", '{"id": "4711"}')


def vector(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def counted(read: int, written: int, **more: int) -> Counted:
    usage = TokenUsage(input_tokens=read, output_tokens=written)
    return Counted(usage.model_copy(update=more))


def whole(
    *pieces: Piece, operation: Operation = Operation.CHAT, messages: int = 1, end: bool = True
) -> Whole:
    answer = Answer(operation, messages)
    for piece in (*pieces, Ended()) if end else pieces:
        answer.add(piece)
    return answer.whole()


def is_whole(
    pieces: Iterable[Piece], operation: Operation = Operation.CHAT, messages: int = 1
) -> bool:
    try:
        whole(*pieces, operation=operation, messages=messages, end=False)
    except BrokenAnswerError:
        return False
    return True


# --- whatever comes ----------------------------------------------------------------------

SAID = st.text(max_size=4)
USAGES = st.builds(
    TokenUsage,
    input_tokens=st.integers(0, 2**70),
    output_tokens=st.integers(0, 2**70),
    cache_read_tokens=st.integers(0, 9),
    cache_write_tokens=st.integers(0, 9),
    reasoning_tokens=st.integers(0, 9),
    characters=st.sampled_from([0, 0, 7, 2**70]),
)
PIECES: st.SearchStrategy[Piece] = st.one_of(
    st.builds(Text, SAID, st.sampled_from([0, 0, 0, 1, -1, 10**12])),
    st.builds(Reasoning, SAID),
    st.builds(
        CallPart,
        st.sampled_from([0, 0, 1, -1, TOOLS_MAX, 10**12]),
        st.sampled_from(["", "call_1", "call_2", "?"]),
        st.sampled_from(["", "find_order", "two words"]),
        st.sampled_from(["", "{}", '{"a":', " 1}", "[]", "NaN"]),
    ),
    st.builds(Counted, USAGES),
    st.sampled_from([STOP, LENGTH, CALLS, FILTERED]),
    st.builds(
        Vectors, st.lists(st.sampled_from([vector(0.5), vector(1, 2), "", "?", "QUJD"])).map(tuple)
    ),
    st.just(Ended()),
)
SEQUENCES = st.lists(PIECES, max_size=8)
OPERATIONS = st.sampled_from([Operation.CHAT, Operation.EMBED, Operation.TRANSLATE])


@given(pieces=SEQUENCES, operation=OPERATIONS, messages=st.integers(1, 2))
def test_nothing_is_whole_that_has_not_stopped_once_and_ended_last(
    pieces: Sequence[Piece], operation: Operation, messages: int
) -> None:
    for end in ([], [Ended()], [STOP, Ended()]):
        said = [*pieces, *end]
        if not is_whole(said, operation, messages):
            continue
        reasons = {one.reason for one in said if isinstance(one, Stopped)}
        assert len(reasons) == 1
        assert isinstance(said[-1], Ended)
        assert sum(isinstance(one, Ended) for one in said) == 1
        stop = next(at for at, one in enumerate(said) if isinstance(one, Stopped))
        assert not any(isinstance(one, CallPart | Vectors) for one in said[stop:])
        assert not any(isinstance(one, Text | Reasoning) and one.text for one in said[stop:])


@given(pieces=SEQUENCES, operation=OPERATIONS, messages=st.integers(1, 2))
def test_a_whole_answer_holds_what_was_said_and_nothing_else(
    pieces: Sequence[Piece], operation: Operation, messages: int
) -> None:
    said = [*pieces, STOP, Ended()]
    if not is_whole(said, operation, messages):
        return
    answer = whole(*said, operation=operation, messages=messages, end=False)

    spoken = [one for one in said if isinstance(one, Text)]
    for index, text in enumerate(answer.texts):
        assert text == "".join(one.text for one in spoken if one.index == index)
    assert sum(map(len, answer.texts)) == sum(len(one.text) for one in spoken)
    assert (answer.reason is FinishReason.TOOL_CALLS) == bool(answer.tool_calls)
    assert len({call.id for call in answer.tool_calls}) == len(answer.tool_calls)
    assert len(answer.vectors) == (messages if operation is Operation.EMBED else 0)
    usage = answer.usage
    if usage is not None:
        assert Counted(usage) in said
        assert 0 < max(usage.input_tokens, usage.characters) <= TOKENS_BELIEVED_MAX
        assert usage.output_tokens <= TOKENS_BELIEVED_MAX
        assert usage.cache_read_tokens + usage.cache_write_tokens <= usage.input_tokens


# --- the ways in which an answer is none -------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [
        [Text("Hej."), STOP],
        [Text("Hej."), Ended()],
        [Text("Hej.")],
        [Text("Hej."), STOP, LENGTH, Ended()],
        [Text("Hej."), LENGTH, Text(" Du."), Ended()],
        [STOP, Reasoning("hm"), Ended()],
        [STOP, CALL, Ended()],
        [Text("Hej."), STOP, Ended(), Text(" Du.")],
        [Text("Hej."), STOP, Ended(), Ended()],
        [CALLS, Ended()],
        [Text("Hej.", 1), STOP, Ended()],
        [Text("Hej.", MESSAGES_MAX), STOP, Ended()],
        [Text("Hej.", -1), STOP, Ended()],
        [Text("\ud800"), STOP, Ended()],
        [Reasoning("\ud800"), STOP, Ended()],
        [Text("Hej."), Vectors((vector(1),)), STOP, Ended()],
        [CallPart(TOOLS_MAX, "call_1", "a", "{}"), CALLS, Ended()],
        [CallPart(-1, "call_1", "a", "{}"), CALLS, Ended()],
        [CALL, CallPart(0, "call_2", "find_order", "{}"), CALLS, Ended()],
        [CALL, CallPart(0, "", "find_customer"), CALLS, Ended()],
        [CALL, CallPart(0, arguments="{}"), CALLS, Ended()],
        [CALL, CallPart(1, "call_1", "find_order", "{}"), CALLS, Ended()],
        [CallPart(0, "call_1", "a", '{"b": "c'), LENGTH, Ended()],
        [CallPart(0, "call_1", "a", '{"b": NaN}'), CALLS, Ended()],
        [CallPart(0, "call_1", "a", '{"b": "\\ud800"}'), CALLS, Ended()],
        [CallPart(0, "call_1", "a", '{"a":' * 5000), CALLS, Ended()],
        [CallPart(0, "call_1", "a", '"b"'), CALLS, Ended()],
        [CallPart(0, "call_1", "", "{}"), CALLS, Ended()],
    ],
)
def test_what_is_cut_or_contradicts_itself_is_no_chat(pieces: list[Piece]) -> None:
    assert not is_whole(pieces)


@pytest.mark.parametrize(
    ("pieces", "messages"),
    [
        ([STOP], 1),
        ([Vectors((vector(1),)), STOP], 2),
        ([Vectors((vector(1), vector(2))), STOP], 1),
        ([Vectors((vector(1), vector(1, 2))), STOP], 2),
        ([Vectors((vector(1), "")), STOP], 2),
        ([Vectors(("QUI=",)), STOP], 1),  # Two bytes are no number.
        ([Vectors(("no base64!",)), STOP], 1),
        ([Vectors((vector(1),)), Text("Hej."), STOP], 1),
        ([STOP, Vectors((vector(1),))], 1),
    ],
)
def test_what_is_not_one_vector_for_each_text_is_no_embedding(
    pieces: list[Piece], messages: int
) -> None:
    assert not is_whole([*pieces, Ended()], Operation.EMBED, messages)
    assert is_whole([Vectors((vector(1),) * messages), STOP, Ended()], Operation.EMBED, messages)


@pytest.mark.parametrize(
    ("pieces", "messages"),
    [
        ([STOP], 1),
        ([Text("Hallo."), STOP], 2),
        ([Text("Hallo."), Text("Sie.", 2), STOP], 2),
        ([Text("Hallo."), CALL, STOP], 1),
        ([Text("Hallo."), Vectors((vector(1),)), STOP], 1),
    ],
)
def test_what_is_not_one_text_for_each_text_is_no_translation(
    pieces: list[Piece], messages: int
) -> None:
    assert not is_whole([*pieces, Ended()], Operation.TRANSLATE, messages)


# --- what may be empty -------------------------------------------------------------------


@pytest.mark.parametrize("stop", [STOP, LENGTH, FILTERED])
def test_a_model_may_stop_without_a_word_and_its_reason_is_told(stop: Stopped) -> None:
    answer = whole(Text(""), Reasoning(""), counted(20, 8, reasoning_tokens=8), stop)

    assert (answer.texts, answer.reason, answer.tool_calls) == ((), stop.reason, ())


def test_the_translation_of_nothing_is_nothing_if_it_came() -> None:
    answer = whole(Text("Hallo."), Text("", 1), STOP, operation=Operation.TRANSLATE, messages=2)

    assert answer.texts == ("Hallo.", "")


def test_a_call_in_many_pieces_is_one_and_its_stop_is_a_stop_for_calls() -> None:
    pieces = [CallPart(0, arguments=sign) for sign in CALL.arguments]

    answer = whole(CallPart(0, CALL.id, CALL.name), *pieces, CallPart(3, name="now"), STOP)

    assert [call.arguments for call in answer.tool_calls] == [CALL.arguments, "{}"]
    assert answer.reason is FinishReason.TOOL_CALLS


# --- what is counted ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [counted(20, 5), counted(20, 4)],
        [counted(20, 5), counted(19, 9), counted(30, 10)],
        [counted(20, 0)],
        [counted(0, 5)],
        [counted(0, 0)],
        [counted(20, 5, cache_read_tokens=15, cache_write_tokens=6)],
        [counted(20, 5, reasoning_tokens=6)],
        [counted(20, TOKENS_BELIEVED_MAX + 1)],
        [counted(2**31, 5)],
        [counted(20, 5, characters=2**40)],
    ],
)
def test_a_count_that_cannot_be_so_is_none(counts: list[Piece]) -> None:
    assert whole(*counts, Text("Hej."), STOP).usage is None


def test_the_last_of_growing_counts_counts() -> None:
    said = whole(counted(20, 1), Text("Hej."), counted(20, 3), STOP, counted(22, 7))

    assert said.usage == counted(22, 7).usage


async def test_more_than_was_asked_for_is_recorded_as_the_provider_counts_it() -> None:
    # It says that it has written 900 tokens where 512 were allowed. That is what it will charge,
    # so it is what is recorded; billing settles the hold in full and the rest as overage.
    scene = Scene([model("m")], {"m": (Text("Hej."), counted(20, 900), STOP, Ended())})

    _, usage = await scene.play(request())

    assert isinstance(usage, UsageRecorded)
    assert (usage.usage.output_tokens, usage.usage.source) == (900, UsageSource.PROVIDER)
    assert usage.cost_nano == 20 * 10 + 900 * 100


async def test_a_count_beyond_all_measure_is_an_estimate_and_no_bill() -> None:
    scene = Scene([model("m")], {"m": (Text("Hej."), counted(2**40, 2**60), STOP, Ended())})

    _, usage = await scene.play(request())

    assert isinstance(usage, UsageRecorded)
    assert usage.usage.source is UsageSource.ESTIMATED
    assert usage.usage.output_tokens == estimated_tokens("Hej.")
    assert usage.usage.input_tokens < 2**31


def test_many_pieces_cost_no_more_each_than_few() -> None:
    def seconds(count: int) -> float:
        answer, piece = Answer(), CallPart(0, arguments=" " * 8)
        started = time.perf_counter()
        for _ in range(count):
            answer.add(piece)
        return time.perf_counter() - started

    seconds(1000)
    few, many = min(seconds(5_000) for _ in range(3)), min(seconds(50_000) for _ in range(3))
    # Arguments that are copied for each piece would take a hundred times as long, not ten.
    assert many < few * 40
