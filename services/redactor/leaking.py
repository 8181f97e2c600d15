"""Looks once more at what is about to leave, for masked values and for numbers nobody saw."""

import re
from collections.abc import Iterable
from typing import Final, cast

from services.redactor.canonical import canonicalise
from services.redactor.detection import context_words
from services.redactor.document import Document
from services.redactor.kinds import PERSON, kind_named
from services.redactor.names.lexicon import Lexicon
from services.redactor.placeholders import normalise
from services.redactor.recognisers import (
    cpr,
    fodselsnummer,
    iban,
    personnummer,
    sozialversicherungsnummer,
    steuer_id,
)
from services.redactor.recognisers.base import Recogniser

_CHECKED: Final = cast(
    "tuple[Recogniser, ...]",
    (
        cpr,
        fodselsnummer,
        personnummer,
        steuer_id,
        iban,
        sozialversicherungsnummer,
    ),
)
_CONTEXT: Final = context_words(_CHECKED)
_NO_NAMES: Final = Lexicon(frozenset(), frozenset(), frozenset(), frozenset())
_BY_CHECKSUM: Final = (".checksum", ".separator")
_SCORE_MIN: Final = 0.9
"""Every bias masks what is as sure as this, so that here it can only have been overlooked."""
# The shortest that has a checksum has ten digits; one letter may stand between.
_MANY_DIGITS: Final = re.compile(r"[0-9](?:(?:[ \n.+/()-]{0,3}|[ -]?[A-Za-z][ -]?)[0-9]){9}")
NUMBER: Final = re.compile(r"(?<![0-9])\+?[0-9](?:[ .\-/()]{0,2}[0-9]){5,20}")


def leak_check(serialised: bytes, surfaces: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the types of masked values that `serialised` still holds. Anything at all is too much.

    It looks for every form that was masked, whatever its case, escapes or invisible characters, and
    for the same digits in another grouping. One name alone must be written as a name.
    """
    text = canonicalise(serialised.decode()).text
    folded = text.casefold()
    leaking = set()
    digits: dict[str, str] = {}
    for kind, form in surfaces:
        if kind == PERSON and form.isalpha():
            seen = _stands_in(text, form) or _stands_in(text, form.upper())
        else:
            seen = _stands_in(folded, form.casefold())
        if seen:
            leaking.add(kind)
        if kind_named(kind).is_numeric:
            digits[normalise("phone", form)] = kind
    if digits:
        numbers = (normalise("phone", match.group()) for match in NUMBER.finditer(text))
        leaking |= {digits[number] for number in numbers if number in digits}
    return frozenset(leaking | _unseen(text))


def _unseen(text: str) -> set[str]:
    """Return the kinds of numbers with a checksum that still stand in `text`, whoever wrote them.

    A field that nobody walked is noticed by this. What recognisers leave on purpose, an order
    number say, they leave here too, since it is they who look.
    """
    if _MANY_DIGITS.search(text) is None:
        return set()
    document = Document(text, _NO_NAMES, _CONTEXT)
    return {
        span.type
        for recogniser in _CHECKED
        for span in recogniser.find(document)
        if span.rule.endswith(_BY_CHECKSUM) and span.score >= _SCORE_MIN
    }


def _stands_in(text: str, form: str) -> bool:
    """Return whether `form` stands in `text` as words of its own, be it with a genitive ending."""
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        rest = text[end : end + 2]
        if rest[:1] in {"s", "S"}:
            rest = rest[1:]
        if not (text[at - 1 : at].isalnum() if at else False) and not rest[:1].isalnum():
            return True
        at = text.find(form, at + 1)
    return False
