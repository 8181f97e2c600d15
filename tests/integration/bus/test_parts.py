"""What runs beside the bus in a service: its problems are the service's, its end is waited for."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.requests import RequestCancelled
from shared.contracts.values import new_id
from tests.fixtures.bus import Bus, eventually, running


class Door:
    """A part with one piece of work in hand when it is told to stop."""

    name = "door"

    def __init__(self) -> None:
        self.problem: str | None = None
        self.finished = False
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await self._stopped.wait()
        await asyncio.sleep(0.2)
        self.finished = True

    async def stop(self) -> None:
        self._stopped.set()


def cancelled() -> RequestCancelled:
    return RequestCancelled(
        tenant="default", app="crm", request_id=new_id(), actor="gateway", reason="caller-left"
    )


async def test_a_service_is_as_ready_as_its_parts_and_waits_for_their_work(bus: Bus) -> None:
    door = Door()
    service = bus.service("gateway")
    service.part(door)
    async with running(service):
        door.problem = "does not listen"
        assert service.problems() == {"door": "does not listen"}
        door.problem = None
        assert service.problems() == {}
    assert door.finished


async def test_every_replica_hears_what_is_said_to_all_although_a_stream_keeps_it(bus: Bus) -> None:
    heard: list[list[UUID]] = [[], []]
    services = [bus.service("router"), bus.service("router")]
    for service, notes in zip(services, heard, strict=True):

        async def hear(
            events: Sequence[RequestCancelled], notes: list[UUID] = notes
        ) -> Sequence[Event]:
            notes.extend(event.request_id for event in events)
            return ()

        service.live(RequestCancelled, hear)
    event = cancelled()
    async with running(*services):
        await bus.send(event)
        await eventually(lambda: heard == [[event.request_id], [event.request_id]])
    assert await bus.waiting("SW_META", "audit-meta") == 1


async def test_a_service_publishes_what_follows_from_no_message(bus: Bus) -> None:
    service = bus.service("gateway")
    service.part(Door())
    async with running(service):
        event = cancelled()
        await service.publish([event])
        await service.publish([event])
    assert await bus.waiting("SW_META", "audit-meta") == 1
