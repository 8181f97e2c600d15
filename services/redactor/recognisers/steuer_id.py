"""Finds German tax identification numbers (Steuer-ID) and tax numbers (Steuernummer)."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum.de import idnr

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "steuer_id"
PRIORITY: Final = 80
CONTEXT: Final = (
    "steuer", "idnr", "id-nr", "identifikationsnummer", "tin ", "tax", "ident-nr", "id-nummer",
    "skatte", "idnummer",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Meine Steuer-ID lautet 36 574 261 809.", "36 574 261 809"),
        ("IdNr. 36574261809", "36574261809"),
        ("Steueridentifikationsnummer: 36574261800", "36574261800"),
        ("Steuernummer 181/815/08155", "181/815/08155"),
        ("Anbei 36574261809 wie gewünscht", "36574261809"),
    ),
    ignored=(
        "Bestellnummer 36574261809",
        "Vorgang 36 574 261 809",
        "Die Summe beträgt 12345678901 Euro",
    ),
)

_CANDIDATE: Final = re.compile(
    r"(?<![\w-])(?:[0-9]{2}[ /\n]?[0-9]{3}[ /\n]?[0-9]{3}[ /\n]?[0-9]{3}"
    r"|[0-9]{2,3}/[0-9]{3,4}/[0-9]{4,5})"
    r"(?![\w/-])"
)


def find(document: Document) -> Iterator[Span]:
    for match in document.matches(_CANDIDATE):
        kinds = document.kinds_around(*match.span())
        if KIND in kinds:
            yield document.span(*match.span(), KIND, 1.0, "context")
        elif IMPERSONAL not in kinds and idnr.is_valid(re.sub(r"[ /\n]", "", match.group())):
            yield document.span(*match.span(), KIND, 0.9, "checksum")
