"""How far a text may travel."""

from datetime import date

import pytest

from services.redactor.classification import Classified, classify
from services.redactor.policy import Rules
from shared.contracts.requests import Message, RequestSubmitted, Role
from shared.contracts.values import Sensitivity, new_id
from tests.unit.redactor.masking import mask

TODAY = date(2026, 11, 24)
PUBLIC, PERSONAL, SPECIAL = Sensitivity.PUBLIC, Sensitivity.PERSONAL, Sensitivity.SPECIAL


def judged(text: str, stated: Sensitivity | None = None) -> Classified:
    """Return the judgement of a request with one text."""
    event = RequestSubmitted(
        request_id=new_id(),
        tenant="default",
        app="crm",
        messages=(Message(role=Role.USER, content=text),),
        sensitivity=stated,
    )
    return classify(mask(text), event, Rules(), TODAY)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Hvornår åbner I?", PUBLIC),
        ("Hvad er symptomerne på diabetes?", PUBLIC),
        ("Skriv Klient_001", PUBLIC),
        ("Kære Bo Holm", PERSONAL),
        ("Ring på tlf. 12 34 56 78", PERSONAL),
        ("Bo Holm har fået diabetes", SPECIAL),
        ("CPR 010190-1234", SPECIAL),
        ("Frau Anna Krüger ist schwanger", SPECIAL),
    ],
)
def test_a_text_is_judged_by_what_is_in_it(text: str, level: Sensitivity) -> None:
    assert judged(text).sensitivity is level


@pytest.mark.parametrize(
    ("stated", "level"), [(None, PERSONAL), (PUBLIC, PERSONAL), (SPECIAL, SPECIAL)]
)
def test_a_caller_may_raise_the_level_but_never_lower_it(
    stated: Sensitivity | None, level: Sensitivity
) -> None:
    assert judged("Kære Bo Holm", stated).sensitivity is level
