"""The redactor is killed with 200 requests in flight."""

from tests.chaos.story import MARKS, nothing_is_lost_without
from tests.fixtures.platform import Platform

pytestmark = MARKS


async def test_nothing_is_lost_when_redactor_is_killed(platform: Platform) -> None:
    await nothing_is_lost_without(platform, "redactor")
