"""Finds Swedish personnummer and samordningsnummer."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum import luhn

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "personnummer"
PRIORITY: Final = 80
CONTEXT: Final = (
    "personnummer", "personnr", "pnr", "p.nr", "samordningsn", "född", "personbeteckning", "persnr",
    "pers.nr", "person-nr",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Personnummer 850709-9805.", "850709-9805"),
        ("personnr: 198507099805", "198507099805"),
        ("Född 19850709-9805 i Lund", "19850709-9805"),
        ("samordningsnummer 850769-9801", "850769-9801"),
        ("Anna, 19121212+1212, ringde", "19121212+1212"),
    ),
    ignored=(
        "Order 850709-9805",
        "ordernummer 8507099805",
        "Artikeln 851399-9805",
        "Summa 198507099806 kr",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])((?:18|19|20) ?)?([0-9]{2})[ -]?([0-9]{2})[ -]?([0-9]{2})"
    r"(\s?[-+ ]\s?|\n)?([0-9]{4})(?![\w-])"
)
_MONTHS: Final = 12
_DAYS: Final = 31
_COORDINATION: Final = 60
"""Added to the day in numbers for people who are not registered in Sweden."""


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        century, year, month, day, separator, serial = match.groups()
        if not _is_date(int(month), int(day)):
            continue
        kinds = document.kinds_around(*match.span())
        valid = luhn.is_valid(year + month + day + serial)
        if KIND in kinds:
            yield document.span(*match.span(), KIND, 0.98 if valid else 0.9, "context")
        elif IMPERSONAL not in kinds and valid:
            sure = 0.92 if separator or century else 0.6
            yield document.span(*match.span(), KIND, sure, "checksum")


def _is_date(month: int, day: int) -> bool:
    born = day - _COORDINATION if day > _COORDINATION else day
    return 1 <= month <= _MONTHS and 1 <= born <= _DAYS
