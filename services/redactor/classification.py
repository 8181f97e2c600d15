"""Judges how far a text may travel by what was found in it and by what it speaks of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.redactor.domain import Masked
from services.redactor.kinds import kind_named
from services.redactor.policy import Rules
from shared.contracts.requests import Classification, RequestSubmitted
from shared.contracts.values import Sensitivity

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


@dataclass(frozen=True, slots=True)
class Classified:
    """How far a request may travel, and how that came about."""

    sensitivity: Sensitivity
    account: Classification


def classify(masked: Masked, event: RequestSubmitted, rules: Rules, today: date) -> Classified:  # noqa: ARG001
    """Return how far a request may travel; never less strict than what the caller stated."""
    found = {kind for kind in masked.types if kind_named(kind).is_personal}
    detected = Sensitivity.PERSONAL if found else Sensitivity.PUBLIC
    if any(kind_named(kind).is_national for kind in found) or (
        found and _speaks_of_special(masked.words)
    ):
        detected = Sensitivity.SPECIAL
    level = max(detected, event.sensitivity or detected, key=lambda one: one.strictness)
    account = Classification(
        detected=detected, stated=event.sensitivity, reasons=tuple(sorted(found))
    )
    return Classified(level, account)


def _speaks_of_special(words: Iterable[list[str]]) -> bool:
    """Return whether a word is special; it matters only where somebody can be recognised."""
    return any(word.startswith(_SPECIAL) for some in words for word in some)
