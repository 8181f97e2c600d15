"""What every recogniser of the folder promises, tested once over all of them."""

from types import ModuleType

import pytest

from services.redactor.dictionaries import EMPTY
from services.redactor.recognisers.base import ENTRY_POINTS, PACKAGE, Recogniser
from shared.plugins import load
from tests.unit.redactor.masking import detector

RECOGNISERS = load(PACKAGE, Recogniser, ENTRY_POINTS)
FOUND = [(one, *example) for one in RECOGNISERS for example in one.EXAMPLES.found]
IGNORED = [(one, text) for one in RECOGNISERS for text in one.EXAMPLES.ignored]


def _finds(module: ModuleType, text: str) -> list[str]:
    lists = getattr(module, "EXAMPLE_LISTS", EMPTY)
    spans = detector().detect(text, dictionary=lists)
    return [text[span.start : span.end] for span in spans if span.type == module.KIND]


@pytest.mark.parametrize(("module", "text", "wanted"), FOUND)
def test_a_recogniser_finds_its_examples(module: ModuleType, text: str, wanted: str) -> None:
    assert wanted in _finds(module, text)


@pytest.mark.parametrize(("module", "text"), IGNORED)
def test_a_recogniser_leaves_alone_what_only_looks_alike(module: ModuleType, text: str) -> None:
    assert not _finds(module, text)


@pytest.mark.parametrize("module", RECOGNISERS)
def test_a_recogniser_has_examples_of_both_kinds(module: ModuleType) -> None:
    assert len(module.EXAMPLES.found) >= 3
    assert len(module.EXAMPLES.ignored) >= 3


@pytest.mark.parametrize("module", RECOGNISERS)
def test_context_words_are_lower_case(module: ModuleType) -> None:
    assert all(word == word.lower() for word in module.CONTEXT)


def test_a_find_says_type_score_and_rule_but_never_the_value() -> None:
    (span,) = detector().detect("CPR 010190-1234")

    assert (span.type, span.detector, span.rule) == ("cpr", "rules", "cpr.context")
    assert 0 < span.score <= 1
    assert "010190" not in repr(span)


def test_offsets_are_those_of_the_text_as_it_came() -> None:
    text = "Kunde:\u200b S&oslash;ren Mu\u0308nster, tlf. 12 34 56 78"

    found = [text[span.start : span.end] for span in detector().detect(text)]

    assert found == ["S&oslash;ren Mu\u0308nster", "12 34 56 78"]
