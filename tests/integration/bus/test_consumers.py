"""A consumer or a stream is deleted: said aloud, no hot loop, and on again once it is back."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from deploy.provision.bus import provision_bus
from shared.contracts.event import Event
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import mask_all

WATCHED_S = 4
CPU_SHARE_MAX = 0.20


# Trap 5: the stock loop burns half a core in silence and answers every ping with "fine".
async def test_what_was_deleted_is_said_aloud_without_a_hot_loop_and_taken_up_again(
    bus: Bus,
) -> None:
    orphan, stranded, idle = (bus.service(name) for name in ("redactor", "evals", "billing"))
    orphan.batch("redactor-requests", mask_all)
    stranded.batch("evals-completions", _nothing)
    idle.batch("billing-usage", _nothing)
    async with running(orphan, stranded, idle):
        await bus.js.delete_consumer("SW_INBOX", "redactor-requests")
        await bus.js.delete_stream("SW_MASKED")
        await eventually(lambda: bool(orphan.problems() and stranded.problems()), within_s=3.0)
        before_s = time.process_time()
        for _ in range(WATCHED_S * 10):
            await asyncio.sleep(0.1)
            assert not idle.problems()
        assert time.process_time() - before_s < CPU_SHARE_MAX * WATCHED_S
        assert orphan.problems() == {"redactor-requests": "no such consumer"}
        assert stranded.problems() == {"evals-completions": "no such consumer"}
        await provision_bus(bus.js, replicas=1, apply=True)
        await bus.send(submitted())
        await eventually(lambda: _passed_on(bus), within_s=4.0)
        await eventually(lambda: _all_taken(bus), within_s=4.0)
        assert not orphan.problems()
        assert not stranded.problems()


async def test_a_service_whose_consumer_is_missing_is_not_ready_at_any_time(bus: Bus) -> None:
    await bus.js.delete_consumer("SW_INBOX", "redactor-requests")
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    task = asyncio.create_task(service.serve())
    while service.problems() != {"redactor-requests": "no such consumer"}:
        assert service.problems()
        await asyncio.sleep(0)  # Looks after every step: a glimpse of readiness is one too many.
    service.stop()
    await task


async def _passed_on(bus: Bus) -> bool:
    return await bus.stored("SW_MASKED") == 1


async def _all_taken(bus: Bus) -> bool:
    return await bus.waiting("SW_MASKED", "evals-completions") == 0


async def _nothing(_events: Sequence[Any]) -> list[Event]:
    return []
