"""What batch and slot consumers share: taking, pausing, answering for their health, stopping."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg

from shared.bus.connection import Connection
from shared.bus.deliveries import Delivery, hand_back, keep, open_deliveries, outgoing
from shared.bus.failures import DOWN_S, Failures, GiveUp
from shared.bus.publishing import Publisher
from shared.bus.pulling import Place, Pull
from shared.contracts.catalog import Consumer, known_types
from shared.contracts.event import Event
from shared.errors import DependencyDown, Postponed
from shared.telemetry import IN_HAND, MESSAGES, finish

_log = logging.getLogger(__name__)

Causes = Mapping[UUID | None, Delivery]
PAUSE_S: Final = (0.1, 0.25, 0.5, 1.0)
HEARTBEATS_PER_ACK_WAIT: Final = 3


class Consuming:
    """The frame of a consumption loop; a subclass says how messages in hand are worked on."""

    def __init__(
        self,
        service: str,
        consumer: Consumer,
        connection: Connection,
        publisher: Publisher,
        give_up: GiveUp | None,
    ) -> None:
        self.consumer = consumer
        self.name = consumer.name
        self.failures = Failures(service, consumer.name, publisher, give_up)
        self.publisher = publisher
        self.in_hand: dict[int, Delivery] = {}
        self.down: str | None = None
        self._service = service
        self._pull = Pull(connection, consumer)
        self._known = known_types(*consumer.events)
        self._stopping = asyncio.Event()
        self._pauses = 0
        # Looked up once: by label, both cost more than the acknowledgement that they count.
        self._count_done = MESSAGES.labels(consumer.name, "done").inc
        self.show_in_hand = IN_HAND.labels(consumer.name).set

    @property
    def problem(self) -> str | None:
        if self.down is not None:
            return f"waits for {self.down}"
        return self._pull.problem

    async def run(self) -> None:
        """Take and work until `stop`; then finish what is in hand."""
        await self._pull.open()
        heart = asyncio.create_task(self._beat())
        try:
            while not self._stopping.is_set():
                free = self._free()
                messages = await self._gather(free) if free > 0 else []
                if messages:
                    await self.work(self._open(messages))
                elif free <= 0:
                    await self.wait_for_room()
                else:
                    self.down = None
                await self._pause()
            await self.finish()
        finally:
            heart.cancel()
            self.abandon()
            for delivery in list(self.in_hand.values()):
                await delivery.hand_back(0)

    async def stop(self) -> None:
        """Ask the loop to end; others get at once what is not begun, whatever the rest takes."""
        self._stopping.set()
        self._pull.wake()
        for message in await self._pull.close():
            await hand_back(message, 0)

    async def work(self, deliveries: list[Delivery]) -> None:
        raise NotImplementedError

    async def wait_for_room(self) -> None:
        """Return when at least one message in hand is done."""

    async def finish(self) -> None:
        """Return when nothing is in hand."""

    def abandon(self) -> None:
        """Break off what is still in hand: the time to stop is over."""

    async def give_up_broken(self, deliveries: list[Delivery]) -> list[Delivery]:
        self.in_hand |= {delivery.place.sequence: delivery for delivery in deliveries}
        for delivery in [one for one in deliveries if one.event is None]:
            await self.fail(delivery, None)
        return [delivery for delivery in deliveries if delivery.event is not None]

    async def publish_effects(self, effects: Sequence[Event], causes: Causes) -> None:
        messages = [outgoing(one, self._service, causes.get(one.cause)) for one in effects]
        await self.publisher.durable(messages)

    async def done(self, delivery: Delivery) -> None:
        await delivery.acknowledge()
        finish(delivery.hop)
        self._count_done()
        self._forget(delivery)
        self.down, self._pauses = None, 0

    async def fail(self, delivery: Delivery, error: BaseException | None) -> None:
        """Hand a message back or give it up; if even that fails it comes again by itself."""
        if isinstance(error, DependencyDown) and not isinstance(error, Postponed):
            self.down = error.dependency
        try:
            await self.failures.handle(delivery, error)
        except DependencyDown as second:
            self.down = second.dependency
            await delivery.hand_back(DOWN_S)
        finally:
            self._forget(delivery)

    async def _gather(self, free: int) -> list[Msg]:
        """Take what waits; where nobody waits for the result, let more join it first."""
        messages = await self._pull.take(free)
        if messages and self.consumer.gather_s and len(messages) < free:
            await asyncio.sleep(self.consumer.gather_s)
            messages += self._pull.waiting(free - len(messages))
        return messages

    def _free(self) -> int:
        """Return how many more messages may be taken: one as a probe while a dependency is down."""
        if self.down is not None:
            return 0 if self.in_hand else 1
        return self.consumer.batch_max - len(self.in_hand)

    def _open(self, messages: list[Msg]) -> list[Delivery]:
        """Decode messages, each once: after an outage what is in hand here may come again."""
        latest = {Place.of(message).sequence: message for message in messages}
        fresh = [message for place, message in latest.items() if place not in self.in_hand]
        return open_deliveries(fresh, self._service, self.consumer.name, self._known)

    def _forget(self, delivery: Delivery) -> None:
        self.in_hand.pop(delivery.place.sequence, None)
        self.show_in_hand(len(self.in_hand))

    async def _pause(self) -> None:
        if self.down is None:
            return
        wait_s = PAUSE_S[min(self._pauses, len(PAUSE_S) - 1)]
        if self._pauses == 0:
            facts = {"consumer": self.consumer.name, "dependency": self.down}
            _log.warning("paused", extra={"facts": facts})
        self._pauses += 1
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _beat(self) -> None:
        """Keep every message that is here from being delivered to someone else meanwhile."""
        while True:
            await asyncio.sleep(self.consumer.ack_wait_s / HEARTBEATS_PER_ACK_WAIT)
            here = [delivery.message for delivery in self.in_hand.values()]
            for message in (*here, *self._pull.queue):
                await keep(message)
