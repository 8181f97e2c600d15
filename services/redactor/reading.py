"""Reads placeholders as people and models write them: which one it is, and where one may begin.

Models change the case, escape the underscore for Markdown or HTML, put a blank or a hyphen in its
place, translate the word, and add a genitive. Who masks reads in the same way as who restores, so
that whatever somebody typed and a restorer would take for a placeholder is masked itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from services.redactor.kinds import KINDS, kind_named
from services.redactor.labels import (
    CODE_CHARS,
    CODE_CHARS_MAX,
    CODE_CHARS_MIN,
    CODE_FIRST,
    CODE_LETTERS,
    NUMBER_DIGITS_MAX,
    PADDED_DIGITS,
    TRANSLATED,
    Naming,
    numbered,
    word_of,
)
from shared.contracts.masking import Style

WORD_CHARS_MAX: Final = 20
HOLD_CHARS_MAX: Final = 40
"""The longest placeholder: word, separator, number or code, three closing signs and an ending."""

_HYPHENS: Final = r"\-\u2010-\u2014\u2212"
_BLANKS: Final = r" \u00a0\u2007\u2009\u202f"
_DIGIT: Final = r"[0-9\uff10-\uff19]"
_CLOSING: Final = r"[*_`~\])}>\u00bb\u201d\"]{0,3}"

_WORD: Final = rf"(?<![^\W_])(?P<word>[^\W\d_]{{2,{WORD_CHARS_MAX}}}+)"
_SEPARATOR: Final = (
    r"(?:(?P<underscore>\\{0,2}_|\uff3f|&#95;|&#x5f;|&lowbar;|%5f)"
    rf"|(?P<hyphen>\\{{0,2}}-|[{_BLANKS}]?[{_HYPHENS}][{_BLANKS}]?)"
    rf"|[{_BLANKS}]|&nbsp;|%20)?"
)
_NUMBER: Final = rf"(?P<number>{_DIGIT}{{1,{NUMBER_DIGITS_MAX}}})(?!{_DIGIT})"
_MORE: Final = f"{{{CODE_CHARS_MIN - 2},{CODE_CHARS_MAX - 2}}}"
_CODE: Final = rf"(?P<code>[{CODE_FIRST}][{CODE_LETTERS}][{CODE_CHARS}]{_MORE})(?=s?(?![^\W_]))"
_TAIL: Final = rf"(?:(?P<closing>{_CLOSING})(?P<genitive>s|(?<=[^\W_]):s)(?![^\W_]))?"
_PATTERN: Final = re.compile(f"{_WORD}{_SEPARATOR}(?:{_CODE}|{_NUMBER}){_TAIL}", re.IGNORECASE)

_A_DIGIT: Final = re.compile(_DIGIT)

# Wider than the real pattern: holding a little too much is safe, too little is not.
_BEGUN: Final = re.compile(
    rf"(?<![^\W_])(?P<word>[^\W\d_]{{1,{WORD_CHARS_MAX}}}+)"
    rf"(?P<rest>(?:[\\_\uff3f{_HYPHENS}{_BLANKS}]{{1,3}}|&[#0-9a-z]{{0,6}};?|%[25]?[0f]?)?"
    rf"(?:{_DIGIT}(?:{_DIGIT}|[a-z]){{0,{CODE_CHARS_MAX}}})?{_CLOSING}:?s?)\Z",
    re.IGNORECASE,
)


class Reading:
    """Reads texts by the placeholders that some request or its case has."""

    def __init__(
        self, naming: Naming, taken: Iterable[tuple[str, str]], is_known: Callable[[str], bool]
    ) -> None:
        """`taken` are placeholders with their kinds; `is_known` says which may be meant."""
        self._is_known = is_known
        self._is_compact = naming.style is Style.COMPACT
        own, by_label = _named(naming)
        self._own = dict(own)
        self._by_label = dict(by_label)
        for code, kind in taken:
            word, label = word_of(code), kind_named(kind).label
            _note(self._own, word.casefold(), word)
            _note(self._by_label, label, word)
        self._begun = _beginnings(frozenset(self._own))

    def find(self, text: str, start: int = 0) -> Iterator[re.Match[str]]:
        """Yield whatever looks like a placeholder, known or not, in the order of the text."""
        if _A_DIGIT.search(text, start) is None:
            return
        for match in _PATTERN.finditer(text, start):
            if self._is_word(match["word"].casefold()):
                yield match

    def meant(self, match: re.Match[str]) -> str | None:
        """Return the known placeholder that is meant, if it can only be one.

        The word of a kind never means another kind.
        """
        word = match["word"]
        folded = word.casefold()
        codes = self._known(match, self._own.get(folded) or self._translated(folded))
        exact = [code for code in codes if word_of(code) == word]
        only = exact or codes
        return only[0] if len(only) == 1 else None

    def is_placeholder(self, match: re.Match[str]) -> bool:
        """Return whether anybody may take it for a placeholder, who knows no more of the case."""
        word = match["word"].casefold()
        words = (*self._own.get(word, ()), *self._translated(word))
        return self.is_made_up(match) or bool(self._known(match, words))

    def is_made_up(self, match: re.Match[str]) -> bool:
        """Return whether nobody writes so but to name a placeholder, one that does not exist."""
        word = match["word"]
        own = self._own.get(word.casefold(), ())
        if self._is_compact and match["code"] and match["hyphen"] == "-":
            return word in own
        return bool(own) and match["underscore"] is not None

    def begun(self, text: str, start: int) -> int:
        """Return from where the end of `text` may still become a placeholder; else its length."""
        at = max(start, len(text) - HOLD_CHARS_MAX)
        while match := _BEGUN.search(text, at):
            word = match["word"].casefold()
            if word in self._begun and (not match["rest"] or self._is_word(word)):
                return match.start()
            at = match.end("word")
        return len(text)

    def _is_word(self, word: str) -> bool:
        return word in self._own or word in TRANSLATED

    def _translated(self, word: str) -> Iterable[str]:
        return self._by_label.get(TRANSLATED.get(word, ""), ())

    def _known(self, match: re.Match[str], words: Iterable[str]) -> list[str]:
        codes = (_code(word, match) for word in words)
        return [code for code in codes if code is not None and self._is_known(code)]


_Words = dict[str, tuple[str, ...]]


@lru_cache(maxsize=256)
def _named(naming: Naming) -> tuple[_Words, _Words]:
    """Return how words in lower case are spelled, and the words of each shipped label."""
    own: _Words = {}
    by_label: _Words = {}
    for word in naming.words:
        _note(own, word.casefold(), word)
    for kind in KINDS:
        _note(by_label, kind_named(kind).label, naming.word(kind))
    return own, by_label


def _note(words: _Words, key: str, word: str) -> None:
    known = words.get(key, ())
    if word not in known:
        words[key] = (*known, word)


@lru_cache(maxsize=256)
def _beginnings(words: frozenset[str]) -> frozenset[str]:
    return frozenset(
        word[:length] for word in words.union(TRANSLATED) for length in range(1, len(word) + 1)
    )


def place_of(match: re.Match[str]) -> tuple[int, int]:
    """Return where a placeholder stands, without the ending that may follow it."""
    return match.start(), match.end("code" if match["code"] else "number")


def _code(word: str, match: re.Match[str]) -> str | None:
    """Return the placeholder that is written here, with another word.

    None where it is more likely a number in plain text ("konto 12"): without its underscore a
    placeholder must have its leading zeros.
    """
    if match["code"]:
        return f"{word}-{match['code'].upper()}"
    number = match["number"]
    if match["underscore"] is None and len(number) < PADDED_DIGITS:
        return None
    return numbered(word, int(number))
