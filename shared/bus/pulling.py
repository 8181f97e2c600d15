"""Taking messages from a durable consumer: an open pull request that asks for what is free."""

import asyncio
import itertools
import json
import logging
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import nats.errors
from nats.aio.msg import Msg

from shared.bus.connection import Connection
from shared.contracts.catalog import Consumer

_log = logging.getLogger(__name__)

PULL_S_MAX: Final = 30
HEARTBEAT_S: Final = 3
SILENCE_S_MAX: Final = 3 * HEARTBEAT_S
RETRY_S: Final = 0.5
_ACK_PREFIX: Final = "$JS.ACK."
_SHORT_FORM: Final = 9
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in its stream, read from its acknowledgement subject."""

    sequence: int
    delivery: int
    received_at: datetime

    @classmethod
    def of(cls, message: Msg) -> "Place":
        """Return the place of a message that JetStream delivered."""
        tokens = message.reply.split(".")
        # Servers write two forms; the longer one adds a domain and an account hash in front.
        start = 4 if len(tokens) == _SHORT_FORM else 6
        delivery, sequence, _, time_ns = (int(token) for token in tokens[start : start + 4])
        return cls(sequence, delivery, datetime.fromtimestamp(time_ns / _NS, UTC))


class Pull:
    """An open request for messages of one consumer.

    Never asks for more than it is told is free, so nothing waits here that another replica could
    do. It knows when it last heard from the server, which is what readiness is made of: a deleted
    consumer, a deleted stream and a dead link all end in silence or a refusal, never in a hot loop.
    """

    def __init__(self, connection: Connection, consumer: Consumer) -> None:
        """Remember what to pull; `open` subscribes."""
        self.consumer = consumer
        self.problem: str | None = "not started"
        self._connection = connection
        self._queue: deque[Msg] = deque()
        self._arrived = asyncio.Event()
        self._requests: dict[str, int] = {}
        self._numbers = itertools.count()
        self._inbox = ""
        self._heard_s = 0.0
        self._reconnected = asyncio.Event()

    async def open(self) -> None:
        """Subscribe to the inbox that the server delivers into."""
        self._connection.on_reconnect.append(self._reconnected)
        self._inbox = self._connection.client.new_inbox()
        await self._connection.client.subscribe(f"{self._inbox}.*", cb=self._deliver)

    async def take(self, free: int) -> list[Msg]:
        """Return up to `free` waiting messages: at once if some wait, else when the first comes.

        Returns an empty list after a second without any, so that the caller can look around.
        """
        await self._ask(free - len(self._queue))
        if not self._queue:
            self._arrived.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return self.waiting(free)

    def waiting(self, count: int) -> list[Msg]:
        """Return up to `count` messages that are here already."""
        return [self._queue.popleft() for _ in range(min(count, len(self._queue)))]

    async def close(self) -> list[Msg]:
        """Stop asking and return what was delivered and not taken, for others to do."""
        self.problem = "stopping"
        untaken = list(self._queue)
        self._queue.clear()
        return untaken

    @property
    def outstanding(self) -> int:
        """Return how many messages are asked for and not here yet."""
        return sum(self._requests.values())

    async def _ask(self, free: int) -> None:
        self._give_up_on_silence()
        wanted = free - self.outstanding
        # One request for many is as cheap as one for one: ask again when half is used up.
        if wanted <= 0 or (self._requests and wanted < (free + 1) // 2):
            return
        if self.problem is not None and time.monotonic() - self._heard_s < RETRY_S:
            return
        reply = f"{self._inbox}.{next(self._numbers)}"
        request = {
            "batch": wanted,
            "expires": PULL_S_MAX * _NS,
            "idle_heartbeat": HEARTBEAT_S * _NS,
        }
        stream, name = self.consumer.stream.name, self.consumer.name
        self._requests[reply] = wanted
        self._heard_s = time.monotonic()
        try:
            await self._connection.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
                json.dumps(request).encode(),
                reply=reply,
            )
        except nats.errors.Error:
            self._fail(reply, "the bus is away")
            return
        if self.problem in {"not started", "silent"}:
            self.problem = None

    def _give_up_on_silence(self) -> None:
        """Forget requests that a restart, a new link or a lost message has made void."""
        silent = time.monotonic() - self._heard_s > SILENCE_S_MAX
        if self._requests and (silent or self._reconnected.is_set()):
            self._requests.clear()
            if silent:
                self.problem = "silent"
        self._reconnected.clear()

    async def _deliver(self, message: Msg) -> None:
        self._heard_s = time.monotonic()
        if message.reply.startswith(_ACK_PREFIX):
            self.problem = None
            self._count_delivered()
            self._queue.append(message)
            self._arrived.set()
            return
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status == "100":
            self.problem = None
        elif status in {"404", "408"}:
            self.problem = None
            self._requests.pop(message.subject, None)
            self._arrived.set()
        else:
            self._fail(message.subject, headers.get("Description", status or "refused"))

    def _count_delivered(self) -> None:
        for reply, left in self._requests.items():
            if left <= 1:
                del self._requests[reply]
            else:
                self._requests[reply] = left - 1
            return

    def _fail(self, reply: str, reason: str) -> None:
        self._requests.pop(reply, None)
        if self.problem != reason:
            facts = {"consumer": self.consumer.name, "reason": reason}
            _log.warning("cannot take messages", extra={"facts": facts})
        self.problem = reason
