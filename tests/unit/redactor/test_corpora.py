"""The marked corpora of `tests/bench/pii` are what they say: whole, marked, with valid numbers."""

import re
from collections.abc import Callable

import pytest
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.no import fodselsnummer
from stdnum.se import personnummer

from tests.bench.pii.corpus import ADVERSARIAL, CORPORA, KINDS, LANGUAGES, PROMPTS, TRAPS, load

CHECKS: dict[str, Callable[[str], bool]] = {
    "iban": iban.is_valid,
    "card": luhn.is_valid,
    "steuer_id": idnr.is_valid,
    "fodselsnummer": fodselsnummer.is_valid,
    "personnummer": lambda number: personnummer.is_valid(_without_samordning(number)),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_corpus_has_enough_prompts_and_no_mark_left_in_the_text(language: str) -> None:
    for name, least in ((PROMPTS, 45), (TRAPS, 15), (ADVERSARIAL, 25)):
        prompts = load(language, name)
        assert len(prompts) >= least
        marks = [one.id for one in prompts if re.search(rf"\{{({'|'.join(KINDS)}):", one.text)]
        assert not marks


@pytest.mark.parametrize("language", LANGUAGES)
def test_traps_mark_nothing(language: str) -> None:
    assert not [one.id for one in load(language, TRAPS) if one.gold]


def test_every_kind_is_marked_somewhere() -> None:
    marked = {
        span.kind for one in LANGUAGES for prompt in load(one, PROMPTS) for span in prompt.gold
    }
    assert marked == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_have_valid_checksums(language: str) -> None:
    wrong = [
        (prompt.id, span.kind)
        for prompt in load(language, PROMPTS)
        for span in prompt.gold
        if span.kind in CHECKS
        and not CHECKS[span.kind](re.sub(r"[\s]", "", prompt.text[span.start : span.end]))
    ]
    assert not wrong


def test_there_is_no_corpus_that_nobody_reads() -> None:
    read = {f"{one}.{name}.txt" for one in LANGUAGES for name in (PROMPTS, TRAPS, ADVERSARIAL)}
    assert {path.name for path in CORPORA.iterdir()} == read


def _without_samordning(number: str) -> str:
    """Return a samordningsnummer as the check knows it: its day is 60 too high.

    The check digit counts the high day, so it is computed anew for the true one.
    """
    digits = re.sub(r"\D", "", number)[-10:]
    day = int(digits[4:6])
    if day <= 31:
        return number
    if not luhn.is_valid(digits):
        return ""
    start = f"{digits[:4]}{day - 60:02}{digits[6:9]}"
    return f"{start[:6]}-{start[6:]}{luhn.calc_check_digit(start)}"
