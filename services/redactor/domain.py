"""Masks the texts of one request: one placeholder per value, the same in every text."""

import re
from collections import abc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, count
from typing import Final

from services.redactor import languages
from services.redactor.canonical import Canonical, canonicalise
from services.redactor.detection import Detector
from services.redactor.document import Document, Span, Spans
from services.redactor.kinds import LITERAL, PERSON, kind_named
from services.redactor.labels import Naming
from services.redactor.leaking import NUMBER
from services.redactor.names.persons import Person, link, named_before, stands_alone
from services.redactor.placeholders import (
    APOSTROPHE_AFTER,
    Entry,
    Known,
    Mapping,
    normalise,
)
from services.redactor.policy import Rules
from services.redactor.reading import Reading, place_of
from shared.contracts.masking import Style

_VALUE_CHARS_MIN: Final = 4
_ROUNDS_MAX: Final = 8
_GENITIVE: Final = re.compile(r"[sS](?![^\W_])")


@dataclass(frozen=True, slots=True)
class Find:
    """One masked place in a text as it came. It never holds the value."""

    start: int
    end: int
    type: str
    placeholder: str
    score: float
    detector: str
    rule: str


@dataclass(frozen=True, slots=True, repr=False)
class Masked:
    """The texts of one request with placeholders, and all that is needed to put values back."""

    texts: tuple[str, ...]
    finds: tuple[tuple[Find, ...], ...]
    mapping: Mapping
    surfaces: frozenset[tuple[str, str]]
    """Type and canonical form of everything that was masked, for the leak check."""
    words: tuple[list[str], ...]
    """The lower-case words of each text, for classification."""

    @property
    def types(self) -> frozenset[str]:
        return frozenset(find.type for finds in self.finds for find in finds)


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """What the case or conversation of a request knows; nothing, for a single request."""

    known: tuple[Known, ...] = ()
    """All that has a placeholder."""
    own: frozenset[str] = frozenset()
    """What this very request has brought, when it was delivered before: it is not to learn from
    itself, or it would be masked otherwise than the first time."""
    recent: tuple[str, ...] = ()
    """The placeholders of persons, whoever was named last at the end."""
    last: abc.Mapping[str, int] = field(default_factory=dict)
    """The highest number of each label; numbers are never given again."""
    salt: bytes = b""
    """What compact placeholders are derived with."""

    @property
    def earlier(self) -> list[Known]:
        return [one for one in self.known if one.code not in self.own]

    def people(self) -> list[Person]:
        """Return the persons of earlier turns."""
        when = {code: number for number, code in enumerate(self.recent)}
        named = [one for one in self.earlier if one.type == PERSON]
        return [named_before(one.form, one.code, when.get(one.code, -1)) for one in named]


@dataclass(slots=True, repr=False)
class _Text:
    """One text on its way: as it came, in one spelling, and what was found in it."""

    original: str
    canonical: Canonical
    document: Document
    spans: list[tuple[Span, Person | None]]
    codes: list[str]

    def form(self, span: Span) -> str:
        if span.type == LITERAL:
            # Klient-001 and Klient\u2011001 read alike, and must come back as two.
            return self.value(span)
        return self.canonical.text[span.start : span.end]

    def value(self, span: Span) -> str:
        start, end = self.canonical.original(span.start, span.end)
        return self.canonical.value(self.original[start:end])


