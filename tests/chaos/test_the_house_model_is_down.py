"""The house model is killed with requests in flight, while providers in the EU and US are well."""

import asyncio
from collections.abc import Sequence

from shared.contracts.errors import ErrorCode
from stellwerk.answer import Answer
from stellwerk.client import Client
from stellwerk.errors import NoAnswer
from tests.chaos.story import MARKS
from tests.fixtures.places import EU, HOUSE, US, Places
from tests.fixtures.platform import Platform

pytestmark = MARKS

SIDE_BY_SIDE = 40
MARK = "sag 8823"
DETECTED = f"Anders Hansen, CPR 070761-4285, er sygemeldt. Se {MARK}, nr. {{}}."
LABELLED = f"Opsummer {MARK}, nr. {{}}."
WEIGHED = {"strategy": "weighted", "weights": {"speed": 1.0}}
"""The US would win by far, if anybody asked by speed alone."""


async def _asked(client: Client, number: int) -> Answer | NoAnswer:
    """Ask what is special: every other time by its text, else because its caller says so."""
    try:
        if number % 2:
            return await client.complete(DETECTED.format(number), timeout_s=30)
        labelled = LABELLED.format(number)
        return await client.complete(labelled, timeout_s=30, sensitivity="special")
    except NoAnswer as error:
        return error


async def _all_asked(client: Client, numbers: Sequence[int]) -> list[Answer | NoAnswer]:
    return list(await asyncio.gather(*(_asked(client, number) for number in numbers)))


async def _answered(client: Client) -> Answer:
    """Return the first answer after the model is back; its circuit lets a trial in by then."""
    async with asyncio.timeout(40):
        while True:
            told = await _asked(client, 200)
            if isinstance(told, Answer):
                return told
            await asyncio.sleep(0.5)


async def _called_for(platform: Platform, told: Sequence[Answer | NoAnswer]) -> set[str]:
    """Return whom the ledger has calls of, for these requests."""
    rows = await platform.query(
        "SELECT DISTINCT provider FROM router.attempt WHERE request_id = ANY($1)",
        [one.request_id for one in told],
    )
    return {row["provider"] for row in rows}


async def test_what_is_sensitive_is_refused_and_nothing_of_it_leaves_the_house(
    places: Places,
) -> None:
    async with places.platform.client() as client:
        weighed = places.documents(policy=lambda it: it["default"].update(WEIGHED))
        await places.apply(weighed, client)
        places.forget()
        well = await _asked(client, 0)
        calls = asyncio.create_task(_all_asked(client, range(1, SIDE_BY_SIDE + 1)))
        await asyncio.sleep(0)
        places.kill(HOUSE)
        told = await calls
        then = await _all_asked(client, range(100, 110))
        places.start(HOUSE)
        again = await _answered(client)

    assert isinstance(well, Answer)
    assert well.model == "house-model"
    answered = [one for one in told if isinstance(one, Answer)]
    refused = [one for one in [*told, *then] if isinstance(one, NoAnswer)]
    assert {one.model for one in answered} <= {"house-model"}
    assert len(refused) >= len(then) == 10
    assert {one.code for one in refused} == {ErrorCode.SENSITIVITY_LOCAL_ONLY}
    assert again.model == "house-model"
    for place in (EU, US):
        assert MARK.encode() not in places.received(place)
        assert places.received(place) == b""
    assert MARK.encode() in places.received(HOUSE)
    assert await _called_for(places.platform, [well, *told, *then, again]) == {HOUSE}
