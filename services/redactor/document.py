"""One text as recognisers see it, and what they find in it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from services.redactor.dictionaries import ALLOW, ALLOWABLE, EMPTY, Dictionary, Listed
from services.redactor.kinds import PERSON, kind_named
from services.redactor.names.lexicon import Lexicon

WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
# Digits with the signs that people put between them; each recogniser looks inside these only.
# Begins with what it looks for, so that the letters between cost nothing.
_DIGITS: Final = re.compile(r"[+(\d](?<![^\W_].)(?:(?<=\d)|[+(]?\d)[\d \n.\-/()+]{3,}")
_DIGITS_MIN: Final = 6
_CONTEXT_CHARS: Final = 40
IMPERSONAL: Final = "impersonal"
"""What a number speaks of that belongs to a thing and not to a person."""
# An order number's word speaks for the number beside it, not for one in the next clause.
_BESIDE: Final = re.compile(
    r"[\w-]{0,40}(?:[ \n:#\"'=]|\.(?! ?[A-ZÆØÅÄÖÜ][a-zæøåäöü])){0,6}"
    r"(?:(?:nr|no|nummer|number|id|er|is|ist|är)\b[ .:]{0,3}){0,2}"
)
_NEXT_CLAUSE: Final = re.compile(r"[,;(!?\n]|\. |[0-9]{3}.*[^\W\d_]{3}", re.DOTALL)
_BEHIND: Final = re.compile(
    r"[ ,(=:\n-]{0,3}(?:(?:er|is|ist|är|var|was|som|als|as) )?"
    r"(?:(?:mit|mitt|min|mein|meine|my|his|her|hans|hendes|hennes|seine|ihre) )?\Z"
)
_BEHIND_CHARS: Final = 20
_VALUE_CHARS: Final = 60
_BEGINNING: Final = 2
_LETTERS: Final = 3
_DELIMITERS: Final = (";", "\t", "|", ",")
_WORDS: Final = re.compile(r"[^\W\d_](?:.*[^\W\d_])?", re.DOTALL)
_NO_BLANKS: Final = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_NO_KINDS: Final[frozenset[str]] = frozenset()


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

    def over(self, start: int, end: int) -> slice:
        """Return which of `spans` lie over a place, be it in part."""
        last = first = bisect_left(self._starts, end)
        while first and self.spans[first - 1].end > start:
            first -= 1
        return slice(first, last)

    def put(self, place: slice, span: Span) -> None:
        """Put `span` where the spans of `place` have been."""
        self._starts[place] = [span.start]
        self.spans[place] = [span]


class Cue(NamedTuple):
    """A context word: where it stands, and which kinds it speaks for."""

    start: int
    end: int
    kinds: frozenset[str]


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
        """Let no two finds overlap any more, and leave none of what they covered in the text.

        The longest says what a place is, then the surest. Of two that overlap in part one is made,
        over both. Not so where one of them is a person: a name goes on by itself beside what took
        a word of it, or "Aarhus C. Anders Hansen" would be an address from end to end.
        """
        settled = Spans()
        key = attrgetter("length", "score")
        for span in sorted([*self.found, *more], key=key, reverse=True):
            place = settled.over(span.start, span.end)
            over = settled.spans[place]
            if not over:
                settled.put(place, span)
                continue
            kinds = {span.type, *(one.type for one in over)}
            if PERSON in kinds and len(kinds) > 1:
                for rest in _rests(self.text, span, over):
                    settled.put(settled.over(rest.start, rest.end), rest)
            elif not any(one.start <= span.start and span.end <= one.end for one in over):
                settled.put(place, _union(over, span))
        self.found, self._settled = settled.spans, settled

    def covers(self, start: int, end: int) -> bool:
        """Return whether something found lies over this place; call it once settled."""
        return bool(self._settled.spans[self._settled.over(start, end)])

    def contains(self, start: int, end: int) -> bool:
        """Return whether something found lies over all of this place; call it once settled."""
        return any(
            one.start <= start and end <= one.end
            for one in self._settled.spans[self._settled.over(start, end)]
        )

    @cached_property
    def cues(self) -> list[Cue]:
        """The context words of the text, in order."""
        return self.context.find(self.lower, self.words.starts)

    @cached_property
    def _cue_ends(self) -> list[int]:
        return [cue.end for cue in self.cues]

    def kinds_before(self, start: int) -> frozenset[str]:
        """Return which kinds the nearest context word before `start` speaks for."""
        at = bisect_right(self._cue_ends, start)
        cue = self.cues[at - 1] if at else None
        if cue is None or cue.start < start - _CONTEXT_CHARS:
            return self._kinds_of_column(start)
        if IMPERSONAL in cue.kinds:
            beside = _BESIDE.match(self.text, cue.end, start)
            if beside and _NEXT_CLAUSE.search(self.text, beside.end(), start):
                return cue.kinds - {IMPERSONAL}
        return cue.kinds

    def kinds_around(self, start: int, end: int) -> frozenset[str]:
        """Return the kinds of the context word before a number, else of the one right behind it."""
        before = self.kinds_before(start)
        if before:
            return before
        at = bisect_right(self._cue_ends, end)
        cue = self.cues[at] if at < len(self.cues) else None
        if cue is None or cue.start > end + _BEHIND_CHARS or cue.start < end:
            return _NO_KINDS
        return cue.kinds if _BEHIND.match(self.lower, end, cue.start) else _NO_KINDS

    @cached_property
    def cells(self) -> list[tuple[int, int, frozenset[str]]]:
        """The cells of a table (CSV or Markdown) below a heading that is a context word."""
        return list(_cells(self.text, self.cues)) if "\n" in self.text else []

    def _kinds_of_column(self, start: int) -> frozenset[str]:
        at = bisect_right(self.cells, start, key=itemgetter(0)) if self.cells else 0
        if at and start < self.cells[at - 1][1]:
            return self.cells[at - 1][2]
        return _NO_KINDS

    def after(self, kind: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Find `pattern` behind the context words of `kind`, before any other context word."""
        for at, cue in enumerate(self.cues):
            if kind not in cue.kinds:
                continue
            end = cue.end + _CONTEXT_CHARS
            if at + 1 < len(self.cues):
                end = min(end, max(self.cues[at + 1].start, cue.end))
            match = pattern.search(self.text, cue.end, end + _VALUE_CHARS)
            if match and match.start() <= end:
                yield match
        for start, end, kinds in self.cells:
            if kind in kinds and (match := pattern.search(self.text, start, end)):
                yield match

    def span(self, start: int, end: int, kind: str, score: float, rule: str) -> Span:
        return Span(start, end, kind, score, "rules", f"{kind}.{rule}")


