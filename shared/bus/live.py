"""Live events: core NATS, for one replica or for all of a service, order preserved."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus.connection import listen
from shared.bus.publishing import Publisher
from shared.contracts.catalog import known_types, row_of, subject_of
from shared.contracts.event import ContractError, Event, decode, encode
from shared.telemetry import MESSAGES

_log = logging.getLogger(__name__)

BATCH_MAX: Final = 256
WAITING_MAX: Final = 50_000

LiveHandler = Callable[[Sequence[Any]], Awaitable[Sequence[Event]]]


class Listening:
    """Hands live events to a handler in the order they came, and sends what it returns.

    When more wait than memory should hold, the newest are dropped: their streams then miss a
    number, which the caller notices, and the durable completion makes whole.
    """

    def __init__(
        self, service: str, replica: str, event: type[Event], handler: LiveHandler, client: Client
    ) -> None:
        row = row_of(event)
        self.event = event
        self.name = row.prefix
        self._service = service
        self._subject = f"{row.prefix}.{replica}.*" if row.per_replica else row.live_filter
        self._handler = handler
        self._client = client
        self._known = known_types(event)
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._subscription: Any = None

    @property
    def problem(self) -> str | None:
        return "not started" if self._subscription is None else None

    async def run(self) -> None:
        self._subscription = await listen(self._client, self._subject, self._take)
        publisher = Publisher(self._client)
        while not self._stopping or self._waiting:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            events = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            try:
                effects = await self._handler(events)
            except Exception:
                _log.exception("live events were lost", extra={"facts": {"events": len(events)}})
                continue
            for effect in effects:
                await publisher.live(subject_of(effect), encode(effect, self._service), None)

    async def stop(self) -> None:
        if self._subscription is not None:
            await self._subscription.drain()
        self._stopping = True
        self._wake.set()

    async def _take(self, message: Msg) -> None:
        if len(self._waiting) >= WAITING_MAX:
            MESSAGES.labels(self.event.kind, "dropped").inc()
            return
        try:
            self._waiting.append(decode(message.data, self._known))
        except ContractError:
            _log.warning("a live event broke its contract")
            return
        self._wake.set()
