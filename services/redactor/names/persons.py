"""Decides which mentions are the same person, and finds further mentions of known persons.

Parts, initials, "Hansen, Anders", capitals and genitives of one name are one person. Two persons
with one surname stay two. A lone "Hansen" that could be either is the one mentioned last before it,
because that is whom a reader takes it for; if none came before, the first one after. Whom earlier
turns of a conversation have named came before everything in this one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from services.redactor.document import WORD, Document, Span
from services.redactor.kinds import COMPANY, PERSON
from services.redactor.names import naming
from services.redactor.placeholders import APOSTROPHE_AFTER

_LOWER_CASE_LETTERS_MIN: Final = 4
_BEFORE: Final = -1
"""The number of a document that came before all others: the earlier turns."""
_CANDIDATES_MAX: Final = 64
"""Of more persons with one name only the latest are compared: a text must not cost its square."""
_GAPS: Final = frozenset({" ", "-", ", ", "_"})
_COMPANY_TAIL: Final = re.compile(
    r"'?s? (?:A/S|I/S|K/S|P/S|ApS|AS|ASA|AB|GmbH|AG|KG|OHG|GbR|e\.V\.|Ltd\.?|Limited|LLC|Inc\.?|PLC"
    r"|(?:& |og |und |och |and )(?:Co\.?|Søn|Sønner|Sön|Söner|Sohn|Söhne|Sons?|Partner[es]?)"
    r"(?: (?:A/S|ApS|AS|AB|KG|GmbH))?)(?![^\W_])"
)


@dataclass(slots=True, repr=False)
class Mention:
    """One place where a person is named; positions are in the canonical text."""

    document: int
    span: Span
    parts: tuple[str, ...]
    """The name's words in lower case, given names first, without particles."""
    inverted: bool = False
    person: "Person | None" = None

    @property
    def position(self) -> tuple[int, int]:
        return self.document, self.span.start

    @property
    def is_lone(self) -> bool:
        return len(self.parts) == 1

    @property
    def has_initials(self) -> bool:
        return any(len(part) == 1 for part in self.parts)


@dataclass(slots=True, repr=False, eq=False)
class Person:
    """One person, known by the fullest form of the name seen."""

    parts: tuple[str, ...]
    code: str | None = None
    """The placeholder, for whom earlier turns have named."""
    mentions: list[Mention] = field(default_factory=list)


def named_before(name: str, code: str, when: int) -> Person:
    """Return someone whom an earlier turn has named; of two, the higher `when` was named later."""
    span = Span(when, when, PERSON, 1.0, "vault", "known name")
    mention = _mention(_BEFORE, span, name)
    person = Person(mention.parts, code, [mention])
    mention.person = person
    return person


def link(
    documents: Sequence[Document], before: Sequence[Person] = ()
) -> list[list[tuple[Span, Person | None]]]:
    """Return each document's spans, those of persons with the person, known ones found again."""
    mentions = [
        _mention(number, span, document.text[span.start : span.end])
        for number, document in enumerate(documents)
        for span in document.found
        if span.type == PERSON
    ]
    known = [mention for person in before for mention in person.mentions]
    mentions = _join_halves(mentions, documents, known)
    _trim_genitives(mentions, documents, {part for mention in known for part in mention.parts})
    people = _full_names(mentions, before)
    again = _Again([*known, *mentions])
    for number, document in enumerate(documents if known or mentions else ()):
        again.search(document, number)
    mentions += again.mentions
    _lone_names(sorted(mentions, key=lambda mention: mention.position), people)
    spans: list[list[tuple[Span, Person | None]]] = [
        [(span, None) for span in document.found if span.type != PERSON] for document in documents
    ]
    for mention in mentions:
        spans[mention.document].append((mention.span, mention.person))
    for number, span in again.companies:
        spans[number].append((span, None))
    return [sorted(found, key=lambda pair: pair[0].start) for found in spans]


def _mention(number: int, span: Span, written: str) -> Mention:
    words = [word.lower().removesuffix("'s") for word in WORD.findall(written)]
    inverted = "," in written
    if inverted:
        words = words[1:] + words[:1]
    parts = [word for word in words if word not in naming.PARTICLES] or words
    return Mention(number, span, tuple(parts), inverted=inverted)


