"""The watch is killed with 200 requests in flight."""

from tests.chaos.load import REQUESTS
from tests.chaos.story import MARKS, nothing_is_lost_without
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

pytestmark = MARKS


async def test_nothing_is_lost_when_watch_is_killed(platform: Platform) -> None:
    await nothing_is_lost_without(platform, "watch")
    await eventually(lambda: _every_call_is_traced(platform), 20.0)


async def _every_call_is_traced(platform: Platform) -> bool:
    (row,) = await platform.query("SELECT count(*) FROM watch.span WHERE name = 'chat scripted'")
    return bool(row["count"] == REQUESTS)