def _cells(text: str, cues: list[Cue]) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Yield each cell under a heading: the first line that is divided is the line of headings."""
    first = min((at for sign in _DELIMITERS if (at := text.find(sign)) >= 0), default=-1)
    head_end = text.find("\n", first)
    if first < 0 or head_end < 0:
        return
    head_start = text.rfind("\n", 0, first) + 1
    delimiter = max(_DELIMITERS, key=text[head_start:head_end].count)
    headings: dict[int, frozenset[str]] = {}
    for cue in cues:
        if head_start <= cue.start < head_end:
            column = text.count(delimiter, head_start, cue.start)
            headings[column] = headings.get(column, _NO_KINDS) | cue.kinds
    width = text.count(delimiter, head_start, head_end)
    at = head_end + 1
    for line in text[at:].split("\n") if headings and width else ():
        cells = line.split(delimiter)
        if len(cells) == width + 1:
            start = at
            for column, cell in enumerate(cells):
                if column in headings:
                    yield start, start + len(cell), headings[column]
                start += len(cell) + 1
        at += len(line) + 1


def _rests(text: str, span: Span, over: Iterable[Span]) -> Iterator[Span]:
    """Yield what `over` leaves of `span`: of a name its words, of anything else all but blanks."""
    at = span.start
    for start, end in (*((one.start, one.end) for one in over), (span.end, span.end)):
        rest = _WORDS if span.type == PERSON else _NO_BLANKS
        if at < start and (match := rest.search(text, at, start)):
            yield replace(span, start=match.start(), end=match.end())
        at = max(at, end)


def _union(over: Sequence[Span], span: Span) -> Span:
    """Return one find over all; what is nobody's (a text like a placeholder) gives way in kind.

    So does a kind that is known by its digits: the words in such a find would not come back.
    """

    def weight(one: Span) -> tuple[bool, bool, int, float]:
        kind = kind_named(one.type)
        return kind.is_personal, not kind.is_numeric, one.length, one.score

    winner = max((*over, span), key=weight)
    start, end = min(one.start for one in (*over, span)), max(one.end for one in (*over, span))
    return replace(winner, start=start, end=end)


def _is_allowed(span: Span, allowed: Iterable[Listed]) -> bool:
    within = (place.start <= span.start and span.end <= place.end for place in allowed)
    return span.type in ALLOWABLE and any(within)


_Entry = tuple[str, bool, frozenset[str]]


class ContextWords:
    """All recognisers' context words, by their first letters: each text is read once."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        kinds: dict[str, set[str]] = {}
        for word, kind in words:
            kinds.setdefault(word, set()).add(kind)
        for word, found in kinds.items():
            # "fødselsdato" speaks for all that "fødsel" speaks for, where both are personal.
            if IMPERSONAL not in found:
                for other in {word[:end] for end in range(_BEGINNING, len(word))} & kinds.keys():
                    found.update(kinds[other] - {IMPERSONAL})
        self._beginnings: dict[str, list[_Entry]] = {}
        self._short: dict[str, list[_Entry]] = {}
        for word in sorted(kinds, key=len, reverse=True):
            # One that ends in a blank must end there.
            entry = (word.rstrip(), word.endswith(" "), frozenset(kinds[word]))
            where = self._short if len(entry[0]) < _LETTERS else self._beginnings
            where.setdefault(entry[0][:_LETTERS], []).append(entry)

    def find(self, lower: str, starts: Iterable[int]) -> list[Cue]:
        """Return the context words that stand at one of `starts` in a lower-case text."""
        cues: list[Cue] = []
        last = 0
        for start in starts:
            entries = self._beginnings.get(lower[start : start + _LETTERS])
            short = self._short.get(lower[start : start + _LETTERS - 1])
            if short:
                entries = [*(entries or ()), *short]
            if entries is None or start < last:
                continue
            for word, is_whole, kinds in entries:
                end = start + len(word)
                if lower.startswith(word, start) and not (
                    is_whole and lower[end : end + 1].isalnum()
                ):
                    cues.append(Cue(start, end, kinds))
                    last = end
                    break
        return cues