def _join_halves(
    mentions: list[Mention], documents: Sequence[Document], before: list[Mention]
) -> list[Mention]:
    """Make one of "Hansen, Karen" where Karen Hansen is known: a rule may have seen two persons.

    So it may behind "8000 Aarhus C. Karen Hansen", whose C could be an initial.
    """
    full = {one.parts for one in (*before, *mentions) if not one.is_lone}
    inverted = {(parts[-1], parts[0]) for parts in full}
    joined: list[Mention] = []
    for mention in sorted(mentions, key=lambda one: one.position):
        last = joined[-1] if joined else None
        if last and last.document == mention.document:
            between = documents[mention.document].text[last.span.end : mention.span.start]
            written = (*last.parts, *mention.parts)
            span = replace(last.span, end=mention.span.end)
            if between == ", " and written in inverted:
                parts = (*mention.parts, *last.parts)
                joined[-1] = Mention(mention.document, span, parts, inverted=True)
                continue
            if between == " " and written in full:
                joined[-1] = Mention(mention.document, span, written)
                continue
        joined.append(mention)
    return joined


def _trim_genitives(
    mentions: list[Mention], documents: Sequence[Document], before: set[str]
) -> None:
    """Take the "s" off a rare name where the same name stands without it elsewhere."""
    known = before | {part for mention in mentions for part in mention.parts}
    for mention in mentions:
        last = mention.parts[-1]
        lexicon = documents[mention.document].lexicon
        if (
            len(last) > 1
            and last.endswith("s")
            and last[:-1] in known
            and not last[:-1].endswith(APOSTROPHE_AFTER)
            and not mention.inverted
            and last not in lexicon.first_names
            and documents[mention.document].text[mention.span.end - 1] in "sS"
        ):
            mention.parts = (*mention.parts[:-1], last[:-1])
            mention.span = replace(mention.span, end=mention.span.end - 1)


# --- who is who ------------------------------------------------------------------------------


class _People:
    """The persons known so far, found by the parts of their names that two forms must share."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, ...], list[Person]] = {}

    def compatible_with(self, parts: tuple[str, ...]) -> list[Person]:
        """Return who may be meant by a name of several words."""
        sharing = dict.fromkeys(
            person
            for key in _keys(parts)
            for person in self._by_key.get(key, [])[-_CANDIDATES_MAX:]
        )
        return [person for person in sharing if _compatible(person.parts, parts)]

    def with_part(self, part: str) -> list[Person]:
        """Return who may be meant by one word."""
        some = self._by_key.get((part,), [])[-_CANDIDATES_MAX:]
        return [person for person in some if part in person.parts]

    def known_by(self, parts: tuple[str, ...]) -> list[Person]:
        """Return whom earlier turns have named by one word only, which is part of this name."""
        some = [person for part in parts for person in self.with_part(part)]
        return [person for person in some if person.code and len(person.parts) == 1]

    def admit(self, person: Person) -> None:
        """Take in someone named before."""
        parts, person.parts = person.parts, ()
        self._name(person, parts)

    def join(self, mention: Mention, candidates: list[Person]) -> None:
        """Give a mention the nearest of `candidates`, or a person of its own if there is none."""
        person = _nearest(candidates, mention) if candidates else Person(())
        mention.person = person
        person.mentions.append(mention)
        equal = len(mention.parts) == len(person.parts)
        if len(mention.parts) > len(person.parts) or (equal and not mention.has_initials):
            self._name(person, mention.parts)

    def _name(self, person: Person, parts: tuple[str, ...]) -> None:
        known = {*_keys(person.parts), *((part,) for part in person.parts)}
        for key in dict.fromkeys([*_keys(parts), *((one,) for one in parts)]):
            if key not in known:
                self._by_key.setdefault(key, []).append(person)
        person.parts = parts


def _keys(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what compatible names have in common: two words in a row, or initial and last word."""
    yield from pairwise(parts)
    if parts:
        yield f"{parts[0][0]}.", parts[-1]


def _full_names(mentions: list[Mention], before: Sequence[Person]) -> _People:
    """Give every mention of two words or more its person; spelled-out names come first."""
    people = _People()
    for person in before:
        people.admit(person)
    full = [mention for mention in mentions if not mention.is_lone]
    for mention in sorted(full, key=lambda one: (one.has_initials, one.position)):
        parts = mention.parts
        people.join(mention, people.compatible_with(parts) or people.known_by(parts))
    return people


