"""Judges how far a text may travel by what was found in it and by what it speaks of."""

from collections.abc import Iterable
from typing import Final

from shared.contracts.values import Sensitivity

_NATIONAL_NUMBERS: Final = frozenset({"cpr", "fodselsnummer", "personnummer", "steuer_id"})
_NOT_PERSONAL: Final = frozenset({"literal", "company"})

# Beginnings of words about health, belief, union, crime and sexuality (Art. 9 and 10 GDPR).
_SPECIAL: Final = tuple(
    """
    sygdom sygemeld sykdom sykmeld sjukdom sjukskriv krank erkrank diagnos kræft kreft cancer krebs
    tumor svulst depressi psykiatr psykolog psychiatr psychother misbrug rusmis alkoholi sucht
    graviditet gravid schwanger pregnan abort hiv diabet epileps demens demenz dementia handicap
    behinder funktionsneds medicin medikament fagforening fagforbund gewerkschaft religio muslim
    jøde jude katoli katholi homoseks homosex bisex transkøn straffeattest straffet vorstraf
    voldtægt vergewaltig etnisk ethnisch asyl
    """.split()  # noqa: SIM905 - one word a line would hide which is missing
)
_ORDER: Final = tuple(Sensitivity)


def classify(
    types: Iterable[str], words: Iterable[list[str]], stated: Sensitivity | None = None
) -> Sensitivity:
    """Return how far the text may travel; never less strict than what the caller stated."""
    found = frozenset(types) - _NOT_PERSONAL
    detected = Sensitivity.PERSONAL if found else Sensitivity.PUBLIC
    if found & _NATIONAL_NUMBERS or (found and _speaks_of_special(words)):
        detected = Sensitivity.SPECIAL
    return max(detected, stated or Sensitivity.PUBLIC, key=_ORDER.index)


def _speaks_of_special(words: Iterable[list[str]]) -> bool:
    """Return whether a word is special; it matters only where somebody can be recognised."""
    return any(word.startswith(_SPECIAL) for some in words for word in some)
