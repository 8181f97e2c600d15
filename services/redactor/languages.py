"""Guesses the language of a text by its small words, from the six that the redactor knows."""

from collections.abc import Iterable
from typing import Final

_SMALL_WORDS: Final = {
    "da": """
        jeg ikke og det er at af mig til hvad være blev mit dit nogen meget også har min kære hilsen
        venligst skal kan for på med som den de et en fra tak hej sig selv efter
        """,
    "nb": """
        jeg ikke og det er å av meg til hva være ble mitt ditt noen veldig også har min kjære hei
        vennlig skal kan for på med som den de et en fra takk seg selv etter
        """,
    "nn": """
        eg ikkje og det er å av meg til kva vere vart mitt nokon veldig også har kjære hei skal kan
        for på med som dei eit ein frå takk seg sjølv etter
        """,
    "sv": """
        jag inte och det är att av mig till vad vara blev mitt ditt någon mycket också har min kära
        hej vänliga ska kan för på med som den de ett en från tack sig själv efter
        """,
    "de": """
        ich nicht und das ist zu von mich mir was sein wurde mein dein jemand sehr auch habe bitte
        der die den dem ein eine mit für auf es wir sie ihre nach aus bei
        """,
    "en": """
        i not and the is to of me my what be was your someone very also have please dear a an with
        for on it we you they from at by this that are
        """,
}
_SETS: Final = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_WORDS_MAX: Final = 400
"""Enough to decide; a long document must not cost more."""


def guess(words: Iterable[list[str]]) -> str | None:
    """Return the language of lower-case words, or None where no small word of any is among them."""
    seen: set[str] = set()
    for some in words:
        seen.update(some[:_WORDS_MAX])
        if len(seen) >= _WORDS_MAX:
            break
    counts = {language: len(small & seen) for language, small in _SETS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else None