class Masker:
    """Masks requests. Holds no state between them."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def mask(
        self,
        texts: Sequence[str],
        language: str | None = None,
        rules: Rules = Rules(),  # noqa: B008  Frozen.
        memory: Memory = Memory(),
    ) -> Masked:
        """Return `texts` with every personal value replaced; `language` is guessed if None."""
        read = [self._read(text) for text in texts]
        words = tuple(one.document.words.lower for one in read)
        language = language or languages.guess(words)
        for one in read:
            one.document.language = language
            one.document.dictionary = rules.dictionary
            self._detector.run(one.document, rules.policy.bias)
        naming = Naming.of(rules.policy, language)
        _repeat_values(read, memory.earlier)
        linked = link([one.document for one in read], memory.people())
        for one, spans in zip(read, linked, strict=True):
            one.spans = list(_whole_words(one.document, spans, naming))
        known, last, salt = memory.known, memory.last, memory.salt
        mapping = Mapping(language, naming, known=known, last=last, salt=salt)
        _name(read, mapping, memory)
        _escape_look_alikes(read, mapping)
        while sum(_join_neighbours(one, mapping) for one in read):
            _escape_look_alikes(read, mapping)
        return Masked(
            texts=tuple(_rewritten(one, mapping) for one in read),
            finds=tuple(tuple(_finds(one)) for one in read),
            mapping=mapping,
            surfaces=frozenset(surface for one in read for surface in _surfaces(one)),
            words=words,
        )

    def _read(self, text: str) -> _Text:
        canonical = canonicalise(text)
        return _Text(text, canonical, self._detector.document(canonical), [], [])


# --- the steps of masking ----------------------------------------------------------------------


def _repeat_values(read: Sequence[_Text], earlier: Iterable[Known]) -> None:
    """Find again, in every text, the values found in one or in an earlier turn.

    There a rule may lack its context.
    """
    values: dict[str, str] = {}
    digits: dict[str, str] = {}
    found = [(span.type, one.form(span)) for one in read for span in one.document.found]
    for kind, form in (*((one.type, one.form) for one in earlier), *found):
        if kind_named(kind).is_numeric:
            digits[normalise("phone", form)] = kind
        if kind not in {PERSON, LITERAL} and len(form) >= _VALUE_CHARS_MIN:
            values[form.lower()] = kind
    for one in read if values else ():
        again = list(_again(one.document, values, digits))
        if again:
            one.document.settle(again)


def _again(document: Document, values: dict[str, str], digits: dict[str, str]) -> Iterator[Span]:
    lower = document.lower
    for form, kind in values.items():
        at = lower.find(form)
        while at >= 0:
            end = at + len(form)
            if not document.contains(at, end) and _is_apart(lower, at, end):
                yield document.span(at, end, kind, 0.8, "known value")
            at = lower.find(form, end)
    if digits:
        for match in document.matches(NUMBER):
            found = digits.get(normalise("phone", match.group()))
            if found and not document.contains(*match.span()):
                yield document.span(*match.span(), found, 0.8, "known value")


def _is_apart(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isalnum()
    return not before and not text[end : end + 1].isalnum()


def _whole_words(
    document: Document, spans: Iterable[tuple[Span, Person | None]], naming: Naming
) -> Iterator[tuple[Span, Person | None]]:
    """Widen what is glued to letters or digits, or its placeholder would run into them.

    "Hansen2" is a value of its own. A genitive ending may follow a name: it stays outside.
    """
    text, last = document.text, 0
    for span, person in spans:
        start, end = span.start, span.end
        glued = text[end : end + 1].isdigit() or (start > 0 and text[start - 1].isalnum())
        if naming.style is Style.COMPACT and text[end : end + 1].isalpha():
            # Codes end in letters. A genitive is the one ending that they are read with.
            glued = glued or _GENITIVE.match(text, end) is None
        if glued:
            while end < len(text) and text[end].isalnum():
                end += 1
            while start > 0 and text[start - 1].isalnum():
                start -= 1
        if start < last:
            continue
        last = end
        if glued:
            yield document.span(start, end, LITERAL, span.score, "glued"), None
        else:
            yield span, person


def _name(read: Sequence[_Text], mapping: Mapping, memory: Memory) -> None:
    """Give every find its placeholder, numbered in reading order."""
    names: dict[Person, tuple[_Rank, str, str]] = {}
    before = {one.code: one for one in memory.known}
    for one in read:
        for span, person in one.spans:
            if person is not None:
                form = one.form(span)
                if person not in names and person.code:
                    known = before[person.code]
                    names[person] = _rank(known.form), known.value, known.form
                if person not in names or _rank(form) > names[person][0]:
                    # A name broken over two lines is put back in one.
                    names[person] = _rank(form), " ".join(one.value(span).split()), form
    for one in read:
        for span, person in one.spans:
            value, form = names[person][1:] if person else (one.value(span), one.form(span))
            if person is None or person.code is None:
                one.codes.append(mapping.add(span.type, value, form))
            elif value == before[person.code].value:
                one.codes.append(mapping.use(person.code))
            else:
                one.codes.append(mapping.replace(person.code, value, form))


_Rank = tuple[bool, int, bool]


def _rank(name: str) -> _Rank:
    """Return how well a form of a name does as the one that is put back: the higher, the better."""
    return name.isprintable() and "," not in name, _spelled_letters(name), not name.isupper()


def _spelled_letters(name: str) -> int:
    return sum(len(word) for word in name.split() if len(word.strip(".")) > 1)


def _escape_look_alikes(read: Sequence[_Text], mapping: Mapping) -> None:
    """Mask text that a restorer would take for a placeholder of this case ("konto 001")."""
    reading = Reading(mapping.naming, mapping.taken(), mapping.knows)
    waiting = []
    for one in read:
        spans = _spans(one)
        for match, (start, end) in _look_alikes(one, reading):
            if _is_free(spans.over(start, end)):
                span = one.document.span(start, end, LITERAL, 1.0, "look-alike")
                waiting.append((one, spans, match, span))
    for rounds in count():
        # Each may make a look-alike of another; a long chain is masked as a whole.
        judged = [rounds >= _ROUNDS_MAX or reading.is_placeholder(each[2]) for each in waiting]
        for one, spans, _, span in compress(waiting, judged):
            over = spans.over(span.start, span.end)
            if _is_free(over):
                spans.put(over, span)
                one.spans.insert(over.start, (span, None))
                one.codes.insert(over.start, mapping.add(LITERAL, one.value(span)))
        waiting = [each for each, is_taken in zip(waiting, judged, strict=True) if not is_taken]
        if not any(judged):
            return


def _join_neighbours(one: _Text, mapping: Mapping) -> bool:
    """Make one of look-alikes that touch, and return whether there were any.

    Nobody could read the second placeholder of such two.
    """
    joined = False
    for at in range(len(one.spans) - 1, 0, -1):
        (first, _), (second, _) = one.spans[at - 1 : at + 1]
        touching = (
            one.canonical.original(first.start, first.end)[1]
            == one.canonical.original(second.start, second.end)[0]
        )
        if touching and first.type == second.type == LITERAL:
            span = replace(first, end=second.end)
            one.spans[at - 1 : at + 1] = [(span, None)]
            one.codes[at - 1 : at + 1] = [mapping.add(LITERAL, one.value(span))]
            joined = True
    return joined


def _spans(one: _Text) -> Spans:
    spans = Spans()
    for number, (span, _) in enumerate(one.spans):
        spans.put(slice(number, number), span)
    return spans


def _is_free(over: slice) -> bool:
    return bool(over.start == over.stop)


def _look_alikes(one: _Text, reading: Reading) -> Iterator[tuple[re.Match[str], tuple[int, int]]]:
    """Yield what looks like a placeholder, and its place in the canonical text.

    Both spellings are read: after an accent or an entity of its own, which restorers take for the
    end of a word, only the original has one.
    """
    for match in reading.find(one.canonical.text):
        start, end = place_of(match)
        yield match, _widened(one.canonical.text, start, end)
    if one.original != one.canonical.text:
        for match in reading.find(one.original):
            start, end = one.canonical.place(*place_of(match))
            yield match, _widened(one.canonical.text, start, end)


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a place up to the end of its word: what follows must not run into a placeholder."""
    while end < len(text) and text[end].isalnum():
        end += 1
    return start, end


