"""Finds Norwegian fødselsnummer and D-nummer."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum.no import fodselsnummer

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "fodselsnummer"
PRIORITY: Final = 80
CONTEXT: Final = (
    "fødselsn", "fødsels- og", "fnr", "f.nr", "personnummer", "personnr", "d-nummer", "d-nr",
    "dnr", "født",
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
    r"(?<![\w-])([0-7][0-9][0-9]{2}[0-9]{2})([ -]?)([0-9]{5}|[0-9]{3} [0-9]{2})(?![\w-])"
)


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        kinds = document.kinds_before(match.start())
        if KIND in kinds:
            yield document.span(*match.span(), KIND, 1.0, "context")
        elif not kinds and fodselsnummer.is_valid(re.sub(r"[ -]", "", match.group())):
            yield document.span(*match.span(), KIND, 0.9, "checksum")
