"""A consumer or a stream is deleted: said aloud, no hot loop, and on again once it is back."""

import asyncio
import time

import pytest

from deploy.provision.bus import provision_bus
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import mask_all

WATCHED_S = 3.0
CPU_SHARE_MAX = 0.20


# Trap 5: the stock loop burns half a core in silence and answers every ping with "fine".
@pytest.mark.parametrize("deleted", ["consumer", "stream"])
async def test_what_was_deleted_is_said_aloud_without_a_hot_loop_and_taken_up_again(
    bus: Bus, deleted: str
) -> None:
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        if deleted == "consumer":
            await bus.js.delete_consumer("SW_INBOX", "redactor-requests")
        else:
            await bus.js.delete_stream("SW_INBOX")
        await eventually(lambda: "redactor-requests" in service.problems(), within_s=3.0)
        before_s = time.process_time()
        await asyncio.sleep(WATCHED_S)
        assert time.process_time() - before_s < CPU_SHARE_MAX * WATCHED_S
        assert service.problems() == {"redactor-requests": "no such consumer"}
        await provision_bus(bus.js, replicas=1, apply=True)
        await bus.send(submitted())
        await eventually(lambda: _passed_on(bus), within_s=4.0)
        assert not service.problems()


async def test_a_service_whose_consumer_is_missing_is_not_ready_at_any_time(bus: Bus) -> None:
    await bus.js.delete_consumer("SW_INBOX", "redactor-requests")
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    task = asyncio.create_task(service.serve())
    for _ in range(100):
        assert service.problems()
        await asyncio.sleep(0.01)
    assert service.problems() == {"redactor-requests": "no such consumer"}
    service.stop()
    await task


async def test_an_idle_consumer_stays_ready_and_takes_at_once(bus: Bus) -> None:
    # A request that waits is kept up by heartbeats of the server, which come every 3 s.
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        for _ in range(35):
            await asyncio.sleep(0.1)
            assert not service.problems()
        started = time.monotonic()
        await bus.send(submitted())
        await eventually(lambda: _passed_on(bus))
        assert time.monotonic() - started < 0.5


async def _passed_on(bus: Bus) -> bool:
    return await bus.stored("SW_MASKED") == 1
