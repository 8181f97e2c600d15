"""The list of models: tiers follow from prices, aliases from successors, costs from the day."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from services.billing.settings import prices_in
from services.router.settings import configuration_of
from shared.contracts.configuration import Document
from shared.contracts.money import StatedPrice
from shared.contracts.stated import ModelsDocument
from stellwerk.in_force import InForce
from stellwerk.models import lines, rows, tier_of
from stellwerk.routes import lines_of, overview
from tests.fixtures.configuration import shipped

TODAY = date(2026, 11, 24)
TOMORROW = TODAY + timedelta(days=1)


def price(read: str, written: str, first_day: date = TODAY, **more: str) -> dict[str, Any]:
    return {
        "currency": "EUR",
        "input_per_million": read,
        "output_per_million": written,
        "source": "invented",
        "valid_from": first_day,
        **more,
    }


def changed(model: str, **stated: Any) -> dict[Document, str]:
    """Return the shipped documents, where one model is stated otherwise."""
    documents = shipped()
    models = yaml.safe_load(documents[Document.MODELS])
    models["models"][model] |= stated
    return documents | {Document.MODELS: yaml.safe_dump(models)}


def listed(documents: dict[Document, str], day: date = TODAY) -> dict[str, dict[str, Any]]:
    stated = InForce.of("c0ffee", documents).models
    return {one["model"]: one for one in rows(stated, day, {})}


@pytest.mark.parametrize(
    ("read", "written", "tier"),
    [
        ("1", "1", "cheap"),
        ("1", "1.004", "mid"),
        ("5", "5", "mid"),
        ("5", "5.004", "premium"),
        ("0", "0", "cheap"),
    ],
)
def test_a_tier_follows_from_the_price_of_three_tokens_read_and_one_written(
    read: str, written: str, tier: str
) -> None:
    assert tier_of(StatedPrice.model_validate(price(read, written))) == tier


def test_what_is_paid_by_the_character_has_no_tier_of_tokens() -> None:
    translated = price("0", "0", characters_per_million="20")

    assert tier_of(StatedPrice.model_validate(translated)) == "by text"


def test_a_price_that_holds_from_tomorrow_costs_more_tomorrow_and_is_announced_today() -> None:
    both = [price("1.00", "2.00"), price("10.00", "20.00", TOMORROW)]
    documents = changed("gpt-5.4", price=both)
    model = InForce.of("c0ffee", documents).models.models["gpt-5.4"]

    today, tomorrow = (
        model.price_on(day).price("openai", "gpt-5.4").cost_nano(1_000, 500)
        for day in (TODAY, TOMORROW)
    )
    announced = listed(documents)["gpt-5.4"]

    assert (today, tomorrow) == (2_000_000, 20_000_000)  # EUR 0.002 and EUR 0.02
    assert announced["next_price"]["valid_from"] == TOMORROW.isoformat()
    assert (announced["tier"], listed(documents, TOMORROW)["gpt-5.4"]["tier"]) == ("mid", "premium")
    assert listed(documents, TOMORROW)["gpt-5.4"]["next_price"] is None


def test_billing_and_the_router_read_the_same_dated_prices() -> None:
    both = [price("1.00", "2.00"), price("10.00", "20.00", TOMORROW)]
    documents = changed("gpt-5.4", price=both)

    book = [
        row
        for row in prices_in(documents[Document.MODELS], "EUR", "models.yaml")
        if row.model == "gpt-5.4"
    ]
    (routed,) = {configuration_of("c0ffee", documents, {}).models["gpt-5.4"].price.id}

    assert [row.valid_from.date() for row in book] == [TODAY, TOMORROW]
    assert [row.price.input_token_nano for row in book] == [1_000, 10_000]
    assert routed in {row.price.id for row in book}


def test_an_alias_stands_at_the_successor_from_the_day_of_retirement() -> None:
    documents = changed("gpt-5.4", retired=TOMORROW, successor="claude-sonnet-4-6")

    today, tomorrow = listed(documents), listed(documents, TOMORROW)

    assert today["gpt-5.4"]["aliases"] == ["gpt-4", "premium-writing"]
    assert today["gpt-5.4"]["state"] == "stated"
    assert tomorrow["gpt-5.4"]["state"] == "retired"
    assert tomorrow["gpt-5.4"]["aliases"] == []
    assert {"gpt-4", "claude-3"} <= set(tomorrow["claude-sonnet-4-6"]["aliases"])


def test_the_shipped_list_fits_eighty_columns_and_says_what_is_off() -> None:
    stated = InForce.of("c0ffee", shipped()).models
    missing = {"local": None, "openai": "SW_ROUTER_OPENAI_KEY is not set"}

    shown = list(lines(rows(stated, TODAY, missing)))

    assert max(map(len, shown)) <= 80
    assert "  off: SW_ROUTER_OPENAI_KEY is not set" in shown
    assert any(line.startswith("gpt-5.4  ") and "premium" in line for line in shown)


def test_every_shipped_price_says_where_it_is_from_and_every_alias_leads_to_a_model() -> None:
    stated: ModelsDocument = InForce.of("c0ffee", shipped()).models

    for model in stated.models.values():
        for one in model.prices:
            assert any(word in one.source for word in ("estimate", "USD 1:1 as EUR"))
            assert one.valid_from <= TODAY
            assert one.input_per_million + one.characters_per_million > Decimal(0)
    named = {"gpt-4", "gpt-3.5", "codex", "claude-3", "translate", "open-70b", "rag"}
    assert named | {"embeddings-multilingual"} <= stated.aliases.keys()


def test_a_use_case_is_shown_with_its_primary_its_fallbacks_and_its_specialists() -> None:
    found = InForce.of("c0ffee", shipped())

    off = {"openai": "SW_ROUTER_OPENAI_KEY is not set", "local": None}
    shown = overview("offer-writing", found.models, found.policy, TODAY, off)
    told = list(lines_of(shown))

    assert (shown["primary"]["model"], shown["primary"]["asked_as"]) == ("gpt-5.4", "gpt-4")
    assert [one["provider"] for one in shown["fallbacks"]] == ["azure-openai-eu", "local"]
    assert set(shown["specialists"]) == {"task summary", "operation embed", "operation translate"}
    assert told[0] == "use case offer-writing: strategy task, because standard-application"
    assert [line for line in told if line.endswith(", off")] == [
        "                openai, us: public texts, off",
        "                openai, us: public texts, off",
    ]
    assert max(map(len, told)) <= 80
