"""Batch handlers: what is waiting goes through the handler at once, in one transaction if asked."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.bus.consuming import Causes, Consuming
from shared.bus.deliveries import Delivery, outgoing
from shared.bus.outbox import Outbox
from shared.contracts.event import Event
from shared.db import Database, Transaction, unseen
from shared.errors import DependencyDown, Postponed
from shared.telemetry import BATCH_SECONDS

_log = logging.getLogger(__name__)

BatchHandler = Callable[[Sequence[Any]], Awaitable[Sequence[Event]]]
TransactionHandler = Callable[[Sequence[Any], Transaction], Awaitable[Sequence[Event]]]


class BatchConsuming(Consuming):
    """Publishes what the handler returns, then acknowledges: for services without a database."""

    handler: Callable[..., Awaitable[Sequence[Event]]]

    async def work(self, deliveries: list[Delivery]) -> None:
        """Handle a batch; if it fails, handle its messages one by one to find the culprit."""
        started = time.monotonic()
        good = await self.give_up_broken(deliveries)
        self.show_in_hand(len(self.in_hand))
        if good:
            await self._together_or_singly(good)
        BATCH_SECONDS.labels(self.consumer.name).observe(time.monotonic() - started)

    async def _together_or_singly(self, deliveries: list[Delivery]) -> None:
        try:
            await self.handle(deliveries)
        except DependencyDown as error:
            for delivery in deliveries:
                await self.fail(delivery, error)
        except Exception as error:
            if len(deliveries) == 1:
                await self.fail(deliveries[0], error)
                return
            for delivery in deliveries:
                await self._together_or_singly([delivery])
        else:
            # Those that were postponed are not in hand any more.
            for delivery in [one for one in deliveries if one.place.sequence in self.in_hand]:
                await self.done(delivery)

    async def handle(self, deliveries: list[Delivery]) -> None:
        causes = by_cause(deliveries)
        try:
            await self.publish_effects(
                await self.handler([one.event for one in deliveries]), causes
            )
        except Postponed as error:
            await self.publish_effects(error.effects, causes)
            for delivery in deliveries:
                if delivery.event and delivery.event.id in error.waiting:
                    await self.fail(delivery, error)


class TransactionConsuming(BatchConsuming):
    """Inbox, effect and outbox in one transaction; then publishes, then acknowledges."""

    database: Database
    outbox: Outbox

    async def handle(self, deliveries: list[Delivery]) -> None:
        """Handle the events that this service has not seen; the others only want their answer."""
        causes = by_cause(deliveries)
        async with self.database.transaction() as tx:
            fresh = await unseen(tx, [event_id for event_id in causes if event_id])
            # One event may stand here twice: it came again, or was published again.
            new = [one.event for event_id, one in causes.items() if event_id in fresh]
            effects = await self.handler(new, tx) if new else ()
            messages = [outgoing(one, self._service, causes.get(one.cause)) for one in effects]
            await self.outbox.put(tx, messages)
        await self.outbox.publish(messages)


def by_cause(deliveries: Sequence[Delivery]) -> Causes:
    """Return the deliveries by their event's id, which is what effects name as their cause."""
    return {delivery.event.id: delivery for delivery in deliveries if delivery.event}
