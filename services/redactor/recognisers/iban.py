"""Finds international bank account numbers."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum.iso7064 import mod_97_10

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "iban"
PRIORITY: Final = 95
CONTEXT: Final = (
    "iban", "konto ", "kontonr", "kontonummer", "kontoen ", "account", "overfør", "överför",
    "überweis",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("IBAN: DK50 0040 0440 1162 43.", "DK50 0040 0440 1162 43"),
        ("Kontoen er NO9386011117947", "NO9386011117947"),
        ("Bitte auf DE89 3704 0044 0532 0130 00 überweisen", "DE89 3704 0044 0532 0130 00"),
        ("se45 5000 0000 0583 9825 7466", "se45 5000 0000 0583 9825 7466"),
        ("GB29 NWBK 6016 1331 9268 19 MED", "GB29 NWBK 6016 1331 9268 19"),
        ("iban DK51 0040 0440 1162 43", "DK51 0040 0440 1162 43"),
    ),
    ignored=(
        "Varenummer DK50 0040 0440 1162 44",
        "Typ AB12 3456 7890",
        "Model DE89370400440532013001",
    ),
)

# ISO 13616 lengths. Others are read up to their longest form and must pass the checksum.
_LENGTHS: Final = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GL": 18, "GR": 27, "HR": 21,
    "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "TR": 26, "UA": 29, "AL": 28, "BA": 20, "GI": 23, "MD": 24, "ME": 22, "MK": 19, "RS": 22,
    "SM": 27, "VA": 22, "XK": 20, "GE": 22, "IL": 23, "AE": 23, "SA": 24, "QA": 29, "KW": 30,
    "TN": 24,
}  # fmt: skip
# From the digits backwards: letters are everywhere.
_CHECK: Final = re.compile(
    r"[0-9](?:(?<=[A-Za-z]{2}.)|(?<=[A-Za-z]{2} .))[0-9](?=[ \n.-]{0,2}[A-Za-z0-9])"
)
_COUNTRY: Final = re.compile(r"(?<![^\W_])(?:[A-Z]{2}|[a-z]{2}|[A-Z][a-z])")
_CHARACTER: Final = re.compile(r"[ \n.-]{0,2}([A-Za-z0-9])")


def find(document: Document) -> Iterator[Span]:
    text = document.text
    for check in _CHECK.finditer(text):
        start = check.start() - (3 if text[check.start() - 1] == " " else 2)
        country = _COUNTRY.match(text, start)
        length = _LENGTHS.get(country.group().upper()) if country else None
        end = _end(text, check.end(), length) if length else None
        if end is None:
            continue
        number = re.sub(r"[ \n.-]", "", text[start:end])
        # In mixed case they are words: "KW 12 bis KW 18".
        if number[2:] not in {number[2:].upper(), number[2:].lower()}:
            continue
        if mod_97_10.is_valid(number[4:] + number[:4]):
            yield document.span(start, end, KIND, 1.0, "checksum")
        elif KIND in document.kinds_before(start) and number in {number.upper(), number.lower()}:
            yield document.span(start, end, KIND, 0.8, "context")


def _end(text: str, start: int, length: int) -> int | None:
    """Return where a number of `length` characters ends, if a word does not go on there."""
    at = start
    for _ in range(length - 4):
        found = _CHARACTER.match(text, at)
        if found is None:
            return None
        at = found.end()
    return None if text[at : at + 1].isalnum() else at
