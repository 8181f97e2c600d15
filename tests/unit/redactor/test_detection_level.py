"""Detection holds the level it has reached on the corpora of `tests/bench/pii`, by language."""

import pytest

from services.redactor.detection import Detector
from services.redactor.domain import Masker
from services.redactor.names.lexicon import Lexicon
from tests.bench.pii.corpus import GROUPS, LANGUAGES
from tests.bench.pii.levels import FALSE, fallen, held, measured


@pytest.fixture(scope="module")
def masker() -> Masker:
    return Masker(Detector.shipped())


@pytest.mark.parametrize("language", LANGUAGES)
def test_detection_holds_its_level(language: str, masker: Masker) -> None:
    lost = fallen(language, measured(language, masker))

    assert not lost, (
        f"{language} fell (held, now): {lost}. See what is missed: "
        f"python -m tests.bench.pii.quick --misses {language}"
    )


def test_a_detector_that_finds_nothing_falls_in_every_group() -> None:
    blind = Masker(Detector([], Lexicon.load()))

    lost = fallen("da", measured("da", blind))

    assert set(GROUPS) & held()["da"].keys() <= lost.keys() | _at_zero("da")


def test_words_masked_by_mistake_count_too() -> None:
    mistakes = {name for name in held()["da"] if name.startswith(FALSE)}
    worse = {name: level + 2 * (name in mistakes) for name, level in held()["da"].items()}

    assert set(fallen("da", worse)) == mistakes


def _at_zero(language: str) -> set[str]:
    return {name for name, level in held()[language].items() if level <= 1}
