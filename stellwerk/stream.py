"""A streamed answer: text as it comes, and never a broken one passed off as whole."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final

from shared.contracts.completions import ChunkRestored, CompletionRestored
from shared.contracts.errors import ErrorCode, ErrorDetail
from stellwerk.answer import Answer, Ticket
from stellwerk.assembly import Assembly, Gap
from stellwerk.delivery import Mailbox
from stellwerk.errors import Failed, StreamBroken
from stellwerk.exchange import pauses
from stellwerk.waiting import (
    LOOK_UP_AFTER_S,
    LOOK_UP_PAUSE_S_MAX,
    LOOK_UP_PAUSE_S_MIN,
    LookUp,
    result_of,
    still_waiting,
)

SILENCE_S_MAX: Final = 15.0
"""A stream sends a heartbeat while it has nothing to say; this long without one, it is dead."""
_END_MARKER_WAIT_S: Final = 1.0
_RESULT_AFTER_ERROR_WAIT_S: Final = 5.0


class AnswerStream:
    """One answer, piece by piece: `async for text in stream`.

    Iterating raises what `Client.complete` raises, and `StreamBroken` when what arrived is not the
    whole answer. `answer()` returns the whole answer with its cost afterwards.
    """

    def __init__(
        self,
        ticket: Ticket,
        pieces: AsyncGenerator[str],
        collect: Callable[[Ticket], Awaitable[Answer]],
    ) -> None:
        self.request_id = ticket.request_id
        self._ticket = ticket
        self._pieces = pieces
        self._collect = collect

    def __aiter__(self) -> AsyncIterator[str]:
        return self._pieces

    async def answer(self) -> Answer:
        """Return the whole answer, after reading whatever of the stream is left."""
        async for _ in self._pieces:
            pass
        return await self._collect(self._ticket)

    async def aclose(self) -> None:
        """Stop listening; the request itself goes on, and can be collected."""
        await self._pieces.aclose()


class Streaming:
    """Turns what arrives for one request into text that is known to be in order."""

    def __init__(
        self,
        mailbox: Mailbox,
        look_up: LookUp,
        ticket: Ticket,
        silence_s_max: float = SILENCE_S_MAX,
    ) -> None:
        self._silence_s_max = silence_s_max
        self._mailbox = mailbox
        self._look_up = look_up
        self._ticket = ticket
        self._assembly = Assembly()
        self._answer: Answer | None = None
        self._broken = False
        self._failed_with: ErrorCode | None = None
        self._give_up_at = time.monotonic() + ticket.wait_s

    async def pieces(self) -> AsyncGenerator[str]:
        """Yield the text; a hole is filled from the durable answer, or is an error."""
        while not self._assembly.ended:
            item = await self._next()
            if isinstance(item, ChunkRestored):
                text = self._take(item)
                if text:
                    yield text
            elif item is not None:
                self._answer = Answer.of(item, self._ticket.request_sha256)
            if self._answer is not None and (item is None or self._broken):
                rest = self._rest_of(self._answer)
                if rest:
                    yield rest
                return

    async def answer(self) -> Answer:
        """Return the whole answer, after all pieces have come."""
        if self._answer is None:
            result = await result_of(self._mailbox, self._look_up, self._ticket)
            self._answer = Answer.of(result, self._ticket.request_sha256)
        return self._answer

    def _take(self, chunk: ChunkRestored) -> str:
        if chunk.code is ErrorCode.STREAM_BROKEN:
            # Live delivery failed on its way here; the answer itself may still become whole.
            self._broken = True
        elif chunk.code is not None:
            self._failed_with = chunk.code
            self._broken = True
            soon = time.monotonic() + _RESULT_AFTER_ERROR_WAIT_S
            self._give_up_at = min(self._give_up_at, soon)
        if self._broken:
            return ""  # a sign of life, no more: what comes after a hole cannot be shown
        try:
            return self._assembly.add(chunk)
        except Gap:
            self._broken = True
            return ""

    def _rest_of(self, answer: Answer) -> str:
        try:
            return self._assembly.rest_of(answer.text)
        except Gap:
            raise StreamBroken(request_id=self._ticket.request_id) from None

    async def _next(self) -> ChunkRestored | CompletionRestored | None:
        """Return what arrives next; None when nothing will and the whole answer is known."""
        if self._answer is not None:
            # The end marker is right behind the answer, unless another replica restored it.
            return await self._mailbox.next(_END_MARKER_WAIT_S)
        silent_since = time.monotonic()
        wait_s = LOOK_UP_AFTER_S
        for pause_s in pauses(LOOK_UP_PAUSE_S_MIN, LOOK_UP_PAUSE_S_MAX):
            item = await self._mailbox.next(self._clipped(wait_s, silent_since))
            if item is not None:
                return item
            found = await self._look_up()
            if found is not None:
                self._answer = Answer.of(found, self._ticket.request_sha256)
                return None
            self._raise_if_over(silent_since)
            wait_s = pause_s
        raise AssertionError("the pauses never end")

    def _clipped(self, wait_s: float, silent_since: float) -> float:
        now = time.monotonic()
        over_at = self._give_up_at
        if self._assembly.begun:
            over_at = min(over_at, silent_since + self._silence_s_max)
        return min(wait_s, max(0.0, over_at - now))

    def _raise_if_over(self, silent_since: float) -> None:
        now = time.monotonic()
        late = now >= self._give_up_at
        silent = self._assembly.begun and now >= silent_since + self._silence_s_max
        if not late and not silent:
            return
        if self._failed_with is not None:
            detail = ErrorDetail.of(self._failed_with)
            raise Failed(detail, request_id=self._ticket.request_id)
        if self._assembly.begun:
            raise StreamBroken(request_id=self._ticket.request_id)
        raise still_waiting(self._ticket)
