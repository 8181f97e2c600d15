"""Finds German health insurance numbers (Krankenversichertennummer)."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "kvnr"
PRIORITY: Final = 80
CONTEXT: Final = (
    "krankenversicher", "versichertennummer", "versicherten-nr", "versichertennr", "versicherten",
    "kvnr", "kv-nr", "kv-nummer", "egk", "gesundheitskarte", "krankenkasse",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Versichertennummer A123456780", "A123456780"),
        ("KVNR: A 123 456 780", "A 123 456 780"),
        ("Meine Gesundheitskarte hat die Nummer a123456780.", "a123456780"),
        ("kv-nr A123456789", "A123456789"),
        ("Frau Lind, A123456780, ist versichert", "A123456780"),
    ),
    ignored=(
        "Artikel A123456780",
        "Modell A123456789",
        "Teil A 123 456 781",
        "Frau Lind, A123456781, Zimmer 4",
    ),
)

# From the digits backwards: letters are everywhere.
_DIGITS: Final = re.compile(
    r"[0-9](?:(?<=[A-Za-z].)|(?<=[A-Za-z] .))[0-9]{2} ?[0-9]{3} ?[0-9]{3}(?![\w-])"
)
_LETTER: Final = re.compile(r"(?<![\w-])[A-Za-z] ?")


def find(document: Document) -> Iterator[Span]:
    text = document.text
    for match in _DIGITS.finditer(text):
        start, end = match.start() - (2 if text[match.start() - 1] == " " else 1), match.end()
        if _LETTER.match(text, start) is None:
            continue
        kinds = document.kinds_around(start, end)
        valid = _is_valid(text[start:end])
        if KIND in kinds:
            yield document.span(start, end, KIND, 0.95 if valid else 0.8, "context")
        elif IMPERSONAL not in kinds and valid:
            # One part number in ten passes.
            is_german = document.language in {"de", None}
            yield document.span(start, end, KIND, 0.55 if is_german else 0.4, "checksum")


def _is_valid(number: str) -> bool:
    letter, digits = number[0].upper(), re.sub(r"[^0-9]", "", number)
    order = ord(letter) - ord("A") + 1
    numbers = [int(digit) for digit in f"{order:02d}{digits[:8]}"]
    doubled = (digit * (1 + at % 2) for at, digit in enumerate(numbers))
    return sum(sum(divmod(one, 10)) for one in doubled) % 10 == int(digits[8])
