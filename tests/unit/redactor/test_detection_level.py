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


def test_words_masked_by_mistake_count_too(masker: Masker) -> None:
    now = measured("da", masker)
    worse = {name: level + 2 if name.startswith(FALSE) else level for name, level in now.items()}

    assert set(fallen("da", worse)) >= {name for name in now if name.startswith(FALSE)}


def _at_zero(language: str) -> set[str]:
    return {name for name, level in held()[language].items() if level <= 1}
