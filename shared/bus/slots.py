"""Slot handlers: work that waits on the world, many side by side, each with its own end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from shared.bus.consuming import Consuming
from shared.bus.deliveries import Delivery, outgoing
from shared.contracts.catalog import row_of
from shared.contracts.event import Event
from shared.telemetry import inside

SlotHandler = Callable[[Any], AsyncIterator[Event]]


class SlotConsuming(Consuming):
    """Runs one handler per message; asks for only as many messages as slots are free.

    Live events leave as they are yielded. Durable ones are stored together when the handler has
    ended, and only then is the message acknowledged.
    """

    handler: SlotHandler

    async def work(self, deliveries: list[Delivery]) -> None:
        for delivery in await self.give_up_broken(deliveries):
            task = asyncio.create_task(self._run_slot(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.show_in_hand(len(self.in_hand))

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._tasks: set[asyncio.Task[None]] = set()

    async def wait_for_room(self) -> None:
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    def abandon(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _run_slot(self, delivery: Delivery) -> None:
        try:
            with inside(delivery.hop):
                effects = await self._follow(delivery)
                await self.publisher.durable(
                    [outgoing(effect, self._service, delivery) for effect in effects]
                )
        except Exception as error:
            await self.fail(delivery, error)
        else:
            await self.done(delivery)

    async def _follow(self, delivery: Delivery) -> list[Event]:
        """Run the handler to its end; pass on what is live and return what is durable."""
        kept: list[Event] = []
        async for effect in self.handler(delivery.event):
            if row_of(type(effect)).stream is not None:
                kept.append(effect)
                continue
            message = outgoing(effect, self._service, delivery)
            # Only the first chunk needs the trace; no chunk needs the sealed map, since the
            # replica it goes to is the one that made it.
            await self.publisher.live(message.subject, message.payload, None)
        return kept