def _rewritten(one: _Text, mapping: Mapping) -> str:
    pieces: list[str] = []
    at = 0
    for (span, _), code in zip(one.spans, one.codes, strict=True):
        start, end = one.canonical.original(span.start, span.end)
        pieces += (one.original[at:start], code)
        at = end
        if span.type == PERSON and _other_genitive(
            one.form(span), one.original[end:], mapping.get(code)
        ):
            pieces.append("s")
            at += 1
    return "".join(pieces) + one.original[at:]


def _other_genitive(form: str, rest: str, entry: Entry | None) -> bool:
    """Return whether "Jens'" stands for someone whose full name takes an "s": Jens Olsens."""
    if rest[:1] not in {"'", "’"} or rest[1:2] != " " or entry is None:
        return False
    ends = form.lower().endswith(APOSTROPHE_AFTER)
    return ends and not entry.value.lower().endswith(APOSTROPHE_AFTER)


def _finds(one: _Text) -> Iterator[Find]:
    for (span, _), code in zip(one.spans, one.codes, strict=True):
        start, end = one.canonical.original(span.start, span.end)
        yield Find(start, end, span.type, code, span.score, span.detector, span.rule)


def _surfaces(one: _Text) -> Iterator[tuple[str, str]]:
    """Yield what must not be seen again; a lone everyday word is masked beside a sign only."""
    for span, _ in one.spans:
        form = one.form(span)
        lone = span.type == PERSON and form.isalpha()
        if span.type != LITERAL and (not lone or stands_alone(one.document, form, form.lower())):
            yield span.type, form
