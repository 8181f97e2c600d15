"""Names what was masked: one placeholder per value, and the signs by which one is known again."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.redactor.kinds import KINDS, OTHER, Spelling, kind_named

NUMBER_DIGITS_MAX: Final = 6
_LABELS: Final = {kind.label for kind in (*KINDS.values(), OTHER)}
_LABEL_PATTERN: Final = "|".join(sorted(_LABELS, key=len, reverse=True))
_NUMBER: Final = rf"(?P<number>[0-9]{{1,{NUMBER_DIGITS_MAX}}})(?![0-9])"
STRICT: Final = re.compile(
    rf"(?<![^\W_])(?P<label>{_LABEL_PATTERN})(?P<separator>\\?_){_NUMBER}", re.IGNORECASE
)
"""What people and this service write. Text like this is masked, so that it comes back unchanged."""

SEPARATOR_SIGNS: Final = r"\\_&#95; \-\u2010\u2011\u2013\u00a0\u202f"
"""Every sign that a separator may hold, for a character class."""
_SEPARATOR: Final = r"(?:\\?_|&#95;| ?[-\u2010\u2011\u2013] ?|[ \u00a0\u202f])"
LOOSE: Final = re.compile(
    rf"(?<![^\W_])(?P<label>{_LABEL_PATTERN})(?P<separator>{_SEPARATOR})?{_NUMBER}", re.IGNORECASE
)
"""What models make of it as well: a blank, a hyphen or nothing in place of the underscore."""

_CANONICAL_LABEL: Final = {label.casefold(): label for label in _LABELS}
_PADDED_DIGITS: Final = 3


def code_of(match: re.Match[str]) -> str | None:
    """Return the placeholder that a match of STRICT or LOOSE stands for.

    None where it is more likely a number in plain text ("konto 12"): without its underscore a
    placeholder must have its leading zeros.
    """
    number = match["number"]
    if not has_underscore(match) and len(number) < _PADDED_DIGITS:
        return None
    # Case folding, since the pattern takes the long s for an s.
    label = _CANONICAL_LABEL.get(match["label"].casefold())
    return None if label is None else f"{label}_{int(number):0{_PADDED_DIGITS}d}"


def has_underscore(match: re.Match[str]) -> bool:
    """Return whether a match is written with an underscore, which nobody else would write."""
    return (match["separator"] or "").endswith(("_", "&#95;"))


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One masked value: what it is, and how it is written when it is put back."""

    type: str
    value: str


class Mapping:
    """Placeholder to value, for one scope. Numbers are given in order and never given again."""

    def __init__(self, language: str | None = None) -> None:
        self.language = language
        self._entries: dict[str, Entry] = {}
        self._codes: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, code: str) -> bool:
        return code in self._entries

    def get(self, code: str) -> Entry | None:
        return self._entries.get(code)

    def items(self) -> Iterable[tuple[str, Entry]]:
        return self._entries.items()

    def add(self, kind: str, value: str, form: str | None = None) -> str:
        """Return the placeholder of `value`, a new one if its normalised form has none yet.

        `form` is the canonical spelling, where `value`, which is put back, is written otherwise.
        """
        label = kind_named(kind).label
        identity = (label, normalise(kind, value if form is None else form))
        code = self._codes.get(identity)
        if code is None:
            self._last[label] = self._last.get(label, 0) + 1
            code = f"{label}_{self._last[label]:0{_PADDED_DIGITS}d}"
            self._codes[identity] = code
            self._entries[code] = Entry(kind, value)
        return code

    def dump(self) -> list[list[str]]:
        """Return the entries in a form that JSON can carry; `load` reads it."""
        return [[code, entry.type, entry.value] for code, entry in self._entries.items()]

    @classmethod
    def load(cls, entries: Iterable[Iterable[str]], language: str | None) -> "Mapping":
        """Return the mapping that `dump` described, for restoring only."""
        mapping = cls(language)
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


def json_escaped(value: str) -> str:
    """Return `value` as it stands between the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


APOSTROPHE_AFTER: Final = ("s", "x", "z", "ß")
"""Names that end so take an apostrophe for a genitive in da, nb and de, and nothing in sv."""
LABEL_WORDS: Final = frozenset(_CANONICAL_LABEL)
"""The labels in lower case: a text without one of these words holds no placeholder."""
