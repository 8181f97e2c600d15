"""How a provider does is told in words, with what to do, in lines that a terminal holds."""

import pytest

from services.router.faults import ErrorClass
from shared.contracts.providers import ModelHealth, ProviderState
from stellwerk.providers import advice_for, facts_of, lines


def state(**changes: object) -> ProviderState:
    stated: dict[str, object] = {
        "provider": "nordlys",
        "wire": "openai",
        "region": "eu-north",
        "residency": "eu",
        "legal_country": "SE",
        "local": False,
        "reachable": True,
        "answered_ms": 120,
        "agreement": True,
        "agreement_days_left": 281,
    }
    return ProviderState.model_validate(stated | changes)


def test_one_that_answers_is_one_line() -> None:
    head, row = lines([state()])

    assert head.split() == ["provider", "wire", "region", "where", "law", "dpa", "state"]
    assert row.split() == ["nordlys", "openai", "eu-north", "eu", "SE", "281", "days", "120", "ms"]


def test_what_is_off_says_what_to_set() -> None:
    off = state(reachable=False, answered_ms=None, missing="SW_ROUTER_NORDLYS_KEY")

    _, row, note, _, advice = lines([off])

    assert row.endswith("off")
    assert note == "  SW_ROUTER_NORDLYS_KEY is not set"
    assert "restart it" in advice


@pytest.mark.parametrize("error", list(ErrorClass))
def test_every_kind_of_error_has_a_sentence_with_something_to_do(error: ErrorClass) -> None:
    failing = state(reachable=False, answered_ms=None, error_class=error.value, status=503)

    said = advice_for(failing)

    assert said is not None
    assert ":" in said
    assert said.endswith("(status 503)")
    assert facts_of(failing)["state"] == "fails"


@pytest.mark.parametrize(
    ("left", "said"), [(30, "ends in 30 days"), (-1, "is over"), (31, None), (None, None)]
)
def test_an_agreement_that_ends_soon_is_told(left: int | None, said: str) -> None:
    notes = list(lines([state(agreement_days_left=left)]))[2:]

    assert [said in note for note in notes] == ([True] if said else [])


def test_limits_and_circuits_are_told_of_models_that_have_them() -> None:
    limited = ModelHealth(
        model="nordlys-large", provider="nordlys", requests_a_minute=600, room=0.25
    )
    broken = ModelHealth(model="nordlys-small", provider="nordlys", circuit_open=True)
    well = ModelHealth(model="nordlys-tiny", provider="nordlys")

    notes = list(lines([state(models=(limited, broken, well))]))[2:]

    assert notes == [
        "  nordlys-large: 600 requests a minute, 25% free",
        "  nordlys-small: left alone after faults (circuit open)",
    ]
