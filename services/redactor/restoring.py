"""Puts real values back where a model wrote placeholders, in whole texts and in streams.

Models change what they are given: case, underscores, Markdown, a genitive ending. Everything of
that is accepted; a placeholder that stands for nothing is left as it is and counted.
"""

import re
from typing import Final

from services.redactor.placeholders import (
    APOSTROPHE_AFTER,
    LABEL_WORDS,
    LOOSE,
    NUMBER_DIGITS_MAX,
    SEPARATOR_SIGNS,
    Mapping,
    code_of,
    has_underscore,
    json_escaped,
)

_CLOSING: Final = r"(?:\*{1,3}|_{1,2}|`)?"
_TAIL: Final = rf"(?:(?P<closing>{_CLOSING})(?P<genitive>s)(?![^\W_]))?"
_PATTERN: Final = re.compile(LOOSE.pattern + _TAIL, re.IGNORECASE)
# In JSON source a placeholder may follow an escape: \nKlient_001.
_PATTERN_IN_JSON: Final = re.compile(
    r"(?:(?<![^\W_])|(?<=\\[nrtbf]))" + _PATTERN.pattern.removeprefix(r"(?<![^\W_])"), re.IGNORECASE
)
_BEFORE_CHARS: Final = 2
"""How far back the patterns look: over one JSON escape."""

HOLD_CHARS_MAX: Final = 40
"""No stream is held back by more: the longest label, separator, number, closing sign and ending."""

_NO_APOSTROPHE: Final = frozenset({"sv"})


def _begun(word: str) -> str:
    """Return a pattern for every beginning of `word`, and for `word` with all that may follow."""
    follows = rf"[{SEPARATOR_SIGNS}]{{0,5}}[0-9]{{0,{NUMBER_DIGITS_MAX}}}{_CLOSING}s?"
    pattern = word[-1] + follows
    for letter in reversed(word[:-1]):
        pattern = f"{letter}(?:{pattern})?"
    return pattern


# Wider than the real pattern: holding a little too much is safe, too little is not.
_BEGUN: Final = re.compile(rf"(?:{'|'.join(map(_begun, sorted(LABEL_WORDS)))})\Z", re.IGNORECASE)


class Restorer:
    """Restores one text that arrives in pieces; `feed` each, then `finish`.

    However the text is cut, the pieces that come out join to the same bytes.
    """

    def __init__(
        self, mapping: Mapping, language: str | None = None, *, in_json: bool = False
    ) -> None:
        self._mapping = mapping
        self._language = language or mapping.language
        self._in_json = in_json
        self._pattern = _PATTERN_IN_JSON if in_json else _PATTERN
        self._before = ""
        self._held = ""
        self.restored_count = 0
        self.unresolved_count = 0

    def feed(self, piece: str) -> str:
        """Return what can be passed on for good, now that `piece` has arrived."""
        self._held += piece
        text = self._before + self._held
        # The earliest place from which the end of the text may still become a placeholder.
        begun = _BEGUN.search(text, max(len(self._before), len(text) - HOLD_CHARS_MAX))
        return self._release(text, begun.start() if begun else len(text))

    def finish(self) -> str:
        """Return the rest; nothing can follow."""
        text = self._before + self._held
        return self._release(text, len(text))

    def _release(self, text: str, until: int) -> str:
        at = len(self._before)
        out: list[str] = []
        for match in self._pattern.finditer(text, at):
            if match.start() >= until:
                break
            out += (text[at : match.start()], self._value(match))
            at = match.end()
        out.append(text[at : max(at, until)])
        until = max(at, until)
        self._before, self._held = text[max(0, until - _BEFORE_CHARS) : until], text[until:]
        return "".join(out)

    def _value(self, match: re.Match[str]) -> str:
        code = code_of(match)
        entry = self._mapping.get(code) if code else None
        if entry is None:
            self.unresolved_count += has_underscore(match)
            return match.group()
        self.restored_count += 1
        value = entry.value
        written = json_escaped(value) if self._in_json else value
        if match["genitive"] is None:
            return written
        ending = match["genitive"]
        if entry.type in {"person", "company"}:
            ending = genitive_ending(value, self._language, ending)
        return f"{written}{match['closing']}{ending}"


def genitive_ending(name: str, language: str | None, written: str = "s") -> str:
    """Return a name's genitive ending: Hansens, but Jens' sag (da, nb, de) and Jens sak (sv)."""
    if not name.casefold().endswith(APOSTROPHE_AFTER):
        return written
    return "" if language in _NO_APOSTROPHE else "'"


def restore(text: str, mapping: Mapping, language: str | None = None) -> tuple[str, int]:
    """Return `text` with real values, and how many placeholders in it stand for nothing."""
    restorer = Restorer(mapping, language)
    out = restorer.feed(text) + restorer.finish()
    return out, restorer.unresolved_count
