"""Others hear of a provider what has changed, once, whoever noticed."""

from datetime import UTC, date, datetime, timedelta

import yaml

from services.router.health import Change
from services.router.reporting import agreements, changed
from services.router.settings import Configuration, configuration_of
from shared.contracts.configuration import Document
from shared.contracts.providers import ProviderChange
from tests.fixtures.configuration import with_scripted

DAY = date(2026, 11, 24)
OPENED = Change("elsewhere", "large", ProviderChange.CIRCUIT_OPENED, "timeout")
AT = datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)


def expiring(on: date | None) -> Configuration:
    documents = with_scripted()
    models = yaml.safe_load(documents[Document.MODELS])
    agreement = {"reference": "DPA 2026-17", "signed": date(2026, 1, 1), "expires": on}
    models["providers"] = {"scripted": models["providers"]["scripted"] | {"dpa": agreement}}
    models["models"] = {"scripted": models["models"]["scripted"]}
    models["aliases"] = {}
    policy = yaml.safe_load(documents[Document.POLICY])
    route = {"models": ["scripted"], "reason": "the-only-one"}
    rules = {"residency": policy["residency"], "default": route}
    texts = {Document.MODELS: yaml.safe_dump(models), Document.POLICY: yaml.safe_dump(rules)}
    return configuration_of("c0ffee", texts, {}, day=DAY)


def test_an_agreement_is_told_of_from_thirty_days_before_its_end() -> None:
    told = {
        days: [one.change for one in agreements(expiring(DAY + timedelta(days=days)), DAY)]
        for days in (31, 30, 0, -1)
    }

    assert told == {
        31: [],
        30: [ProviderChange.AGREEMENT_EXPIRING],
        0: [ProviderChange.AGREEMENT_EXPIRING],
        -1: [ProviderChange.AGREEMENT_EXPIRED],
    }
    assert list(agreements(expiring(None), DAY)) == []


def test_an_agreement_is_told_of_once_a_day_by_all_replicas_together() -> None:
    (first,), (again,) = (list(agreements(expiring(DAY), DAY)) for _ in range(2))
    (tomorrow,) = agreements(expiring(DAY), DAY + timedelta(days=1))

    assert first.id == again.id != tomorrow.id
    assert (first.provider, first.days_left, tomorrow.days_left) == ("scripted", 0, -1)


def test_what_two_replicas_see_at_once_is_one_event_and_the_next_time_is_another() -> None:
    (one,) = changed([OPENED], "c0ffee", AT)
    (twin,) = changed([OPENED], "c0ffee", AT + timedelta(seconds=2))
    (later,) = changed([OPENED], "c0ffee", AT + timedelta(seconds=10))

    assert one.id == twin.id != later.id
    assert (one.provider, one.model, one.error_class) == ("elsewhere", "large", "timeout")


def test_prices_follow_the_calendar_without_a_new_version() -> None:
    documents = with_scripted()
    models = yaml.safe_load(documents[Document.MODELS])
    price = models["models"]["scripted"]["price"]
    dearer = price | {"input_per_million": "0.30", "valid_from": "2026-11-25"}
    models["models"]["scripted"]["price"] = [price, dearer]
    documents[Document.MODELS] = yaml.safe_dump(models)

    today, tomorrow = (
        configuration_of("c0ffee", documents, {}, day=DAY + timedelta(days=days)) for days in (0, 1)
    )

    assert today.version == tomorrow.version
    assert today.models["scripted"].price.input_token_nano == 150
    assert tomorrow.models["scripted"].price.input_token_nano == 300
