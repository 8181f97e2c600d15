"""Evals and audit are stopped: requests flow without them, and they catch up afterwards."""

import asyncio

from tests.chaos.callers import callers
from tests.chaos.load import Load
from tests.chaos.reckoning import reckon
from tests.chaos.story import MARKS
from tests.fixtures.platform import Platform

pytestmark = MARKS

REQUESTS = 50
AWAY = ("evals", "audit")


async def test_requests_flow_without_evals_and_audit_which_catch_up(platform: Platform) -> None:
    load = Load()
    for service in AWAY:
        assert platform.processes[service].stop() == 0

    async with callers(platform, bus=("crm",)) as (caller,):
        await asyncio.gather(*(load.ask(caller, number) for number in range(REQUESTS)))
    assert len(load.answers) == REQUESTS
    (row,) = await platform.query(
        "SELECT (SELECT count(*) FROM audit.entry) + (SELECT count(*) FROM evals.score) AS known"
    )
    assert row["known"] == 0

    for service in AWAY:
        platform.processes[service].start()
    await reckon(platform, load, requests=REQUESTS)
