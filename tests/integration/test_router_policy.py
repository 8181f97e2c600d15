"""On a running platform: what may not leave does not, whatever is down and whatever changes.

The providers in the EU and in the US keep every byte that they receive, so a test can search them.
"""

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.errors import ErrorCode
from stellwerk.client import Client
from stellwerk.errors import NoAnswer
from tests.fixtures.places import EU, HOUSE, US, Places

pytestmark = pytest.mark.timeout(90)

PERSONAL = "Skriv til Anders Hansen om ordre {}."
MARK = "ordre {}"
EXPIRED = {"reference": "DPA 2025-3", "signed": "2025-01-01", "expires": "2025-12-31"}


@pytest.fixture
async def client(places: Places) -> AsyncIterator[Client]:
    """Return a client of an app, with all providers well and the configuration in force."""
    places.forget()
    async with places.platform.client() as asking:
        await places.apply(places.documents(), asking)
        async with asyncio.timeout(40):
            # What another test has killed is left alone for a while, and then tried last.
            while (await asking.complete("Hej.")).model != "eu-model":  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        places.forget()
        yield asking


async def refusal(client: Client, text: str, **options: Any) -> tuple[ErrorCode | None, UUID]:
    """Ask, be refused or failed, and return why."""
    with pytest.raises(NoAnswer) as told:
        await client.complete(text, **options)
    assert told.value.request_id is not None
    return told.value.code, told.value.request_id


def excluded_in(told: dict[str, Any]) -> dict[str, str | None]:
    return {one["model"]: one["excluded_by"] for one in told["decision"]["candidates"]}


async def test_with_the_eu_down_a_personal_request_goes_home_and_never_to_the_us(
    places: Places, client: Client
) -> None:
    well = await client.complete(PERSONAL.format("4711-1"))
    places.kill(EU)
    answers = [await client.complete(PERSONAL.format(f"4711-2{n}")) for n in range(5)]
    public = await client.complete("Hvad er hovedstaden i Norge?")

    told = await places.explanation(answers[0].request_id)
    assert well.model == "eu-model"
    assert {answer.model for answer in answers} == {"house-model"}
    assert public.model == "us-model"  # It is well, and what may go there does.
    assert MARK.format("4711-2").encode() in places.received(HOUSE)
    assert b"4711" not in places.received(US)
    assert excluded_in(told)["us-model"] == "residency"
    assert {one["model"] for one in told["attempts"]} == {"eu-model", "house-model"}


async def test_with_the_eu_and_the_house_down_a_personal_request_ends_here(
    places: Places, client: Client
) -> None:
    places.kill(EU)
    places.kill(HOUSE)

    code, request_id = await refusal(client, PERSONAL.format("4711-3"))

    told = await places.explanation(request_id)
    assert code is ErrorCode.PROVIDER_UNAVAILABLE
    assert {one["model"] for one in told["attempts"]} == {"eu-model", "house-model"}
    assert places.received(US) == b""


async def test_a_caller_raises_the_level_and_routing_follows(
    places: Places, client: Client
) -> None:
    question = "Hvad koster ordre 4711-4?"
    plain = await client.complete(question, sensitivity="public")
    raised = await client.complete(question, sensitivity="special")
    lowered = await client.complete(PERSONAL.format("4711-5"), sensitivity="public")

    assert plain.model == "eu-model"
    assert raised.model == "house-model"
    assert lowered.model == "eu-model"
    told = await places.explanation(lowered.request_id)
    assert told["classification"]["detected"] == "personal"
    assert excluded_in(told)["us-model"] == "residency"
    assert b"4711-5" not in places.received(US)


def _with_agreement(models: dict[str, Any], dpa: dict[str, str] | None) -> None:
    models["providers"][EU]["dpa"] = dpa


async def test_without_an_agreement_the_next_personal_request_passes_a_provider_by(
    places: Places, client: Client
) -> None:
    before = await client.complete(PERSONAL.format("4711-6"))
    for dpa in (None, EXPIRED):
        changed = places.documents(models=partial(_with_agreement, dpa=dpa))
        await places.apply(changed, client)
        places.forget()

        after = await client.complete(PERSONAL.format("4711-7"))
        internal = await client.complete("Hvad er en momssats?", sensitivity="internal")

        told = await places.explanation(after.request_id)
        assert (before.model, after.model, internal.model) == (
            "eu-model",
            "house-model",
            "eu-model",
        )
        assert excluded_in(told) == {
            "eu-model": "agreement",
            "us-model": "residency",
            "house-model": None,
        }
        assert b"4711-7" not in places.received(EU) + places.received(US)


async def test_a_model_is_closed_to_an_app_and_opened_again(places: Places, client: Client) -> None:
    closed = places.documents(
        models=lambda it: (
            it["aliases"].update(best="house-model")
            if "aliases" in it
            else it.update(aliases={"best": "house-model"})
        ),
        policy=lambda it: it.update(entitlements={"best": ["hr"]}),
    )
    await places.apply(closed, client)

    by_alias, request_id = await refusal(client, "Hej.", model="best")
    by_name, _ = await refusal(client, "Hej.", model="house-model")
    async with places.platform.client("hr") as hr:
        theirs = await hr.complete("Hej.", model="best")
    told = await places.explanation(request_id)
    await places.apply(places.documents(), client)
    open_again = await client.complete("Hej.", model="house-model")

    assert by_alias is by_name is ErrorCode.FORBIDDEN
    assert excluded_in(told) == {"house-model": "entitlement"}
    assert theirs.model == open_again.model == "house-model"


async def test_a_strategy_that_no_router_has_leaves_the_version_before_in_force(
    places: Places, client: Client
) -> None:
    before = (await client.complete("Hej.", model="scripted")).config_version
    trial = places.documents(policy=lambda it: it["default"].update(strategy="astrology"))

    with pytest.raises(TimeoutError):
        await places.apply(trial, client, live_s_max=3.0)

    answer = await client.complete("Hej.")
    assert answer.config_version == before
    router = places.platform.processes["router"]
    with urllib.request.urlopen(router.ready_url, timeout=5) as ready:  # noqa: S310, ASYNC210
        assert "strategy astrology; known are" in ready.read().decode()
