"""Looks once more at what is about to leave for every value that was just masked."""

import re
from collections.abc import Iterable
from typing import Final

from services.redactor.canonical import canonicalise
from services.redactor.kinds import PERSON, kind_named
from services.redactor.placeholders import normalise

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
    return frozenset(leaking)


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
