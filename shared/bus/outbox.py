"""The outbox of a service: what a transaction decided to send is sent, also after a crash."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.bus.publishing import Outgoing, Publisher
from shared.db import (
    Database,
    OutboxMessage,
    Transaction,
    forget_published,
    left_in_outbox,
    put_in_outbox,
)
from shared.errors import DependencyDown
from shared.telemetry import TRACEPARENT

_log = logging.getLogger(__name__)

RELAY_AFTER_S: Final = 5.0
RELAY_MAX: Final = 500
ATTEMPTS_BACKOFF_S: Final = (0.05, 0.25)
"""Short: whoever waits for the next transaction need not wait for the bus, the relay will."""


class Outbox:
    """Keeps messages in the transaction that decided on them, sends them after it."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._published: list[UUID] = []

    async def put(self, tx: Transaction, messages: Sequence[Outgoing]) -> None:
        """Keep `messages`, and forget those that were confirmed since: one transaction less."""
        confirmed, self._published = self._published, []
        await forget_published(tx, confirmed)
        kept = [
            OutboxMessage(one.id, one.subject, one.payload, one.headers.get(TRACEPARENT))
            for one in messages
        ]
        await put_in_outbox(tx, kept)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send messages that are committed; what the bus does not take now is relayed later."""
        try:
            await self._publisher.durable(messages, ATTEMPTS_BACKOFF_S)
        except DependencyDown:
            _log.warning("left to the relay", extra={"facts": {"messages": len(messages)}})
        else:
            self._published.extend(message.id for message in messages)

    async def relay(self, older_than_s: float = RELAY_AFTER_S) -> int:
        """Send what a crash or an outage left behind and return how much that was."""
        async with self._database.transaction() as tx:
            await self.put(tx, ())
            left = await left_in_outbox(tx, older_than_s, RELAY_MAX)
        if left:
            await self._publisher.durable([_again(message) for message in left])
            async with self._database.transaction() as tx:
                await forget_published(tx, [message.id for message in left])
        return len(left)


def _again(message: OutboxMessage) -> Outgoing:
    headers = {TRACEPARENT: message.traceparent} if message.traceparent else {}
    return Outgoing(message.id, message.subject, message.payload, headers)
