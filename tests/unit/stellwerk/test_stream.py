"""A stream is whole, or healed from the durable answer, or an error; half is never whole."""

from hashlib import sha256

import pytest

from shared.contracts.completions import ChunkRestored, CompletionRestored, Outcome
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.values import new_id
from stellwerk.answer import Ticket
from stellwerk.delivery import Delivered, Mailbox
from stellwerk.errors import Conflict, Failed, Refused, StillWaiting, StreamBroken
from stellwerk.stream import Streaming

REQUEST = new_id()
DIGEST = "a" * 64


def chunk(sequence: int, text: str = "", *, code: ErrorCode | None = None) -> ChunkRestored:
    return ChunkRestored(
        tenant="default",
        app="crm",
        request_id=REQUEST,
        sequence=sequence,
        text=text,
        end=code is not None,
        code=code,
    )


def end(count: int, text: str) -> ChunkRestored:
    digest = sha256(text.encode()).hexdigest()
    return chunk(count).model_copy(update={"end": True, "sha256": digest})


def answer(text: str) -> CompletionRestored:
    return CompletionRestored(
        tenant="default",
        app="crm",
        request_id=REQUEST,
        outcome=Outcome.COMPLETION,
        text=text,
        request_sha256=DIGEST,
    )


def bad_end(outcome: Outcome, code: ErrorCode) -> CompletionRestored:
    return answer("").model_copy(
        update={"text": None, "outcome": outcome, "error": ErrorDetail.of(code)}
    )


class Stored:
    """The durable results; empty until a test puts one in."""

    def __init__(self, result: CompletionRestored | None = None) -> None:
        self.result = result
        self.asked = 0

    async def __call__(self) -> CompletionRestored | None:
        self.asked += 1
        return self.result


async def read(
    *arrived: Delivered, stored: CompletionRestored | None = None, wait_s: float = 30.0
) -> list[str]:
    mailbox = Mailbox()
    for item in arrived:
        mailbox.put(item)
    ticket = Ticket(REQUEST, DIGEST, wait_s)
    streaming = Streaming(mailbox, Stored(stored), ticket, silence_s_max=0.2)
    return [text async for text in streaming.pieces()]


async def test_chunks_are_passed_on_as_they_come() -> None:
    assert await read(chunk(0, "Kære "), chunk(1), chunk(2, "Karla"), end(3, "Kære Karla")) == [
        "Kære ",
        "Karla",
    ]


async def test_the_end_marker_may_come_after_the_durable_answer() -> None:
    assert await read(chunk(0, "ab"), answer("ab"), end(1, "ab")) == ["ab"]


async def test_a_gap_is_healed_from_the_durable_answer() -> None:
    texts = await read(chunk(0, "Kære "), chunk(2, "!"), answer("Kære Karla!"))
    assert "".join(texts) == "Kære Karla!"


async def test_a_gap_is_healed_from_an_answer_that_is_looked_up() -> None:
    texts = await read(chunk(0, "Kære "), chunk(2, "!"), stored=answer("Kære Karla!"))
    assert "".join(texts) == "Kære Karla!"


async def test_a_wrong_end_marker_is_healed_too() -> None:
    assert "".join(await read(chunk(0, "a"), end(5, "abc"), answer("abc"))) == "abc"


async def test_a_gap_that_the_answer_does_not_fit_is_an_error() -> None:
    with pytest.raises(StreamBroken):
        await read(chunk(0, "Hej "), chunk(2, "!"), answer("Kære Karla!"))


async def test_an_answer_without_any_chunk_is_yielded_whole() -> None:
    assert await read(answer("Kære Karla")) == ["Kære Karla"]


async def test_a_missing_end_marker_is_healed_by_the_answer() -> None:
    assert await read(chunk(0, "Kære "), answer("Kære Karla")) == ["Kære ", "Karla"]


async def test_silence_without_an_answer_is_an_error() -> None:
    with pytest.raises(StreamBroken) as caught:
        await read(chunk(0, "Kære "))
    assert caught.value.request_id == REQUEST


async def test_silence_before_the_first_chunk_is_only_waiting() -> None:
    with pytest.raises(StillWaiting, match=str(REQUEST)):
        await read(wait_s=0.5)


async def test_a_refusal_is_raised_before_any_text() -> None:
    with pytest.raises(Refused):
        await read(bad_end(Outcome.REFUSED, ErrorCode.BUDGET_EXHAUSTED))


async def test_a_stream_that_ends_in_an_error_raises_the_reason_of_the_durable_result() -> None:
    broken = chunk(1, code=ErrorCode.STREAM_BROKEN)
    with pytest.raises(Failed) as caught:
        await read(chunk(0, "a"), broken, bad_end(Outcome.FAILED, ErrorCode.PROVIDER_UNAVAILABLE))
    assert caught.value.code is ErrorCode.PROVIDER_UNAVAILABLE


async def test_a_stream_that_ends_in_an_error_raises_its_code_if_no_result_comes() -> None:
    with pytest.raises(Failed) as caught:
        await read(chunk(0, "a"), chunk(1, code=ErrorCode.PROVIDER_UNAVAILABLE))
    assert caught.value.code is ErrorCode.PROVIDER_UNAVAILABLE


async def test_a_stream_that_could_not_be_restored_is_healed_by_the_answer() -> None:
    lost = [chunk(number, code=ErrorCode.STREAM_BROKEN) for number in (1, 2)]
    assert await read(chunk(0, "a"), *lost, answer("abc")) == ["a", "bc"]


async def test_a_stream_that_could_not_be_restored_and_falls_silent_is_broken() -> None:
    with pytest.raises(StreamBroken):
        await read(chunk(0, "a"), chunk(1, code=ErrorCode.STREAM_BROKEN))


async def test_an_answer_to_another_body_is_a_conflict() -> None:
    other = answer("x").model_copy(update={"request_sha256": "b" * 64})
    with pytest.raises(Conflict):
        await read(other)


async def test_lost_messages_are_looked_up_at_once() -> None:
    mailbox, stored = Mailbox(), Stored(answer("ab"))
    mailbox.put(chunk(0, "a"))
    mailbox.put(None)
    streaming = Streaming(mailbox, stored, Ticket(REQUEST, DIGEST, 30.0))
    assert [text async for text in streaming.pieces()] == ["a", "b"]
    assert stored.asked == 1
