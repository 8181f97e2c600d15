"""Finds Norwegian fødselsnummer and D-nummer."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "fodselsnummer"
PRIORITY: Final = 80
CONTEXT: Final = (
    "fødselsn", "fødsels- og", "fnr", "f.nr", "personnummer", "personnr", "d-nummer", "d-nr", "dnr",
    "født", "fødd", "h-nummer", "hjelpenummer", "fødselsdato", "fødenummer",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Fødselsnummer 01010750160, takk", "01010750160"),
        ("Kari Nordmann (010107 50160)", "010107 50160"),
        ("D-nummer: 41010750160", "41010750160"),
        ("fnr 01010750161", "01010750161"),
    ),
    ignored=(
        "Referanse 01010750160",
        "Ordrenummer 12345678901",
        "Beløpet var 99999999999",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])([0-7][0-9])[ .]?([0-9]{2})[ .]?([0-9]{2})\s?[ -]?\s?"
    r"([0-9]{3})[ -]?([0-9]{2})(?![\w-])"
)
_WEIGHTS: Final = ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
_D_NUMBER: Final = 40
"""Added to the day in numbers for people who are not registered in Norway."""
_MONTH_MARKS: Final = (0, 40, 65, 80)
"""Added to the month in numbers of hospitals (H-nummer) and of the tax office's test people."""
_MONTHS: Final = 12
_DAYS: Final = 31


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        kinds = document.kinds_around(*match.span())
        if KIND in kinds:
            yield document.span(*match.span(), KIND, 1.0, "context")
        elif IMPERSONAL not in kinds and is_valid("".join(match.groups())):
            yield document.span(*match.span(), KIND, 0.92, "checksum")


def is_valid(digits: str) -> bool:
    """Return whether eleven digits hold a date of birth and both check digits fit."""
    day, month = int(digits[:2]), int(digits[2:4])
    born = day - _D_NUMBER if day > _D_NUMBER else day
    if not 1 <= born <= _DAYS or not any(1 <= month - mark <= _MONTHS for mark in _MONTH_MARKS):
        return False
    numbers = [int(digit) for digit in digits]
    return all(
        sum(a * b for a, b in zip(numbers, weights, strict=True)) % 11 == 0 for weights in _WEIGHTS
    )
