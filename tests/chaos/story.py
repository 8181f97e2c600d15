"""The one story that every victim is put through: killed in the middle of 200 requests."""

import asyncio
from collections.abc import Callable

import pytest

from tests.chaos.load import with_all_in_flight
from tests.chaos.reckoning import reckon
from tests.fixtures.platform import Platform

MARKS = [pytest.mark.chaos, pytest.mark.timeout(180)]
DOWN_S = 1.0


async def nothing_is_lost_without(
    platform: Platform, victim: str, *, over_http: bool = False
) -> None:
    """Kill a service or a server with requests in flight, start it again, and count everything."""
    load = await with_all_in_flight(platform, lambda: _crash(platform, victim), over_http=over_http)
    await reckon(platform, load)


async def _crash(platform: Platform, victim: str) -> None:
    kill, start = _hands_on(platform, victim)
    kill()
    await asyncio.sleep(DOWN_S)
    start()


def _hands_on(platform: Platform, victim: str) -> tuple[Callable[[], None], Callable[[], None]]:
    if victim == "nats":
        return platform.nats_running.kill, platform.start_nats
    if victim == "postgresql":
        return platform.postgres_running.kill, platform.start_postgres
    process = platform.processes[victim]
    return process.kill, process.start
