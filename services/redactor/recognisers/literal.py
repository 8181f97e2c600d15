"""Finds text that already looks like a placeholder, so that it can come back unchanged."""

from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.placeholders import STRICT
from services.redactor.recognisers.base import Examples

KIND: Final = "literal"
PRIORITY: Final = 60
CONTEXT: Final = ()
EXAMPLES: Final = Examples(
    found=(
        ("Brug koden Klient_001 i testen", "Klient_001"),
        (r"I wrote Klient\_001 myself", r"Klient\_001"),
        ("ADRESSE_12", "ADRESSE_12"),
    ),
    ignored=("Kunde_001 er ingen kode her", "konto 1234", "Klient nr. 3", "snake_case_001"),
)


def find(document: Document) -> Iterator[Span]:
    if "_" in document.text:
        for match in STRICT.finditer(document.text):
            yield document.span(*match.span(), KIND, 1.0, "pattern")
