"""Finds personal data in one text: runs every recogniser over it and settles what overlaps."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Self, cast

from services.redactor import languages
from services.redactor.canonical import Canonical, canonicalise
from services.redactor.dictionaries import EMPTY, Dictionary
from services.redactor.document import IMPERSONAL, ContextWords, Document, Span
from services.redactor.names.lexicon import Lexicon
from services.redactor.recognisers.base import ENTRY_POINTS, PACKAGE, Recogniser
from shared.contracts.masking import Bias
from shared.plugins import load

_IMPERSONAL_WORDS: Final = (
    "ordre", "bestilling", "faktura", "vare", "leverand", "forsendelse", "pakke", "kolli", "lot ",
    "tracking", "sporing", "reference", "referans", "ref.", "ref ", "referens", "referenz", "cvr",
    "orgn", "org.", "ean", "gln", "gtin", "upc", "serien", "modeln", "model ", "modell", "produkt",
    "artikel", "aftalen", "avtalen", "beställning", "order", "försändelse", "bestell", "auftrag",
    "rechnung", "vorgang", "vertrag", "sendung", "charge n", "charge:", "chargen",
    "lieferschein", "kassenzeichen",
    "invoice", "item", "part n", "part ", "product", "serial", "shipment", "parcel", "ticket",
    "booking", "isbn", "issn", "doi", "version", "moms", "vat", "ust", "sku", "reservedel", "teile",
    "ersatzteil", "batch", "matrikel", "materialn", "typ ", "type ", "kvittering", "kvitto",
    "quittung", "receipt", "bilag", "beleg", "verifikat", "tilbud", "offert", "angebot", "quote",
    "chassis", "imei", "build", "commit", "hash", "handelsregister", "hrb", "firmenn", "målern",
    "zähler", "spårning", "frakt", "fragt", "paket", "purchase", "po ", "indkøb", "innkjøp",
    "inköp", "beløb", "beløp", "belopp", "betrag", "amount", "summe", "varen", "lagern",
    "reservasjon", "sagsn", "sags-n", "saksn", "ärenden", "aktenzeichen", "case n", "journaln",
    "j.nr", "jnr", "dnr", "diarien", "az.", "az:", "geschäftszeichen", "unser zeichen",
    "ihr zeichen", "our ref", "your ref", "vår ref", "vores ref", "deres ref", "er ref",
    "trans", "varunr", "art.", "art ", "kid ", "company n", "firmenbuch", "registered n",
    "delenummer", "delnummer", "kod ", "kode ", "code ", "reklamation",
)  # fmt: skip
_THRESHOLDS: Final = {Bias.PRECISE: 0.75, Bias.BALANCED: 0.5, Bias.THOROUGH: 0.25}
"""The score from which on a find counts, as a policy chooses between misses and false alarms."""


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
        self._context = context_words(recognisers)

    def document(self, canonical: Canonical, language: str | None = None) -> Document:
        """Return the text as recognisers see it; nothing has been looked for yet."""
        return Document(canonical.text, self._lexicon, self._context, language)

    def run(self, document: Document, bias: Bias = Bias.BALANCED) -> None:
        """Fill `document.found` with what is likely enough for `bias`."""
        threshold = _THRESHOLDS[bias]
        for recogniser in self._recognisers:
            document.found += [one for one in recogniser.find(document) if one.score >= threshold]
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


def context_words(recognisers: Iterable[Recogniser]) -> ContextWords:
    """Return the context words of `recognisers`, and those of things that belong to nobody."""
    words = [(word, one.KIND) for one in recognisers for word in one.CONTEXT]
    return ContextWords([*words, *((word, IMPERSONAL) for word in _IMPERSONAL_WORDS)])
