"""Many texts to embed or to translate, in as many requests as have room for their answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

from shared.contracts.completions import FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import PAYLOAD_BYTES_MAX, Operation, Role, texts_max
from stellwerk.answer import Answer
from stellwerk.asking import Options
from stellwerk.errors import InvalidRequest, NoAnswer, Refused

SIDE_BY_SIDE_MAX: Final = 4
"""Requests of one call in hand at once: an app's queue is for its other callers too."""
TEXTS_MAX: Final = 96
"""As many as every provider takes at once: Cohere embeds 96, Google translates 128."""
TRANSLATED_BYTES: Final = 30_000
"""As much as Google translates at once; a longer text goes alone, to whoever takes it."""
FRAME_BYTES: Final = 64
"""What a message takes beside its text."""
_ROOM_BYTES: Final = 448 * 1024
"""Of the largest payload; the rest is for metadata and the envelope."""
assert _ROOM_BYTES < PAYLOAD_BYTES_MAX

Complete = Callable[..., Awaitable[Answer]]
Texts = Sequence[str]
_Result = TypeVar("_Result")


async def embedded(complete: Complete, texts: Texts, options: Options) -> list[list[float]]:
    """Return the vector of each text; see `Client.embed`."""
    options = {**options, "operation": Operation.EMBED.value}
    count_max = min(TEXTS_MAX, texts_max(options.get("dimensions")))
    parts = list(batches(_checked(texts), count_max, _ROOM_BYTES))
    answers = await _side_by_side(
        [_asking(complete, part, _keyed(options, n, len(parts))) for n, part in enumerate(parts)]
    )
    if len({(answer.provider, answer.model) for answer in answers}) > 1:
        raise NoAnswer(
            "The texts were embedded by different models, whose vectors cannot be compared. "
            "Name one model and try again."
        )
    return [vector for answer in answers for vector in answer.vectors]


async def translated(complete: Complete, texts: Texts, options: Options) -> list[str]:
    """Return the translation of each text; see `Client.translate`."""
    options = {**options, "operation": Operation.TRANSLATE.value}
    parts = list(batches(_checked(texts), TEXTS_MAX, TRANSLATED_BYTES))

    async def translate(part: Texts, options: Options) -> Sequence[str]:
        try:
            return _whole(await _ask(complete, part, options))
        except Refused as refused:
            if refused.code is not ErrorCode.NO_CAPABLE_MODEL or len(part) == 1:
                raise
        # Nobody is there who translates many at once; who chats does it one by one.
        alone = [_keyed(options, n, len(part)) for n in range(len(part))]
        answers = [await _ask(complete, [text], own) for text, own in zip(part, alone, strict=True)]
        return [translation for answer in answers for translation in _whole(answer)]

    def job(part: Texts, number: int) -> Callable[[], Awaitable[Sequence[str]]]:
        return lambda: translate(part, _keyed(options, number, len(parts)))

    results = await _side_by_side([job(part, n) for n, part in enumerate(parts)])
    return [translation for result in results for translation in result]


def _whole(answer: Answer) -> Sequence[str]:
    """Return the translations; one that was cut is no translation."""
    if answer.finish_reason is not FinishReason.STOP:
        raise NoAnswer(
            "The model stopped in the middle of a translation. Split the text, or let it be longer "
            "by max_tokens.",
            request_id=answer.request_id,
        )
    return answer.translations


def batches(texts: Texts, count_max: int, bytes_max: int) -> Iterator[list[str]]:
    """Yield the texts in order, together as long as they fit; one that is too long is alone."""
    part: list[str] = []
    size = 0
    for text in texts:
        bytes_of_text = _bytes_of(text)
        if part and (len(part) == count_max or size + bytes_of_text > bytes_max):
            yield part
            part, size = [], 0
        part.append(text)
        size += bytes_of_text
    if part:
        yield part


def _bytes_of(text: str) -> int:
    """Return what a text takes in a request, at most."""
    return len(json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass")) + FRAME_BYTES


def _checked(texts: object) -> Texts:
    # A text is a sequence of texts as well: of one letter each, and each would be paid for.
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise InvalidRequest("The request was not sent: give a list of texts.")
    return texts


def _keyed(options: Options, number: int, count: int) -> Options:
    """Return the options of one of several requests, each with a key of its own."""
    key = options.get("idempotency_key")
    return (
        options if key is None or count == 1 else {**options, "idempotency_key": f"{key}/{number}"}
    )


def _asking(complete: Complete, part: Texts, options: Options) -> Callable[[], Awaitable[Answer]]:
    return lambda: _ask(complete, part, options)


async def _ask(complete: Complete, part: Texts, options: Options) -> Answer:
    messages = [{"role": Role.USER.value, "content": text} for text in part]
    return await complete(messages, **options)


async def _side_by_side(jobs: Sequence[Callable[[], Awaitable[_Result]]]) -> list[_Result]:
    """Return all results in order; raise the first error, and begin nothing any more."""
    room = asyncio.Semaphore(SIDE_BY_SIDE_MAX)

    async def one(job: Callable[[], Awaitable[_Result]]) -> _Result:
        async with room:
            return await job()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(job)) for job in jobs]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
