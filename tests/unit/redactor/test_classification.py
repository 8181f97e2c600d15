"""How far a text may travel."""

import pytest

from services.redactor.classification import classify
from shared.contracts.values import Sensitivity
from tests.unit.redactor.masking import mask

PUBLIC, PERSONAL, SPECIAL = Sensitivity.PUBLIC, Sensitivity.PERSONAL, Sensitivity.SPECIAL


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
    found = mask(text)

    assert classify(found.types, found.words) is level


@pytest.mark.parametrize(
    ("stated", "level"), [(None, PERSONAL), (PUBLIC, PERSONAL), (SPECIAL, SPECIAL)]
)
def test_a_caller_may_raise_the_level_but_never_lower_it(
    stated: Sensitivity | None, level: Sensitivity
) -> None:
    assert classify({"person"}, [], stated) is level
