"""Finds personal data in one text: runs every recogniser over it and settles what overlaps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Self, cast

from services.redactor import languages
from services.redactor.canonical import Canonical, canonicalise
from services.redactor.dictionaries import EMPTY, Dictionary
from services.redactor.document import ContextWords, Document, Span
from services.redactor.names.lexicon import Lexicon
from services.redactor.recognisers.base import ENTRY_POINTS, PACKAGE, Recogniser
from shared.plugins import load

# Words before a number that belongs to a thing and not to a person.
IMPERSONAL: Final = "impersonal"
_IMPERSONAL_WORDS: Final = (
    "ordre", "bestilling", "faktura", "vare", "sagsn", "sags-n", "journaln", "kunden", "kundn",
    "leverand", "forsendelse", "pakke", "tracking", "sporing", "reference", "referans", "ref.",
    "cvr", "orgn", "org.", "ean", "gln", "serien", "modeln", "produkt", "artikel", "policen",
    "aftalen", "avtalen", "saksn", "beställning", "order", "ärenden", "försändelse", "bestell",
    "auftrag", "rechnung", "vorgang", "vertrag", "sendung", "charge", "lieferschein",
    "kassenzeichen", "aktenzeichen", "invoice", "item", "part n", "product", "serial", "shipment",
    "parcel", "ticket", "case n", "booking", "isbn", "versionsn",
)  # fmt: skip


class Detector:
    """Runs the recognisers, the surest first."""

    @classmethod
    def shipped(cls) -> Self:
        """Return a detector with all recognisers that are installed and the shipped lexicon."""
        recognisers = cast("list[Recogniser]", load(PACKAGE, Recogniser, ENTRY_POINTS))
        return cls(recognisers, Lexicon.load())

    def __init__(self, recognisers: Sequence[Recogniser], lexicon: Lexicon) -> None:
        self._recognisers = sorted(recognisers, key=lambda one: -one.PRIORITY)
        self._lexicon = lexicon
        words = [(word, one.KIND) for one in recognisers for word in one.CONTEXT]
        words += [(word, IMPERSONAL) for word in _IMPERSONAL_WORDS]
        self._context = ContextWords(words)

    def document(self, canonical: Canonical, language: str | None = None) -> Document:
        """Return the text as recognisers see it; nothing has been looked for yet."""
        return Document(canonical.text, self._lexicon, self._context, language)

    def run(self, document: Document) -> None:
        """Fill `document.found`."""
        for recogniser in self._recognisers:
            document.found.extend(recogniser.find(document))
        document.hold_back_allowed()
        document.settle()

    def detect(
        self, text: str, language: str | None = None, dictionary: Dictionary = EMPTY
    ) -> list[Span]:
        """Return what is personal in `text`, by offsets into `text` as it came."""
        canonical = canonicalise(text)
        document = self.document(canonical, language)
        document.dictionary = dictionary
        document.language = language or languages.guess([document.words.lower])
        self.run(document)
        return [
            replace(span, start=start, end=end)
            for span in document.found
            for start, end in [canonical.original(span.start, span.end)]
        ]
