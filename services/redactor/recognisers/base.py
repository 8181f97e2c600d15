"""What a recogniser is: one module in this folder, for one kind of personal data.

A third party adds one by an entry point in the group `stellwerk.recognisers`. See
docs/how-to/add-a-recogniser.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from services.redactor.document import Document, Span

PACKAGE: Final = "services.redactor.recognisers"
ENTRY_POINTS: Final = "stellwerk.recognisers"


@dataclass(frozen=True, slots=True, repr=False)
class Examples:
    """What a recogniser must find, and what it must leave alone. Invented people only.

    `found` is a sequence of texts with the very part of each that must be found; nothing may be
    found in a text of `ignored`.
    """

    found: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


class Recogniser(Protocol):
    """The names that a recogniser's module must have."""

    KIND: str
    """The type of its spans, which placeholders.py gives a label."""
    PRIORITY: int
    """Higher runs earlier; a later one may look at what the earlier ones found."""
    CONTEXT: tuple[str, ...]
    """Beginnings of words, lower case, that speak for this kind when they stand before a number.

    One that ends in a blank is a whole word: `"konto "` does not match "kontor".
    """
    EXAMPLES: Examples

    @staticmethod
    def find(document: Document) -> Iterable[Span]:
        """Yield what is of this kind in `document`. Pure; must not be slower than one pass."""
        ...
