"""Every service is restarted under load over both doors, as a new version is rolled out.

All first replicas are told to stop at once, and the second ones when the first are ready again:
harsher than one process after the other, and what a cluster does when all is to be restarted.
"""

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
WAVES = (SERVICES, tuple(f"{service}-2" for service in SERVICES))


async def test_a_rolling_restart_fails_no_request(platform: Platform) -> None:
    for service in SERVICES:
        platform.add_replica(service, 2)
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
        for wave in WAVES:
            before = len(load.answers)
            await asyncio.gather(*(_restart(platform.processes[name]) for name in wave))
            assert load.failures == [], f"while {wave} restarted"
            assert len(load.answers) > before, f"nothing was answered while {wave} restarted"
        over.set()
        await asyncio.gather(*asking)
    await reckon(platform, load, requests=next(numbers))


async def _restart(process: Process) -> None:
    """Ask a replica to drain, and start it again once it has ended well."""
    code = await asyncio.to_thread(process.stop)
    assert code == 0, f"{process.name} ended with {code}"
    process.start()
    await asyncio.to_thread(process.wait_ready)
