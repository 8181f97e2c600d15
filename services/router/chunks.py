"""The live side of a streamed answer: numbered, coalesced pieces, and signs of life in silence."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Final

from shared.contracts.completions import ChunkProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import RequestRedacted
from shared.contracts.values import new_id

COALESCED_S: Final = 0.025
"""Faster than anyone reads, and a quarter of the messages of a fast model."""
HEARTBEAT_S: Final = 5.0
"""A caller gives a stream up after 15 s without a sign of life."""


class Chunks:
    """What one request's caller is told while its answer is made."""

    def __init__(self, event: RequestRedacted, config_version: str) -> None:
        self._event = event
        self._config_version = config_version
        self._digest = sha256()
        self._texts: list[str] = []
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._hushed = False
        self.count = 0

    def say(self, text: str) -> None:
        """Pass on a piece of the answer: at once, or with what follows within 25 ms."""
        self._texts.append(text)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._not_before), self._wake.set)

    def hush(self) -> None:
        """Give no sign of life any more: the bus is about to have the request back.

        Whoever takes it up next begins with chunk 0. Until its first chunk comes, no caller counts
        silence, so a stream that waits is quiet, and none breaks for it.
        """
        self._hushed = True

    async def until_done(self, work: asyncio.Task[object]) -> AsyncIterator[ChunkProduced]:
        """Yield chunks while `work` runs, and what is left when it has ended.

        Raises nothing that `work` raises; closing the iterator leaves `work` alone.
        """
        work.add_done_callback(lambda _: self._wake.set())
        while not work.done():
            if await self._silent():
                if not self._hushed:
                    yield self._chunk()
            elif self._texts:
                yield self._said()
        if self._timer is not None:
            self._timer.cancel()
        if self._texts:
            yield self._said()

    def end(self, code: ErrorCode | None = None) -> ChunkProduced:
        """Return the end marker: the digest of all text, or why there is no whole answer."""
        digest = self._digest.hexdigest() if code is None else None
        return self._chunk(end=True, sha256=digest, code=code)

    @property
    def count_with_rest(self) -> int:
        """Return how many chunks there are once what is waiting has left."""
        return self.count + bool(self._texts)

    async def _silent(self) -> bool:
        """Wait for something to say; return whether a sign of life is due instead."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._wake.wait()
        except TimeoutError:
            return True
        self._wake.clear()
        return False

    def _said(self) -> ChunkProduced:
        text = "".join(self._texts)
        self._texts.clear()
        self._timer = None
        self._not_before = asyncio.get_running_loop().time() + COALESCED_S
        self._digest.update(text.encode())
        return self._chunk(text)

    def _chunk(
        self,
        text: str = "",
        *,
        end: bool = False,
        sha256: str | None = None,
        code: ErrorCode | None = None,
    ) -> ChunkProduced:
        event = self._event
        number = self.count
        self.count += not end
        return ChunkProduced(
            # Not derived: a second delivery of the request makes other chunks than the first.
            id=new_id(),
            tenant=event.tenant,
            app=event.app,
            request_id=event.request_id,
            config_version=self._config_version,
            cause=event.id,
            sequence=number,
            text=text,
            end=end,
            sha256=sha256,
            code=code,
            redactor=event.redactor,
        )
