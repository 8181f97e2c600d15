"""Every service is restarted under load over both doors, one of two replicas at a time."""

import asyncio
import itertools

from shared.contracts.catalog import SERVICES
from tests.chaos.callers import Caller, callers
from tests.chaos.load import Load
from tests.chaos.reckoning import reckon
from tests.chaos.story import MARKS
from tests.fixtures.platform import Platform, Process

pytestmark = MARKS

TASKS_A_CALLER = 6
LATENCY_MS = 200
REPLICAS = 2


async def test_a_rolling_restart_fails_no_request(platform: Platform) -> None:
    for service in SERVICES:
        platform.add_replica(service, REPLICAS)
    load, over, numbers = Load(), asyncio.Event(), itertools.count()
    platform.script(latency_ms=LATENCY_MS)

    async def keep_asking(caller: Caller) -> None:
        while not over.is_set():
            await load.ask(caller, next(numbers))

    async with callers(platform, bus=("crm",), http=("crm",)) as both:
        asking = [
            asyncio.create_task(keep_asking(caller))
            for caller in both
            for _ in range(TASKS_A_CALLER)
        ]
        for service in SERVICES:
            for name in (service, f"{service}-{REPLICAS}"):
                before = len(load.answers)
                await _restart(platform.processes[name])
                assert load.failures == [], f"while {name} restarted"
                assert len(load.answers) > before, f"nothing was answered while {name} restarted"
        over.set()
        await asyncio.gather(*asking)
    await reckon(platform, load, requests=next(numbers))


async def _restart(process: Process) -> None:
    """Ask a replica to drain, and start it again once it has ended well."""
    code = await asyncio.to_thread(process.stop)
    assert code == 0, f"{process.name} ended with {code}"
    process.start()
    await asyncio.to_thread(process.wait_ready)
