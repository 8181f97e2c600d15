"""Finds German pension insurance numbers (Rentenversicherungsnummer, Sozialversicherungsnummer)."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "sozialversicherungsnummer"
PRIORITY: Final = 80
CONTEXT: Final = (
    "sozialversicherung", "rentenversicherung", "versicherungsnummer", "vsnr", "rvnr", "svnr",
    "sv-nummer", "sv-nr", "sv nummer", "rv-nummer", "rv-nr", "sozialvers",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Versicherungsnummer 65 170839 J 003", "65 170839 J 003"),
        ("SV-Nummer: 65170839J003", "65170839J003"),
        ("Anbei 65170839J003 wie gewünscht", "65170839J003"),
        ("Mit sozialversicherungsnummer er 65 170839 j 003", "65 170839 j 003"),
        ("RVNR 65 170839 J 004", "65 170839 J 004"),
    ),
    ignored=(
        "Artikel 65170839J003",
        "Teil 65170839J004",
        "Typ 65 170839 J 003",
        "65 170839 Jahre 003",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])([0-9]{2})[ -]?([0-9]{2})([0-9]{2})([0-9]{2})"
    r"[ -]?([A-Za-z])[ -]?([0-9]{3})(?![\w-])"
)
_WEIGHTS: Final = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def find(document: Document) -> Iterator[Span]:
    text = document.text
    for start, end in document.numbers:
        # The letter ends the digit group: the rest stands behind it.
        for match in _CANDIDATE.finditer(text, start, end + _REST_CHARS):
            kinds = document.kinds_around(*match.span())
            if IMPERSONAL in kinds:
                continue
            if _is_valid(match):
                yield document.span(*match.span(), KIND, 0.95, "checksum")
            elif KIND in kinds:
                yield document.span(*match.span(), KIND, 0.85, "context")


_REST_CHARS: Final = 7


def _is_valid(match: re.Match[str]) -> bool:
    area, day, month, year, letter, serial = match.groups()
    order = ord(letter.upper()) - ord("A") + 1
    digits = f"{area}{day}{month}{year}{order:02d}{serial[:2]}"
    total = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, _WEIGHTS, strict=True))
    return 1 <= int(month) <= 12 and total % 10 == int(serial[2])  # noqa: PLR2004  Months.
