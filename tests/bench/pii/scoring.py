"""Compares what was found with what is marked."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.pii.corpus import Prompt, Span

_WORD: Final = re.compile(r"\w+")
# A genitive belongs to the name or not, whichever a detector prefers.
_GENITIVE: Final = re.compile(r"['’]?s|['’]")
_EDGE: Final = " \t\n.,;:()[]<>\"'"


@dataclass(frozen=True, slots=True)
class Miss:
    """A marked value of which something was left, or an unmarked word that was masked."""

    prompt: str
    kind: str
    text: str


@dataclass(slots=True)
class Score:
    """Counts over some prompts; each by kind where a kind is known."""

    gold: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    """Marked values whose every letter and digit was masked, as whatever kind."""
    exact: Counter[str] = field(default_factory=Counter)
    """Found with its own kind and its own bounds."""
    found: Counter[str] = field(default_factory=Counter)
    words: int = 0
    """Words that are no personal data."""
    false_words: int = 0
    """Those of them that were masked."""
    misses: list[Miss] = field(default_factory=list)
    false: list[Miss] = field(default_factory=list)

    def add(self, prompt: Prompt, found: Sequence[Span]) -> None:
        masked = _places(found)
        for span in prompt.gold:
            self.gold[span.kind] += 1
            if all(at in masked or not prompt.text[at].isalnum() for at in _places([span])):
                self.covered[span.kind] += 1
            else:
                self.misses.append(Miss(prompt.id, span.kind, prompt.text[span.start : span.end]))
        self._count_exact(prompt, found)
        self._count_false(prompt, found, masked)

    def _count_exact(self, prompt: Prompt, found: Sequence[Span]) -> None:
        gold = {(span.start, span.kind): span.end for span in prompt.gold}
        for span in found:
            self.found[span.kind] += 1
            one = _trimmed(prompt.text, span)
            end = gold.get((one.start, one.kind))
            if end is not None and (
                one.end == end or _GENITIVE.fullmatch(prompt.text[end : one.end])
            ):
                self.exact[span.kind] += 1

    def _count_false(self, prompt: Prompt, found: Sequence[Span], masked: set[int]) -> None:
        personal = _places(prompt.gold)
        for match in _WORD.finditer(prompt.text):
            places = set(range(*match.span()))
            if not places & personal:
                self.words += 1
                if places & masked:
                    self.false_words += 1
                    kinds = "/".join(sorted(_kinds_at(places, found)))
                    self.false.append(Miss(prompt.id, kinds, match.group()))

    @property
    def false_per_1000(self) -> float:
        return 1000 * self.false_words / self.words if self.words else 0.0


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the bounds within which the true share lies with 95 % certainty."""
    if not count:
        return 0.0, 1.0
    z, share = 1.959964, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _places(spans: Iterable[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}


def _kinds_at(places: set[int], found: Sequence[Span]) -> Iterator[str]:
    for span in found:
        if places & set(range(span.start, span.end)):
            yield span.kind


def _trimmed(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start] in _EDGE:
        start += 1
    while start < end and text[end - 1] in _EDGE:
        end -= 1
    return Span(start, end, span.kind)
