"""Pieces leave early, together, in order, and silence is filled with signs of life."""

import asyncio

import pytest

from services.router import chunks as module
from services.router.chunks import Chunks
from shared.contracts.completions import ChunkProduced
from tests.unit.router.world import request


async def collected(chunks: Chunks, work: asyncio.Task[None]) -> list[ChunkProduced]:
    return [chunk async for chunk in chunks.until_done(work)]


async def test_the_first_piece_leaves_at_once_and_the_next_ones_together() -> None:
    chunks = Chunks(request(stream=True), "c0ffee")

    async def speak() -> None:
        for word in ("et ", "to ", "tre ", "fire"):
            chunks.say(word)
            await asyncio.sleep(0.003)

    sent = await collected(chunks, asyncio.create_task(speak()))

    assert [one.text for one in sent] == ["et ", "to tre fire"]
    assert [one.sequence for one in sent] == [0, 1]


async def test_silence_is_filled_with_numbered_signs_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.02)
    chunks = Chunks(request(stream=True), "c0ffee")

    async def think() -> None:
        await asyncio.sleep(0.05)
        chunks.say("Hej")

    sent = await collected(chunks, asyncio.create_task(think()))

    assert [one.text for one in sent][-1] == "Hej"
    assert len(sent) >= 2
    assert [one.sequence for one in sent] == list(range(len(sent)))
    assert chunks.end().sequence == len(sent)


async def test_what_was_said_last_leaves_before_the_end() -> None:
    chunks = Chunks(request(stream=True), "c0ffee")

    async def speak() -> None:
        chunks.say("a")
        await asyncio.sleep(0.002)
        chunks.say("b")

    sent = await collected(chunks, asyncio.create_task(speak()))

    assert "".join(one.text for one in sent) == "ab"


async def test_nothing_said_is_nothing_sent() -> None:
    chunks = Chunks(request(stream=True), "c0ffee")

    sent = await collected(chunks, asyncio.create_task(asyncio.sleep(0)))

    assert sent == []
