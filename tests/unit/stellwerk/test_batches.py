"""Many texts go in as many requests as their answers need, and come back in their order."""

import asyncio
import base64
import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.requests import TRANSLATED_BYTES_MAX, texts_max
from shared.contracts.values import Language, new_id
from stellwerk.answer import Answer
from stellwerk.asking import request_of
from stellwerk.batches import SIDE_BY_SIDE_MAX, batches, embedded, translated
from stellwerk.errors import Failed, InvalidRequest, NoAnswer, Refused, TooLarge

Answering = Callable[[Sequence[str], dict[str, Any]], Answer]


def _answer(**changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "text": "",
        "model": "vectors",
        "provider": "near-by",
        "finish_reason": FinishReason.STOP,
        "usage": TokenUsage(input_tokens=3, output_tokens=0),
        "cost_nano": 0,
        "currency": "EUR",
        "language": Language.DANISH,
        "masked_count": 0,
        "unresolved_count": 0,
    }
    return Answer(**(fields | changes))


def _vector(number: float) -> str:
    return base64.b64encode(struct.pack("<2f", number, -number)).decode()


class Platform:
    """Answers as the platform would, and remembers what it was asked."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.asked: list[tuple[list[str], dict[str, Any]]] = []
        self.in_hand = self.in_hand_most = 0

    async def complete(self, messages: Sequence[dict[str, str]], **options: Any) -> Answer:
        texts = [message["content"] for message in messages]
        request_of(messages, "default", "crm", stream=False, **options)  # Refuses what it must.
        self.asked.append((texts, options))
        self.in_hand += 1
        self.in_hand_most = max(self.in_hand, self.in_hand_most)
        await asyncio.sleep(0)
        self.in_hand -= 1
        return self._answering(texts, options)


def _by_number(texts: Sequence[str], _: dict[str, Any]) -> Answer:
    return _answer(embeddings=tuple(_vector(float(text)) for text in texts))


async def test_vectors_come_back_in_the_order_of_their_texts_however_many() -> None:
    platform = Platform(_by_number)
    numbers = [str(number) for number in range(7 * 40 + 3)]

    found = await embedded(platform.complete, numbers, {"model": "vectors"})

    assert found == [[float(number), -float(number)] for number in numbers]
    assert [len(texts) for texts, _ in platform.asked] == [40] * 7 + [3]
    assert {options["operation"] for _, options in platform.asked} == {"embed"}
    assert platform.in_hand_most == SIDE_BY_SIDE_MAX


async def test_fewer_dimensions_go_more_at_once() -> None:
    platform = Platform(_by_number)
    await embedded(platform.complete, ["1"] * 200, {"dimensions": 512})
    assert [len(texts) for texts, _ in platform.asked] == [96, 96, 8]


async def test_each_request_of_a_key_has_a_key_of_its_own() -> None:
    platform = Platform(_by_number)
    await embedded(platform.complete, ["1"] * 41, {"idempotency_key": "k"})
    await embedded(platform.complete, ["1"], {"idempotency_key": "k"})
    keys = [options["idempotency_key"] for _, options in platform.asked]
    assert keys == ["k/0", "k/1", "k"]


async def test_vectors_of_two_models_are_never_mixed() -> None:
    models = iter(["near", "far"])
    platform = Platform(
        lambda texts, _: _answer(embeddings=(_vector(1),) * len(texts), model=next(models))
    )
    with pytest.raises(NoAnswer, match="cannot be compared"):
        await embedded(platform.complete, ["1"] * 41, {})


async def test_the_first_error_ends_it() -> None:
    def fail(texts: Sequence[str], options: dict[str, Any]) -> Answer:
        raise Failed(ErrorDetail.of(ErrorCode.PROVIDER_UNAVAILABLE))

    with pytest.raises(Failed) as caught:
        await embedded(Platform(fail).complete, ["1"] * 400, {})
    assert caught.value.code is ErrorCode.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize("texts", ["one text", {"a", "b"}, None])
async def test_one_text_is_not_taken_for_a_list_of_letters(texts: object) -> None:
    with pytest.raises(InvalidRequest, match="a list of texts"):
        await embedded(Platform(_by_number).complete, texts, {})  # type: ignore[arg-type]


async def test_nothing_is_asked_for_nothing() -> None:
    platform = Platform(_by_number)
    assert await embedded(platform.complete, [], {}) == []
    assert await translated(platform.complete, [], {"target_language": "de"}) == []
    assert platform.asked == []


def _upper(texts: Sequence[str], _: dict[str, Any]) -> Answer:
    return _answer(translations=tuple(text.upper() for text in texts))


async def test_translations_are_split_by_their_length() -> None:
    platform = Platform(_upper)
    texts = ["æ" * 7_000, "ø" * 7_000, "å" * 40_000, "x"]

    found = await translated(platform.complete, texts, {"target_language": "de"})

    assert found == [text.upper() for text in texts]
    assert [[len(text) for text in texts] for texts, _ in platform.asked] == [
        [7_000, 7_000],
        [40_000],
        [1],
    ]
    assert {options["target_language"] for _, options in platform.asked} == {"de"}


def _one_by_one(texts: Sequence[str], options: dict[str, Any]) -> Answer:
    if len(texts) > 1:
        raise Refused(ErrorDetail.of(ErrorCode.NO_CAPABLE_MODEL))
    return _upper(texts, options)


async def test_a_model_that_only_chats_gets_one_text_at_a_time() -> None:
    platform = Platform(_one_by_one)
    options: Any = {"target_language": "de", "idempotency_key": "k"}

    assert await translated(platform.complete, ["a", "b", "c"], options) == ["A", "B", "C"]

    assert [texts for texts, _ in platform.asked] == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    keys = [options["idempotency_key"] for _, options in platform.asked]
    assert keys == ["k", "k/0", "k/1", "k/2"]


async def test_a_translation_that_was_cut_is_none() -> None:
    platform = Platform(
        lambda _, __: _answer(translations=("Sehr geehr",), finish_reason=FinishReason.LENGTH)
    )
    with pytest.raises(NoAnswer, match="in the middle of a translation"):
        await translated(platform.complete, ["Kære"], {"target_language": "de"})


async def test_another_refusal_is_passed_on() -> None:
    def refuse(texts: Sequence[str], options: dict[str, Any]) -> Answer:
        raise Refused(ErrorDetail.of(ErrorCode.BUDGET_EXHAUSTED))

    platform = Platform(refuse)
    with pytest.raises(Refused):
        await translated(platform.complete, ["a", "b"], {"target_language": "de"})
    assert len(platform.asked) == 1


async def test_a_text_that_is_too_long_alone_is_not_sent() -> None:
    platform = Platform(_upper)
    with pytest.raises(TooLarge, match="Split it"):
        await translated(
            platform.complete, ["x" * (TRANSLATED_BYTES_MAX + 1)], {"target_language": "de"}
        )
    assert platform.asked == []


def test_too_many_texts_for_one_answer_are_refused_here_with_what_to_do() -> None:
    texts = [{"role": "user", "content": "x"}] * 161
    with pytest.raises(TooLarge, match=r"160 texts to embed with 1,024 dimensions each"):
        request_of(texts, "default", "crm", stream=False, operation="embed", dimensions=1024)
    assert texts_max(1024) == 160


def test_a_part_is_never_larger_than_allowed() -> None:
    parts = list(batches(["a" * 10, "b" * 10, "c" * 100, "d"], 2, 160))
    assert parts == [["a" * 10, "b" * 10], ["c" * 100], ["d"]]
