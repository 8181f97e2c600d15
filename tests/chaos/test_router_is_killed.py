"""The router is killed with 200 requests in flight."""

from tests.chaos.story import MARKS, nothing_is_lost_without
from tests.fixtures.platform import Platform

pytestmark = MARKS


async def test_nothing_is_lost_when_router_is_killed(platform: Platform) -> None:
    await nothing_is_lost_without(platform, "router")
    # Nobody heard how its open calls ended: they are charged as all that was held.
    unheard = await platform.query(
        "SELECT cost_nano FROM billing.attempt WHERE outcome = 'unknown'"
    )
    assert unheard
    assert all(row["cost_nano"] > 0 for row in unheard)
