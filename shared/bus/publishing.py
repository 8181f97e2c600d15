"""Publishing: many messages at once, each until JetStream has confirmed it."""

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.errors import DependencyDown

_log = logging.getLogger(__name__)

ACK_S_MAX: Final = 2.0
BACKOFF_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 2, 2, 2, 2)
MESSAGE_ID: Final = "Nats-Msg-Id"
SEALED: Final = "Sw-Sealed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out."""

    id: UUID
    subject: str
    payload: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.payload) + sum(len(name) + len(self.headers[name]) for name in self.headers)


class Publisher:
    """Sends messages and waits for their confirmations, over one inbox for all of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = ""
        self._numbers = itertools.count()
        self._waiting: dict[str, _Group] = {}

    async def open(self) -> None:
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._confirmed)

    async def durable(
        self, messages: Sequence[Outgoing], backoff_s: Sequence[float] = BACKOFF_S
    ) -> None:
        """Return once JetStream has stored every message.

        Each carries its event's id, so a repeated attempt cannot store it twice. Raises
        `DependencyDown` when the bus does not confirm in as many attempts as there are pauses in
        `backoff_s`: do not acknowledge the cause, it will come again.
        """
        left = list(messages)
        for wait_s in backoff_s:
            if not left:
                return
            left = await self._attempt(left)
            if left:
                _log.warning("not confirmed yet", extra={"facts": {"messages": len(left)}})
                await asyncio.sleep(wait_s)
        if left:
            raise DependencyDown("nats")

    async def live(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> None:
        try:
            await self._client.publish(subject, payload, headers=headers)
        except nats.errors.Error:
            _log.debug("a live message was dropped")

    async def _attempt(self, messages: list[Outgoing]) -> list[Outgoing]:
        group = _Group(len(messages))
        sent: dict[str, Outgoing] = {}
        for message in messages:
            reply = f"{self._inbox}.{next(self._numbers):x}"
            sent[reply] = message
            self._waiting[reply] = group
            headers = message.headers | {MESSAGE_ID: str(message.id)}
            try:
                await self._client.publish(
                    message.subject, message.payload, reply=reply, headers=headers
                )
            except nats.errors.Error:
                break
        try:
            async with asyncio.timeout(ACK_S_MAX):
                await group.done.wait()
        except TimeoutError:
            pass
        finally:
            for reply in sent:
                self._waiting.pop(reply, None)
        attempted = [message for reply, message in sent.items() if reply not in group.stored]
        return attempted + messages[len(sent) :]

    async def _confirmed(self, message: Msg) -> None:
        group = self._waiting.pop(message.subject, None)
        if group is None:
            return
        stored = b'"error"' not in message.data[:12] and b'"stream"' in message.data
        if not stored:
            facts = {"answer": message.data[:200].decode("ascii", "replace")}
            _log.warning("the bus refused a message", extra={"facts": facts})
        group.answer(message.subject, stored=stored)


class _Group:
    """How many confirmations one attempt still waits for."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.stored: set[str] = set()
        self.done = asyncio.Event()

    def answer(self, reply: str, *, stored: bool) -> None:
        self.left -= 1
        if stored:
            self.stored.add(reply)
        if self.left == 0:
            self.done.set()
