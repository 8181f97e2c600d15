"""Brings a text into one spelling for detection, and remembers where each character came from."""

import html
import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Characters that readers do not see: a name must not hide behind one.
_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
)
_MARK: Final = "\u0300-\u036f"
_IN_JSON: Final = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
# In the middle of a text, where JSON was pasted, twice escaped or cut off: of "\nHansen" the "n" is
# no letter of the name. Before a small letter it is left, for paths are written so (C:\new).
_IN_TEXT: Final = re.compile(r"(?<!\\)\\++(?:u[0-9a-fA-F]{4}|[nrt](?=[^\W_a-zæøåäöüßé]))")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_HIDDEN: Final = re.compile(f"[{_INVISIBLE}{_MARK}]")
_UNSEEN: Final = re.compile(rf"[{_INVISIBLE}]+|[^{_MARK}][{_MARK}]+")
# One character for one: no offset moves.
_BLANKS: Final = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_APOSTROPHES: Final = "\u2018\u2019\u02bc\u00b4\u201b\uff07"
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_SAME_WIDTH: Final[dict[int, str]] = {
    **{ord(sign): chr(ord(sign) - 0xFEE0) for sign in map(chr, _FULL_WIDTH)},
    **dict.fromkeys(map(ord, _BLANKS), " "),
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
    **dict.fromkeys(map(ord, _APOSTROPHES), "'"),
}
_ODD: Final = re.compile(f"[{re.escape(''.join(map(chr, _SAME_WIDTH)))}]")


@dataclass(frozen=True, slots=True, repr=False)
class Canonical:
    """A text in one spelling; `starts` and `ends` are None where no offset moved."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None
    in_json: bool = False

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters from `start` to `end` stood before."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return which characters stand for the original's from `start` to `end`."""
        if self.starts is None or self.ends is None:
            return start, end
        return bisect_right(self.ends, start), bisect_left(self.starts, end)

    def value(self, written: str) -> str:
        """Return what a part of the text, as it was written, says: JSON escapes read."""
        if not self.in_json or "\\" not in written:
            return written
        try:
            read = str(json.loads(f'"{written}"', strict=False))
            read.encode()
        except ValueError:  # Half an escape, or half a character.
            return written
        return read


def canonicalise(text: str) -> Canonical:
    """Return `text` composed (NFC), without invisible characters and HTML entities, signs unified.

    The escapes of JSON are read too, all of a text that is JSON as a whole: no name hides behind
    one.
    """
    in_json = "\\" in text and _is_json(text)
    reading = _Reading(text)
    if in_json:
        reading.read(_IN_JSON, lambda piece: str(json.loads(f'"{piece}"')))
    if "\\" in reading.text:
        reading.read(_IN_TEXT, _escaped)
    if "&" in reading.text:
        reading.read(_ENTITY, html.unescape)
    if not reading.text.isascii() and _HIDDEN.search(reading.text):
        reading.read(_UNSEEN, _composed)
    if reading.text.isascii() or _ODD.search(reading.text) is None:
        spelled = reading.text
    else:
        spelled = reading.text.translate(_SAME_WIDTH)
    if reading.starts is None or reading.ends is None:
        return Canonical(spelled, in_json=in_json)
    return Canonical(spelled, tuple(reading.starts), tuple(reading.ends), in_json=in_json)


class _Reading:
    """A text on its way to one spelling.

    `starts` and `ends` lead each character back to where it stood: two lists of numbers, since a
    long text has one of each for every character.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts: list[int] | None = None
        self.ends: list[int] | None = None

    def read(self, pattern: re.Pattern[str], meaning: Callable[[str], str]) -> None:
        """Put in place of every match what it means; nothing happens where there is none."""
        matches = list(pattern.finditer(self.text))
        if not matches:
            return
        old_starts = self.starts or list(range(len(self.text)))
        old_ends = self.ends or list(range(1, len(self.text) + 1))
        characters: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for match in matches:
            start, end = match.span()
            read = meaning(match.group())
            characters += (self.text[at:start], read)
            starts += old_starts[at:start] + [old_starts[start]] * len(read)
            ends += old_ends[at:start] + [old_ends[end - 1]] * len(read)
            at = end
        characters.append(self.text[at:])
        self.starts, self.ends = starts + old_starts[at:], ends + old_ends[at:]
        self.text = "".join(characters)


def _escaped(piece: str) -> str:
    """Return what an escape in the middle of a text says: a letter, or a blank."""
    escape = piece.lstrip("\\")
    letter = chr(int(escape[1:], 16)) if escape[0] == "u" else "\n"
    return letter if letter.isalnum() else "\n"


def _composed(piece: str) -> str:
    """Return a letter with its marks as one character; nothing for what readers do not see."""
    return unicodedata.normalize("NFC", piece) if unicodedata.combining(piece[-1]) else ""


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
