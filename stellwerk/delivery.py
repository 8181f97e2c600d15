"""Hands each live message to whoever waits for its request."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nats.aio.msg import Msg

from shared.contracts.catalog import known_types
from shared.contracts.completions import ChunkRestored, CompletionRestored
from shared.contracts.event import ContractError, decode

Delivered = CompletionRestored | ChunkRestored
_KNOWN: Final = {**known_types(CompletionRestored), **known_types(ChunkRestored)}


def delivered(message: Msg) -> Delivered | None:
    """Return what a live message holds; one that breaks its contract is left to the look-up."""
    try:
        event = decode(message.data, _KNOWN)
    except ContractError:
        return None
    return event if isinstance(event, CompletionRestored | ChunkRestored) else None


class Mailbox:
    """What has arrived for one waiting caller."""

    def __init__(self) -> None:
        self._arrived: deque[Delivered | None] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Delivered | None) -> None:
        self._arrived.append(item)
        self._wake()

    async def next(self, wait_s: float) -> Delivered | None:
        """Return what arrives next; None after `wait_s` of silence, or when some may be lost."""
        if not self._arrived:
            # asyncio.wait_for would make a task of each wait, and a stream waits for each piece.
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(wait_s, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        return self._arrived.popleft() if self._arrived else None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Delivery:
    """The mailboxes of one client, by request id as it stands in the subject."""

    def __init__(self) -> None:
        self._mailboxes: dict[str, list[Mailbox]] = {}

    @contextmanager
    def mailbox(self, request_id: object) -> Iterator[Mailbox]:
        """Keep a mailbox open; what comes while none is open for a request is dropped unread."""
        key, opened = str(request_id), Mailbox()
        self._mailboxes.setdefault(key, []).append(opened)
        try:
            yield opened
        finally:
            self._mailboxes[key].remove(opened)
            if not self._mailboxes[key]:
                del self._mailboxes[key]

    async def message(self, message: Msg) -> None:
        """Take a live message, unless nobody waits for it."""
        waiting = self._mailboxes.get(message.subject.rsplit(".", 1)[-1])
        if not waiting:
            return
        event = delivered(message)
        if event is not None:
            for mailbox in waiting:
                mailbox.put(event)

    def wake_all(self) -> None:
        """Tell every waiting caller that messages may have been lost."""
        for mailboxes in self._mailboxes.values():
            for mailbox in mailboxes:
                mailbox.put(None)
