"""Says how placeholders are named: the word of each kind, and the code that follows it."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Final, Self

from services.redactor.kinds import (
    COMPANY,
    KINDS,
    LITERAL,
    PERSON,
    PROJECT,
    SECRET,
    kind_named,
)
from shared.contracts.masking import MaskingPolicy, Style

NUMBER_DIGITS_MAX: Final = 6
PADDED_DIGITS: Final = 3

CODE_FIRST: Final = "23456789"
CODE_LETTERS: Final = "ACDEFGHJKMNPQRTVWXY"
"""No S, which would be taken for a genitive, and nothing that looks like a digit or another."""
CODE_CHARS: Final = CODE_FIRST + CODE_LETTERS
CODE_CHARS_MIN: Final = 3
CODE_CHARS_MAX: Final = 6
_CROWDED: Final = 4
"""Codes get longer when one in so many is taken, long before free ones are hard to find."""

_COMPACT_WORDS: Final = {PERSON: "PERSON"}
_ANY: Final = ""
"""Stands for every kind that is not named."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How the placeholders of one request read, by what the policy states for its language."""

    style: Style = Style.NUMBERED
    stated: tuple[tuple[str, str], ...] = ()
    """Kind and word, where the policy states one."""

    @classmethod
    def of(cls, policy: MaskingPolicy, language: str | None) -> Self:
        stated = sorted(
            (kind, word)
            for kind, words in policy.labels.items()
            for stated_for, word in words.items()
            if stated_for == language
        )
        return cls(policy.style, tuple(stated))

    @property
    def words(self) -> frozenset[str]:
        """The words of all kinds."""
        return frozenset(_words(self).values())

    def word(self, kind: str) -> str:
        """Return the word of a kind's placeholders."""
        words = _words(self)
        return words.get(kind) or words[_ANY]


@lru_cache(maxsize=256)
def _words(naming: Naming) -> Mapping[str, str]:
    """Return the word of each kind. Two that differ in case only become one, for models read so."""
    stated = dict(naming.stated)
    spelled: dict[str, str] = {}
    words: dict[str, str] = {}
    for kind in (*KINDS, _ANY, *stated):
        word = stated.get(kind) or kind_named(kind).label
        if naming.style is Style.COMPACT:
            word = (stated.get(kind) or _COMPACT_WORDS.get(kind) or word).upper()
        words[kind] = spelled.setdefault(word.casefold(), word)
    return words


def numbered(word: str, number: int) -> str:
    """Return a placeholder of the numbered style: Klient_001."""
    return f"{word}_{number:0{PADDED_DIGITS}d}"


def word_of(code: str) -> str:
    """Return the word that a placeholder begins with."""
    return code.rpartition("_")[0] or code.rpartition("-")[0]


def compact(
    word: str, salt: bytes, identity: str, given: int, is_taken: Callable[[str], bool]
) -> str:
    """Return a placeholder of the compact style: PERSON-7Q3.

    It follows from salt and identity, so that a request that is delivered again is masked to the
    same bytes, and nobody can tell one person in two scopes. `given` is how many there are.
    """
    for attempt in count():
        message = f"{attempt}|{identity}".encode()
        number = int.from_bytes(hmac.digest(salt, message, hashlib.sha256))
        placeholder = f"{word}-{_code(number, _code_chars(given))}"
        if not is_taken(placeholder):
            return placeholder
    raise AssertionError("unreachable: counting does not end")


def _code_chars(given: int) -> int:
    """Return how long the next code is."""
    chars, free = CODE_CHARS_MIN, len(CODE_FIRST) * len(CODE_LETTERS) * len(CODE_CHARS)
    while given * _CROWDED >= free and chars < CODE_CHARS_MAX:
        chars, free = chars + 1, free * len(CODE_CHARS)
    return chars


def _code(number: int, chars: int) -> str:
    # A letter in second place, so that no code is a number that might stand in plain text.
    code = ""
    for alphabet in (CODE_FIRST, CODE_LETTERS, *[CODE_CHARS] * (chars - 2)):
        number, at = divmod(number, len(alphabet))
        code += alphabet[at]
    return code


# --- the same word in other languages --------------------------------------------------------

_TRANSLATED: Final = {
    PERSON: "klient klienten client kunde kunden kund customer person mandant"
    " cliente klant asiakas",
    COMPANY: "firma company firm virksomhed selskap selskab företag unternehmen"
    " entreprise empresa azienda bedrijf yritys",
    PROJECT: "projekt project prosjekt projet proyecto progetto",
    "address": "adresse adress address addresse anschrift dirección indirizzo adres osoite",
    "email": "email epost mail",
    "phone": "telefon phone telephone telefonnummer phonenumber tlf téléphone teléfono telefono",
    "iban": "konto account kontonummer accountnumber compte cuenta conto rekening",
    "card": "kort card karte",
    "cpr": "id identifier kennung",
    "licence_plate": "plade plate skilt skylt kennzeichen nummerplade",
    "ip": "ip",
    "handle": "alias handle",
    "url": "link url lenke lenkje länk",
    "birth_date": "dato date datum",
    "customer_number": "nummer number",
    SECRET: "secret hemmelighed hemmelighet hemlighet geheimnis",
    LITERAL: "tekst text",
}
TRANSLATED: Final[Mapping[str, str]] = {
    word: kind_named(kind).label for kind, words in _TRANSLATED.items() for word in words.split()
}
"""Words by which models translate the word of a kind, in lower case, with the shipped label."""
