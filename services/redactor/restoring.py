"""Puts real values back where a model wrote placeholders: in texts, in streams, in arguments.

Models change what they are given: case, underscores, Markdown, the word, a genitive ending. All of
that is accepted; a placeholder that stands for nothing is left as it is and counted.
"""

import json
import re
from typing import Final

from services.redactor.kinds import COMPANY, PERSON
from services.redactor.placeholders import APOSTROPHE_AFTER, Mapping
from services.redactor.reading import Reading

SOURCE_DEPTH_MAX: Final = 8
"""JSON in a text in JSON, and so on: deeper it is restored as the text that it is."""
_BEFORE_CHARS: Final = 1
"""How far back a placeholder is looked at: to the sign before it."""
_NO_APOSTROPHE: Final = frozenset({"sv"})
_COLON_S: Final = frozenset({"sv"})
"""Languages that write a code's genitive with a colon, but not a name's."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


class Restorer:
    """Restores one text that arrives in pieces; `feed` each, then `finish`.

    However the text is cut, the pieces that come out join to the same bytes.
    """

    def __init__(self, mapping: Mapping, language: str | None = None) -> None:
        self._mapping = mapping
        self._language = language or mapping.language
        used = ((code, entry.type) for code, entry in mapping.items())
        self._reading = Reading(mapping.naming, used, mapping.__contains__)
        self._before = ""
        self._held = ""
        self.restored_count = 0
        self.unresolved_count = 0

    def feed(self, piece: str) -> str:
        """Return what can be passed on for good, now that `piece` has arrived."""
        self._held += piece
        text, start = self._before + self._held, len(self._before)
        until = self._reading.begun(text, start)
        return "" if until == start else self._release(text, until)

    def finish(self) -> str:
        """Return the rest; nothing can follow."""
        text = self._before + self._held
        return self._release(text, len(text))

    def _release(self, text: str, until: int) -> str:
        at = len(self._before)
        out: list[str] = []
        for match in self._reading.find(text, at):
            if match.start() >= until:
                break
            out += (text[at : match.start()], self._value(match))
            at = match.end()
        out.append(text[at : max(at, until)])
        until = max(at, until)
        self._before, self._held = text[max(0, until - _BEFORE_CHARS) : until], text[until:]
        return "".join(out)

    def _value(self, match: re.Match[str]) -> str:
        code = self._reading.meant(match)
        entry = self._mapping.get(code) if code else None
        if entry is None:
            self.unresolved_count += self._reading.is_made_up(match)
            return match.group()
        self.restored_count += 1
        ending = match["genitive"]
        if ending is None:
            return entry.value
        if entry.type in {PERSON, COMPANY}:
            ending = genitive_ending(entry.value, self._language, ending)
        return f"{entry.value}{match['closing']}{ending}"


def genitive_ending(name: str, language: str | None, written: str = "s") -> str:
    """Return a name's genitive ending: Hansens, but Jens' sag (da, nb, de) and Jens sak (sv).

    An ending with an apostrophe is not asked about: it stays as the model has written it.
    """
    if written.startswith(":"):
        if language not in _COLON_S:
            return written
        written = written[1:]
    if not name.casefold().endswith(APOSTROPHE_AFTER):
        return written
    return "" if language in _NO_APOSTROPHE else "'"


def restore(text: str, mapping: Mapping, language: str | None = None) -> tuple[str, int]:
    """Return `text` with real values, and how many placeholders in it stand for nothing."""
    restorer = Restorer(mapping, language)
    out = restorer.feed(text) + restorer.finish()
    return out, restorer.unresolved_count


# --- arguments of functions ------------------------------------------------------------------


def restore_json(arguments: str, mapping: Mapping, language: str | None = None) -> tuple[str, int]:
    """Return JSON source with real values in its strings, and how many stand for nothing.

    JSON stays JSON, also within a string of it; all but the strings stays byte for byte. What is no
    JSON is restored as a text.
    """
    return _restored(arguments, mapping, language, SOURCE_DEPTH_MAX, '{["')


def _restored(
    text: str, mapping: Mapping, language: str | None, depth: int, openings: str = "{["
) -> tuple[str, int]:
    if not depth or not _is_json(text, openings):
        return restore(text, mapping, language)
    out: list[str] = []
    at = unresolved = 0
    for match in _STRING.finditer(text):
        source = match.group()
        before = json.loads(source)
        # A text in quotes is a text: only an object or a list in a string is taken for JSON.
        after, count = _restored(before, mapping, language, depth - 1)
        unresolved += count
        if after != before:
            # In ASCII where the model wrote so: half a surrogate pair can only be sent like that.
            out += (text[at : match.start()], json.dumps(after, ensure_ascii="\\u" in source))
            at = match.end()
    return "".join(out) + text[at:], unresolved


def _is_json(text: str, openings: str) -> bool:
    if text.lstrip()[:1] not in tuple(openings):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True
