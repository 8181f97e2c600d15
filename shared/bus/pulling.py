"""Taking messages from a durable consumer: an open pull request that asks for what is free."""

import asyncio
import itertools
import json
import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import nats.errors
from nats.aio.msg import Msg

from shared.bus.connection import Connection
from shared.contracts.catalog import Consumer

_log = logging.getLogger(__name__)

PULL_S_MAX: Final = 30
HEARTBEAT_S: Final = 3
SILENCE_S_MAX: Final = 3 * HEARTBEAT_S
OPEN_REQUESTS_MAX: Final = 16
RETRY_S: Final = 0.5
WAIT_S_MAX: Final = 1.0
CLOSE_S_MAX: Final = 1.0
_ACK_PREFIX: Final = "$JS.ACK."
_SHORT_FORM: Final = 9
_NS: Final = 1_000_000_000
_WAIT: Final = {"expires": PULL_S_MAX * _NS, "idle_heartbeat": HEARTBEAT_S * _NS}
_NO_WAIT: Final = {"no_wait": True}
_HEARTBEAT: Final = "100"
_ENDED: Final = frozenset({"404", "408"})
_REASONS: Final = {"503": "no such consumer"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in its stream, read from its acknowledgement subject."""

    sequence: int
    delivery: int
    received_at: datetime

    @classmethod
    def of(cls, message: Msg) -> "Place":
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
        self.consumer = consumer
        self.problem: str | None = "not started"
        self.queue: deque[Msg] = deque()
        self._connection = connection
        self._arrived = asyncio.Event()
        self._reconnected = asyncio.Event()
        self._numbers = itertools.count()
        self._inbox = ""
        self._subscription: Any = None
        # Each asks for half or more of what is free, so only the newest few can still be open.
        self._requests: deque[str] = deque(maxlen=OPEN_REQUESTS_MAX)
        self._outstanding = 0
        self._heard_s = 0.0

    async def open(self) -> None:
        self._connection.on_reconnect.append(self._reconnected)
        client = self._connection.client
        self._inbox = client.new_inbox()
        self._subscription = await client.subscribe(f"{self._inbox}.*", cb=self._deliver)

    async def take(self, free: int) -> list[Msg]:
        """Return up to `free` waiting messages: at once if some wait, else when the first comes.

        Returns an empty list after a second without any, or when woken, so that the caller can
        look around.
        """
        self._arrived.clear()
        await self._ask(free - len(self.queue))
        if not self.queue:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S_MAX):
                    await self._arrived.wait()
        return self.waiting(free)

    def waiting(self, count: int) -> list[Msg]:
        return [self.queue.popleft() for _ in range(min(count, len(self.queue)))]

    def wake(self) -> None:
        self._arrived.set()

    async def close(self) -> list[Msg]:
        self.problem = "stopping"
        if self._subscription is None:
            return []
        # The server sees that nobody listens and delivers no more; what is on its way still comes.
        with suppress(nats.errors.Error, TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._subscription.drain()
        return self.waiting(len(self.queue))

    async def _ask(self, free: int) -> None:
        self._give_up_on_silence()
        wanted = free - self._outstanding
        # One request for many is as cheap as one for one: ask again when half is used up.
        enough = wanted <= 0 or (self._outstanding and wanted < (free + 1) // 2)
        if enough or not self._connection.is_up:
            return
        now_s = time.monotonic()
        if self.problem is not None and now_s - self._heard_s < RETRY_S:
            return
        reply = f"{self._inbox}.{next(self._numbers)}"
        stream, name = self.consumer.stream.name, self.consumer.name
        # A first request is answered at once in any case, which proves that the consumer exists.
        request = {"batch": wanted} | (_NO_WAIT if self.problem is not None else _WAIT)
        self._requests.append(reply)
        self._outstanding += wanted
        self._heard_s = now_s
        try:
            place = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"
            await self._connection.client.publish(place, json.dumps(request).encode(), reply=reply)
        except nats.errors.Error:
            self._fail("the bus is away")

    def _give_up_on_silence(self) -> None:
        """Forget requests that a restart, a new link or a lost message has made void."""
        silent = time.monotonic() - self._heard_s > SILENCE_S_MAX
        if self._requests and (silent or self._reconnected.is_set()):
            self._fail("silent" if silent else "the link was broken")
            self._heard_s = 0.0
        self._reconnected.clear()

    async def _deliver(self, message: Msg) -> None:
        self._heard_s = time.monotonic()
        headers = message.headers or {}
        status = headers.get("Status", "")
        if message.reply.startswith(_ACK_PREFIX):
            self.problem = None
            self._outstanding = max(0, self._outstanding - 1)
            self.queue.append(message)
        elif status == _HEARTBEAT:
            self.problem = None
            return
        elif message.subject not in self._requests:
            return  # It was given up before.
        elif status in _ENDED:
            self.problem = None
            self._requests.remove(message.subject)
            # Which request a message answered cannot be seen; what is left of one is said here.
            left = int(headers.get("Nats-Pending-Messages", self._outstanding))
            self._outstanding = max(0, self._outstanding - left)
        else:
            self._fail(_REASONS.get(status) or headers.get("Description", status))
        self._arrived.set()

    def _fail(self, reason: str) -> None:
        self._requests.clear()
        self._outstanding = 0
        if self.problem != reason:
            facts = {"consumer": self.consumer.name, "reason": reason}
            _log.warning("cannot take messages", extra={"facts": facts})
        self.problem = reason
