"""Writes text as it comes, wrapped between words and set in from the left."""

import re
from collections.abc import Callable, Iterator
from typing import Final

_WORD_OR_SPACE: Final = re.compile(r"\n|[^\S\n]+|\S+")


class Typewriter:
    """Takes a text in pieces; a word goes out once the piece after it shows where it ends."""

    def __init__(self, write: Callable[[str], object], *, margin: int, width: int) -> None:
        self._write = write
        self._margin = " " * margin
        self._width = width - margin
        self._column = 0
        self._held = ""

    def type(self, piece: str) -> None:
        """Write what is certain of the text so far."""
        parts = _WORD_OR_SPACE.findall(self._held + piece)
        self._held = parts.pop() if parts else ""
        self._write("".join(self._placed(parts)))

    def finish(self) -> None:
        """Write the rest and end the line."""
        self._write("".join(self._placed([self._held])) + "\n")

    def _placed(self, parts: list[str]) -> Iterator[str]:
        for part in parts:
            if part == "\n":
                self._column = 0
                yield part
            elif part.isspace():
                # Written only when a word follows on this line.
                self._column += 1 if self._column else 0
            elif part:
                yield self._word(part)

    def _word(self, word: str) -> str:
        before = " " if self._column else self._margin
        if self._column and self._column + len(word) > self._width:
            before, self._column = f"\n{self._margin}", 0
        self._column += len(word)
        return before + word