def _lone_names(mentions: list[Mention], people: _People) -> None:
    """Give every lone name the person it belongs to, or one of its own."""
    for mention in mentions:
        if mention.person is None:
            people.join(mention, people.with_part(mention.parts[0]))


def _nearest(candidates: list[Person], mention: Mention) -> Person:
    """Return the candidate mentioned last before, or else first after."""
    if len(candidates) == 1:
        return candidates[0]
    positions = [(one.position, person) for person in candidates for one in person.mentions]
    before = [pair for pair in positions if pair[0] < mention.position]
    if before:
        return max(before, key=lambda pair: pair[0])[1]
    return min(positions, key=lambda pair: pair[0])[1]


def _compatible(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Return whether two full names can be one person's."""
    short, long = sorted((first, second), key=len)
    if any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1)):
        return True
    if first[-1] != second[-1] or not _alike(first[0], second[0]):
        return False
    middles = zip(first[1:-1], second[1:-1], strict=False)
    return all(_alike(one, other) for one, other in middles)


def _alike(first: str, second: str) -> bool:
    return first == second or (1 in {len(first), len(second)} and first[0] == second[0])


# --- known names again -----------------------------------------------------------------------


class _Again:
    """Looks for known names where no rule found one, and for companies named after a person."""

    def __init__(self, known: list[Mention]) -> None:
        self.mentions: list[Mention] = []
        self.companies: list[tuple[int, Span]] = []
        self._names: dict[str, set[tuple[str, ...]]] = {}
        self._forms: dict[str, str] = {}
        for name in {mention.parts for mention in known}:
            for part in name:
                if len(part) > 1:
                    self._names.setdefault(part, set()).add(name)
        for part in self._names:
            self._forms |= {f"{part}'s": part, part: part}
            if not part.endswith(APOSTROPHE_AFTER):
                self._forms.setdefault(f"{part}s", part)

    def search(self, document: Document, number: int) -> None:
        """Note every group of known words in a document that is not part of a find."""
        words = document.words
        hits = [index for index, word in enumerate(words.lower) if word in self._forms]
        hits = [at for at in hits if not document.covers(words.starts[at], words.ends[at])]
        for first, last in _groups(document, hits):
            self._note(document, number, first, last)

    def _note(self, document: Document, number: int, first: int, last: int) -> None:
        words = document.words
        parts = tuple(self._forms[words.lower[index]] for index in range(first, last + 1))
        start, end = words.starts[first], words.starts[last] + len(parts[-1])
        tail = _COMPANY_TAIL.match(document.text, end)
        if tail and words.text[first][0].isupper():
            company = Span(start, tail.end(), COMPANY, 0.8, "rules", "company.named")
            self.companies.append((number, company))
        elif len(parts) > 1 and self._is_one_name(parts):
            span = document.span(start, end, PERSON, 0.8, "known name")
            self.mentions.append(Mention(number, span, parts))
        else:
            for index in range(first, last + 1):
                self._note_one(document, number, index)

    def _note_one(self, document: Document, number: int, index: int) -> None:
        words = document.words
        part = self._forms[words.lower[index]]
        if stands_alone(document, words.text[index], part):
            start = words.starts[index]
            span = document.span(start, start + len(part), PERSON, 0.7, "known name")
            self.mentions.append(Mention(number, span, (part,)))

    def _is_one_name(self, parts: tuple[str, ...]) -> bool:
        return any(set(parts) <= set(name) for name in self._names[parts[0]])


def _groups(document: Document, hits: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of words that stand together."""
    words = document.words
    at = 0
    while at < len(hits):
        last = at
        while last + 1 < len(hits) and hits[last + 1] == hits[last] + 1:
            gap = document.text[words.ends[hits[last]] : words.starts[hits[last + 1]]]
            initial = len(words.text[hits[last]]) == 1
            if gap not in _GAPS and not (initial and gap in {".", ". "}):
                break
            last += 1
        yield hits[at], hits[last]
        at = last + 1


def stands_alone(document: Document, written: str, part: str) -> bool:
    """Return whether one word of a known name, by itself, is taken for that person."""
    lexicon = document.lexicon
    if part in lexicon.words or part in naming.PARTICLES or part in naming.ORGANISATIONS:
        return False
    if written[0].isupper():
        return True
    return (
        len(part) >= _LOWER_CASE_LETTERS_MIN
        and part not in lexicon.ambiguous
        and (part in lexicon.first_names or part in lexicon.surnames)
    )
