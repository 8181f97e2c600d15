"""One of two gateways is killed with 200 requests in flight; callers turn to the other one."""

from tests.chaos.story import MARKS, nothing_is_lost_without
from tests.fixtures.platform import Platform

pytestmark = MARKS


async def test_nothing_is_lost_when_gateway_is_killed(platform: Platform) -> None:
    platform.add_replica("gateway", 2)
    await nothing_is_lost_without(platform, "gateway", over_http=True)
