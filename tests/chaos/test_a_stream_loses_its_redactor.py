"""The redactor is killed in the middle of a stream: an error now, the whole answer later."""

import asyncio

import pytest

from stellwerk.asking import Options
from stellwerk.errors import StillWaiting, StreamBroken
from stellwerk.stream import AnswerStream
from tests.chaos.story import MARKS
from tests.fixtures.platform import Platform, Process

pytestmark = MARKS

WORDS = "Kære Klient_001. " * 40
RESTORED = WORDS.replace("Klient_001", "Mette Skovlund")
PIECES_BEFORE = 3


@pytest.mark.parametrize(
    "options", [Options(model="scripted"), Options(model="scripted", conversation_id="killed")]
)
async def test_a_stream_ends_in_an_error_and_its_answer_comes_after_the_restart(
    platform: Platform, options: Options
) -> None:
    platform.script(text=WORDS, latency_ms=0, chunk_delay_ms=20)
    redactor = platform.processes["redactor"]
    async with platform.client() as client:
        stream = client.stream("Mette Skovlund ringede.", **options)
        heard: list[str] = []
        with pytest.raises((StreamBroken, StillWaiting)):
            await _listen(stream, heard, redactor)
        assert len(heard) >= PIECES_BEFORE
        assert RESTORED.startswith("".join(heard))
        assert len("".join(heard)) < len(RESTORED)

        redactor.start()
        await asyncio.to_thread(redactor.wait_ready)
        assert (await client.collect(stream.request_id)).text == RESTORED
    platform.script(text=None, chunk_delay_ms=0)


async def _listen(stream: AnswerStream, heard: list[str], redactor: Process) -> None:
    async for piece in stream:
        heard.append(piece)
        if len(heard) == PIECES_BEFORE:
            redactor.kill()
