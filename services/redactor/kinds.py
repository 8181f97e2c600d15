"""The kinds of what is masked, once: how each is labelled, compared and judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

PERSON: Final = "person"
COMPANY: Final = "company"
PROJECT: Final = "project"
SECRET: Final = "secret"  # noqa: S105  The name of a kind.
LITERAL: Final = "literal"


class Spelling(Enum):
    """What makes two spellings of one value the same."""

    WORDS = auto()
    """Its words, whatever their case and the signs between them."""
    LETTERS = auto()
    """Its letters and digits, whatever their case: DE89 3704 and de893704."""
    DIGITS = auto()
    """Its digits."""
    PHONE = auto()
    """Its digits without country code and trunk zero."""
    CASE = auto()
    """All of it but its case."""
    EXACT = auto()


@dataclass(frozen=True, slots=True)
class Kind:
    """What is to be known of a kind."""

    label: str
    """The word of its placeholders, read alike in all five languages."""
    spelling: Spelling = Spelling.WORDS
    is_national: bool = False
    """A number by which a state knows a person; whoever names one speaks of special data."""
    is_personal: bool = True

    @property
    def is_numeric(self) -> bool:
        """Return whether the same digits in another grouping are the same value."""
        return self.spelling in {Spelling.DIGITS, Spelling.PHONE}


_ID: Final = Kind("Id", Spelling.DIGITS, is_national=True)
_NUMBER: Final = Kind("Nummer", Spelling.LETTERS)
KINDS: Final[Mapping[str, Kind]] = {
    PERSON: Kind("Klient"),
    # Only companies named after a masked person, and those of the company's own lists.
    COMPANY: Kind("Firma", is_personal=False),
    PROJECT: Kind("Projekt", is_personal=False),
    "address": Kind("Adresse"),
    "email": Kind("Email", Spelling.CASE),
    "phone": Kind("Telefon", Spelling.PHONE),
    "iban": Kind("Konto", Spelling.LETTERS),
    "account": Kind("Konto", Spelling.DIGITS),
    "card": Kind("Kort", Spelling.DIGITS),
    # National numbers share one label, since one number can look like two kinds.
    "cpr": _ID,
    "fodselsnummer": _ID,
    "personnummer": _ID,
    "steuer_id": _ID,
    "sozialversicherungsnummer": Kind("Id", Spelling.LETTERS, is_national=True),
    "kvnr": Kind("Id", Spelling.LETTERS, is_national=True),
    "passport": Kind("Id", Spelling.LETTERS, is_national=True),
    "licence_plate": Kind("Plade", Spelling.LETTERS),
    "ip": Kind("Ip", Spelling.CASE),
    "handle": Kind("Alias", Spelling.CASE),
    "url": Kind("Link", Spelling.EXACT),
    "birth_date": Kind("Dato", Spelling.WORDS),
    "customer_number": _NUMBER,
    "case_number": _NUMBER,
    SECRET: Kind("Secret", Spelling.EXACT),
    LITERAL: Kind("Tekst", Spelling.EXACT, is_personal=False),
}
OTHER: Final = Kind("Data")
"""Kinds that third parties add."""


def kind_named(name: str) -> Kind:
    return KINDS.get(name, OTHER)
