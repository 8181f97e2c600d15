"""Finds payment card numbers."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum import luhn

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "card"
PRIORITY: Final = 85
CONTEXT: Final = (
    "kort ", "kortet ", "kortn", "kort-n", "kreditkort", "bankkort", "hævekort", "kortnummer",
    "dankort", "visa", "mastercard", "kredit", "betalingskort", "card", "credit", "debit", "amex",
    "karte", "girocard",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Kort 4111 1111 1111 1111 udløber", "4111 1111 1111 1111"),
        ("Kreditkarte: 5500-0000-0000-0004.", "5500-0000-0000-0004"),
        ("amex 3400 000000 00009", "3400 000000 00009"),
        ("betalt med 4111111111111111", "4111111111111111"),
        ("Charge 4111 1111\n1111 1111 please", "4111 1111\n1111 1111"),
        ("kortnummer 4111 1111 1111 1112", "4111 1111 1111 1112"),
    ),
    ignored=(
        "Ordrenummer 4111111111111111",
        "Sporing 5500 0000 0000 0004",
        "EAN 4006381333931",
        "Charge: 4111111111111111",
        "Summen er 4111 1111 1111 1112",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])(?:[2-6][0-9]{3}[ \n-]?[0-9]{4}[ \n-]?[0-9]{4}[ \n-]?"
    r"(?:[0-9]{4} ?[0-9]{3}|[0-9]{1,7})"
    r"|3[47][0-9]{2}[ \n-]?[0-9]{6}[ \n-]?[0-9]{5})(?![\w-])"
)


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        kinds = document.kinds_around(*match.span())
        if KIND in kinds:
            yield document.span(*match.span(), KIND, 0.9, "context")
        elif IMPERSONAL not in kinds and luhn.is_valid(re.sub(r"\D", "", match.group())):
            yield document.span(*match.span(), KIND, 0.8, "checksum")
