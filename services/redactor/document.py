"""One text as recognisers see it, and what they find in it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Final

from services.redactor.dictionaries import ALLOW, ALLOWABLE, EMPTY, Dictionary, Listed
from services.redactor.names.lexicon import Lexicon

WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
# Digits with the signs that people put between them; each recogniser looks inside these only.
_DIGITS: Final = re.compile(r"(?<![^\W_])[+(]{0,2}\d[\d .\-/()+]{3,60}")
_DIGITS_MIN: Final = 6
_CONTEXT_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Span:
    """One find: where, what, how sure, and by which rule. It never holds the value."""

    start: int
    end: int
    type: str
    score: float
    detector: str
    rule: str

    @property
    def length(self) -> int:
        return self.end - self.start


class Spans:
    """Spans in order that do not overlap, so that a place is looked up by halving."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._starts: list[int] = []

    def covers(self, start: int, end: int) -> bool:
        at = bisect_left(self._starts, end)
        return at > 0 and self.spans[at - 1].end > start

    def add(self, span: Span) -> None:
        at = bisect_left(self._starts, span.start)
        self._starts.insert(at, span.start)
        self.spans.insert(at, span)


@dataclass(slots=True, repr=False)
class Words:
    """The words of a text, as parallel lists: one loop over them serves every recogniser."""

    text: list[str]
    lower: list[str]
    starts: list[int]
    ends: list[int]


@dataclass(repr=False)
class Document:
    """One text as recognisers see it: canonical, with its words and digit groups found once."""

    text: str
    lexicon: Lexicon
    context: "ContextWords"
    language: str | None = None
    dictionary: Dictionary = EMPTY
    """The company's own lists, of the tenant whose text it is."""
    found: list[Span] = field(default_factory=list)
    """What recognisers of higher priority have found so far."""
    _settled: Spans = field(default_factory=Spans)

    @cached_property
    def lower(self) -> str:
        lower = self.text.lower()
        # A few capitals (İ) become two characters; offsets matter more than they do.
        return lower if len(lower) == len(self.text) else self.text

    @cached_property
    def words(self) -> Words:
        matches = list(WORD.finditer(self.text))
        text = [match.group() for match in matches]
        return Words(
            text=text,
            lower=[word.lower() for word in text],
            starts=[match.start() for match in matches],
            ends=[match.end() for match in matches],
        )

    @cached_property
    def numbers(self) -> list[tuple[int, int]]:
        """Regions with at least six digits, each with one character of what follows."""
        text = self.text
        return [
            (match.start(), min(match.end() + 1, len(text)))
            for match in _DIGITS.finditer(text)
            if sum(map(str.isdigit, match.group())) >= _DIGITS_MIN
        ]

    @cached_property
    def listed(self) -> list[Listed]:
        """Where entries of the company's own lists stand."""
        return self.dictionary.find(self.text)

    def hold_back_allowed(self) -> None:
        """Drop finds that lie within an entry of the allow-list and may be held back by one."""
        allowed = [place for place in self.listed if place.kind == ALLOW]
        if allowed:
            self.found = [span for span in self.found if not _is_allowed(span, allowed)]

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Find `pattern` inside the digit groups only."""
        for start, end in self.numbers:
            yield from pattern.finditer(self.text, start, end)

    def settle(self, more: Iterable[Span] = ()) -> None:
        """Let no two finds overlap any more: the longest wins, then the surest."""
        settled = Spans()
        key = attrgetter("length", "score")
        for span in sorted([*self.found, *more], key=key, reverse=True):
            if not settled.covers(span.start, span.end):
                settled.add(span)
        self.found, self._settled = settled.spans, settled

    def covers(self, start: int, end: int) -> bool:
        """Return whether something found lies over this place; call it once settled."""
        return self._settled.covers(start, end)

    def kinds_before(self, start: int) -> frozenset[str]:
        """Return which kinds the nearest context word before `start` speaks for."""
        return self.context.nearest(self.lower[max(0, start - _CONTEXT_CHARS) : start])

    def span(self, start: int, end: int, kind: str, score: float, rule: str) -> Span:
        return Span(start, end, kind, score, "rules", f"{kind}.{rule}")


def _is_allowed(span: Span, allowed: Iterable[Listed]) -> bool:
    within = (place.start <= span.start and span.end <= place.end for place in allowed)
    return span.type in ALLOWABLE and any(within)


class ContextWords:
    """All recognisers' context words in one pattern: word beginning to kinds."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        kinds: dict[str, set[str]] = {}
        for word, kind in words:
            kinds.setdefault(word, set()).add(kind)
        self._kinds = {word: frozenset(found) for word, found in kinds.items()}
        longest_first = sorted(self._kinds, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_beginning, longest_first))})")

    def nearest(self, window: str) -> frozenset[str]:
        """Return the kinds of the last context word in a lower-case `window`."""
        last = None
        for last in self._pattern.finditer(window):  # noqa: B007 - only the last one counts
            pass
        if last is None:
            return frozenset()
        return self._kinds.get(last.group()) or self._kinds[f"{last.group()} "]


def _beginning(word: str) -> str:
    """Return the pattern of a context word; one that ends in a blank must end there."""
    whole = word.endswith(" ")
    return re.escape(word.rstrip()) + (r"(?![^\W_])" if whole else "")
