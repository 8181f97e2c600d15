"""Hard cases in five languages, and the misses that we know of."""

from pathlib import Path

import pytest

import services.redactor
from tests.unit.redactor.adversarial import danish, english, german, norwegian, swedish
from tests.unit.redactor.adversarial.case import Case
from tests.unit.redactor.masking import masked

MODULES = (danish, norwegian, swedish, german, english)
CASES = [case for module in MODULES for case in module.CASES]
MISSES = [case for module in MODULES for case in module.MISSES]
README = Path(services.redactor.__path__[0], "README.md")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text[:40])
def test_a_hard_text_shows_nothing_personal_and_keeps_the_rest(case: Case) -> None:
    seen = masked(case.text)

    assert not [part for part in case.hidden if part in seen], seen
    assert not [part for part in case.kept if part not in seen], seen


@pytest.mark.parametrize("case", MISSES, ids=lambda case: case.text[:40])
def test_a_known_miss_is_still_one_and_stands_in_the_readme(case: Case) -> None:
    seen = masked(case.text)

    assert any(part in seen for part in case.hidden), "found now: make it a case"
    assert case.text in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_every_language_has_enough_hard_cases(module: object) -> None:
    assert 25 <= len(getattr(module, "CASES", ())) <= 60
