"""Names what was masked: one placeholder per value, in one request or over a whole case."""

import re
from collections import abc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.redactor.kinds import KINDS, OTHER, Spelling, kind_named
from services.redactor.labels import (
    NUMBER_DIGITS_MAX,
    Naming,
    compact,
    numbered,
)
from shared.contracts.masking import Style

_LABELS: Final = {kind.label for kind in (*KINDS.values(), OTHER)}
_LABEL_PATTERN: Final = "|".join(sorted(_LABELS, key=len, reverse=True))
_NUMBER: Final = rf"(?P<number>[0-9]{{1,{NUMBER_DIGITS_MAX}}})(?![0-9])"
STRICT: Final = re.compile(
    rf"(?<![^\W_])(?P<label>{_LABEL_PATTERN})(?P<separator>\\?_){_NUMBER}", re.IGNORECASE
)
"""What people and this service write. Text like this is masked, so that it comes back unchanged."""


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One masked value: what it is, and how it is written when it is put back."""

    type: str
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """One masked value with its placeholder; `form` is its canonical spelling."""

    code: str
    type: str
    value: str
    form: str

    @property
    def identity(self) -> tuple[str, str]:
        """Return what makes two values one: the label, and the normalised form."""
        return kind_named(self.type).label, normalise(self.type, self.form)


class Mapping:
    """Placeholder to value, for one request and whatever its case or conversation remembers.

    What is only remembered is not looked up, counted or listed until this request uses it: nobody
    gets the value of a placeholder that merely exists. Numbers are given in order and never again.
    """

    def __init__(
        self,
        language: str | None = None,
        naming: Naming = Naming(),  # noqa: B008  Frozen.
        *,
        known: Iterable[Known] = (),
        last: abc.Mapping[str, int] = MappingProxyType({}),
        salt: bytes = b"",
    ) -> None:
        """`last` counts the placeholders given so far, by word; `salt` is the scope's own."""
        self.language = language
        self.naming = naming
        self.last = dict(last)
        self._salt = salt
        self._entries: dict[str, Entry] = {}
        self._known = {one.code: one for one in known}
        self._codes = {one.identity: code for code, one in self._known.items()}
        self._new: dict[str, Known] = {}
        self._changed: dict[str, Known] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, code: str) -> bool:
        return code in self._entries

    def get(self, code: str) -> Entry | None:
        return self._entries.get(code)

    def items(self) -> Iterable[tuple[str, Entry]]:
        return self._entries.items()

    def knows(self, code: str) -> bool:
        """Return whether a placeholder is taken, in this request or before it."""
        return code in self._entries or code in self._known

    def taken(self) -> Iterator[tuple[str, str]]:
        """Yield every placeholder that is taken, with its kind."""
        yield from ((code, one.type) for code, one in self._known.items())
        for code, entry in self._entries.items():
            if code not in self._known:
                yield code, entry.type

    def new(self) -> Iterable[Known]:
        """Return what this request has brought."""
        return self._new.values()

    def changed(self) -> Iterable[Known]:
        """Return the known values of which a fuller form was seen."""
        return self._changed.values()

    def add(self, kind: str, value: str, form: str | None = None) -> str:
        """Return the placeholder of `value`, a new one if its normalised form has none yet.

        `form` is the canonical spelling, where `value`, which is put back, is written otherwise.
        """
        added = Known("", kind, value, value if form is None else form)
        code = self._codes.get(added.identity)
        if code is None:
            code = self._codes[added.identity] = self._named(added)
            self._entries[code] = Entry(kind, value)
            self._new[code] = Known(code, kind, value, added.form)
        return self.use(code)

    def use(self, code: str) -> str:
        """Take a known value into this request and return its placeholder."""
        if code not in self._entries:
            known = self._known[code]
            self._entries[code] = Entry(known.type, known.value)
        return code

    def replace(self, code: str, value: str, form: str | None = None) -> str:
        """Give a known person the fuller form of the name that was seen, and return the code.

        If somebody has that name already, it is theirs: no two placeholders stand for one name.
        """
        kind = self._known[code].type
        fuller = Known(code, kind, value, value if form is None else form)
        owner = self._codes.setdefault(fuller.identity, code)
        if owner != code:
            return self.use(owner)
        self._changed[code] = fuller
        self._entries[code] = Entry(kind, value)
        return code

    def _named(self, added: Known) -> str:
        """Return a placeholder that nothing has yet."""
        word = self.naming.word(added.type)
        self.last[word] = self.last.get(word, 0) + 1
        if self.naming.style is Style.COMPACT:
            identity = "|".join(added.identity)
            return compact(word, self._salt, identity, self.last[word], self.knows)
        while self.knows(code := numbered(word, self.last[word])):
            # Only where a counter was lost: better a gap than one placeholder for two.
            self.last[word] += 1
        return code

    def dump(self) -> list[list[str]]:
        """Return the entries in a form that JSON can carry; `load` reads it."""
        return [[code, entry.type, entry.value] for code, entry in self._entries.items()]

    @classmethod
    def load(
        cls,
        entries: Iterable[Iterable[str]],
        language: str | None,
        naming: Naming = Naming(),  # noqa: B008  Frozen.
    ) -> "Mapping":
        """Return the mapping that `dump` described, for restoring only."""
        mapping = cls(language, naming)
        mapping._entries = {code: Entry(kind, value) for code, kind, value in entries}
        return mapping


_SEPARATORS: Final = re.compile(r"[\W_]+")
_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_TRUNK_COUNTRIES: Final = ("45", "46", "47", "44", "49", "41", "43")
_NATIONAL_DIGITS_MIN: Final = 7


def normalise(kind: str, value: str) -> str:
    """Return the form of `value` under which two spellings of it are the same."""
    match kind_named(kind).spelling:
        case Spelling.EXACT:
            return value
        case Spelling.CASE:
            return value.casefold()
        case Spelling.PHONE:
            return _national(value)
        case Spelling.DIGITS:
            return _NOT_DIGITS.sub("", value)
        case Spelling.LETTERS:
            return _SEPARATORS.sub("", value).casefold()
        case Spelling.WORDS:
            return _SEPARATORS.sub(" ", value).strip().casefold()


def _national(value: str) -> str:
    """Return a telephone number's digits without country code and trunk zero."""
    digits = _NOT_DIGITS.sub("", value.replace("(0)", ""))
    prefixed = value.lstrip("( ").startswith(("+", "00"))
    digits = digits.lstrip("0")
    if prefixed and digits[:2] in _TRUNK_COUNTRIES and len(digits) - 2 >= _NATIONAL_DIGITS_MIN:
        digits = digits[2:].lstrip("0")
    return digits


APOSTROPHE_AFTER: Final = ("s", "x", "z", "ß")
"""Names that end so take an apostrophe for a genitive in da, nb and de, and nothing in sv."""
