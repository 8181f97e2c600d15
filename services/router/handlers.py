"""Takes masked requests and yields what becomes of them, live and for good."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from uuid import UUID

from services.router.chunks import Chunks
from services.router.journey import Journey, Result, World
from services.router.outcomes import lost, refused
from shared.bus import GivenUp
from shared.contracts.completions import CompletionFailed
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted, RequestRefused


class Router:
    """The handler of the slots: each request that it is given ends in one outcome and one usage."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in_hand: dict[UUID, asyncio.Event] = {}

    async def request_redacted(self, event: RequestRedacted) -> AsyncIterator[Event]:
        """Have a request answered; yield chunks while it is, then what is kept of it."""
        while event.request_id in self._in_hand:
            # The same request, sent again before it was answered: its answer is ours too.
            await self._in_hand[event.request_id].wait()
        ended = self._in_hand[event.request_id] = asyncio.Event()
        try:
            if event.stream:
                async for effect in self._streamed(event):
                    yield effect
            else:
                for effect in (await Journey(event, self._world, None).run()).events:
                    yield effect
        finally:
            del self._in_hand[event.request_id]
            ended.set()

    def given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Tell the caller of a request that could not be handled, and settle its hold."""
        version = self._world.configuration.version
        if isinstance(letter.event, RequestRedacted):
            if letter.code.is_refusal:
                return [refused(letter.event, version, letter.code)]
            return lost(letter.event, version, letter.code)
        if letter.code.is_refusal:
            return [letter.following(RequestRefused, code=letter.code)]
        return [letter.following(CompletionFailed, code=letter.code, attempts=0)]

    async def _streamed(self, event: RequestRedacted) -> AsyncIterator[Event]:
        chunks = Chunks(event, self._world.configuration.version)
        work = asyncio.create_task(Journey(event, self._world, chunks).run())
        try:
            async for chunk in chunks.until_done(work):
                yield chunk
            result = await work
        finally:
            await _cancelled(work)
        if result.tell:
            yield chunks.end(result.code)
        for effect in result.events:
            yield effect


async def _cancelled(work: asyncio.Task[Result]) -> None:
    """End work that nobody waits for any more, and with it the call that it has open."""
    if not work.done():
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
