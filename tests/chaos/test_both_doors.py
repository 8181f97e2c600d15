"""Two of every service, 500 requests of several apps over both doors: each caller gets its own."""

import asyncio
from collections import Counter

from shared.contracts.catalog import SERVICES
from tests.chaos.callers import callers
from tests.chaos.load import Load
from tests.chaos.reckoning import reckon
from tests.chaos.story import MARKS
from tests.fixtures.platform import Platform

pytestmark = MARKS

REQUESTS = 500
BUS_APPS = ("crm", "hr")
HTTP_APPS = ("crm", "intranet")


async def test_each_of_500_requests_over_both_doors_is_answered_once_at_its_caller(
    platform: Platform,
) -> None:
    for service in SERVICES:
        platform.add_replica(service, 2)
    load = Load()
    async with callers(platform, bus=BUS_APPS, http=HTTP_APPS) as everyone:
        await asyncio.gather(
            *(load.ask(everyone[number % len(everyone)], number) for number in range(REQUESTS))
        )
    await reckon(platform, load, requests=REQUESTS)

    each = REQUESTS // len(everyone)
    expected = Counter((*BUS_APPS, *HTTP_APPS) * each)
    used = await platform.query("SELECT app FROM billing.usage")
    assert Counter(row["app"] for row in used) == expected
    results = await platform.messages_by_subject("SW_CLEAR", "sw.clear.completion.restored.>")
    assert Counter(subject.split(".")[5] for subject in results) == expected
