"""Finds Danish CPR numbers.

Modulus 11 has not been binding since 2007, so a number that fails it still counts when it is
written with a dash or a context word stands before it.
"""

import re
from collections.abc import Iterator
from typing import Final

from stdnum.dk import cpr

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "cpr"
PRIORITY: Final = 80
CONTEXT: Final = (
    "cpr", "personnummer", "personnr", "person-nr", "civilregist", "født", "fødselsdag",
    "kennitala", "personn",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Anders Hansen, CPR 010190-1234.", "010190-1234"),
        ("Mit cpr-nummer er 3112991235", "3112991235"),
        ("Sag om 070761-4285 fra i går", "070761-4285"),
        ("cpr.nr.: 150385 2468", "150385 2468"),
        ("Nummeret 610190-1234 er et erstatningsnummer", "610190-1234"),
        ("Vedr. 0707614285", "0707614285"),
    ),
    ignored=(
        "Ordrenummer 20231145",
        "ordre 4711-2089",
        "ordre 0101901234",
        "Vare 990190-1234",
        "Fakturaen på 1234567890 kr.",
        "Referencen 011390-1234",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])([0-9]{2})[ .]?([0-9]{2})[ .]?([0-9]{2})(\s?[- ]\s?|\n)?([0-9]{4})(?![\w-])"
)
# What a scanner reads for digits; only behind a context word.
_SCANNED: Final = re.compile(r"(?<![\w-])[0-9OolI]{6}[ -]?[0-9OolI]{4}(?![\w-])")
_SCANNED_DIGITS_MIN: Final = 6
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_REPLACEMENT: Final = 60
"""Added to the day in numbers given to people without one (erstatnings-CPR)."""


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        day, month, year, separator, serial = match.groups()
        if not _is_date(int(day), int(month)):
            continue
        kinds = document.kinds_around(*match.span())
        valid = cpr.checksum(day + month + year + serial) == 0
        if KIND in kinds:
            # Swedish numbers (year first) can look like a replacement number: theirs come first.
            sure = 1.0 if int(day) <= _REPLACEMENT else 0.9
            yield document.span(*match.span(), KIND, sure, "context")
        elif IMPERSONAL in kinds:
            continue
        elif separator and "-" in separator:
            yield document.span(
                *match.span(),
                KIND,
                (0.95 if valid else 0.9) - 0.1 * ("personnummer" in kinds),
                "separator",
            )
        elif valid:
            yield document.span(*match.span(), KIND, 0.7, "checksum")
        elif not kinds:
            yield document.span(*match.span(), KIND, 0.3, "date")
    for match in document.after(KIND, _SCANNED):
        if (
            _SCANNED_DIGITS_MIN
            <= sum(map(str.isdigit, match.group()))
            < match.end() - match.start()
        ):
            yield document.span(*match.span(), KIND, 0.8, "scanned")


def _is_date(day: int, month: int) -> bool:
    if not 1 <= month <= len(_DAYS):
        return False
    return 1 <= (day - _REPLACEMENT if day > _REPLACEMENT else day) <= _DAYS[month - 1]
