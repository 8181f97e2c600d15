"""Reads the capitalised words of a text as runs that may hold names."""

from functools import cached_property
from typing import Final, NamedTuple

from services.redactor.document import Document
from services.redactor.names import naming, streets, things
from services.redactor.names.things import Things

_NAME_WORDS_MAX: Final = 4
_RUN_WORDS_MAX: Final = 16
"""Longer runs are headings and lists; every name in one is looked for in its part of it."""
_WRAPPED_CHARS_MIN: Final = 60

_THINGS: Final = Things.load()
_BESIDE: Final = frozenset({" ", "-", " & ", "&", ' "', " »", " „", " “", '" ', "« ", "” ", "“ "})
_NEAR_WORDS: Final = 9
_NOUNS_CAPITALISED: Final = frozenset({None, "de"})
_LIST_WORDS_MAX: Final = 6
_UNCAPITALISED_WORDS: Final = 20
"""Fewer capitals than one in so many words."""


class Name(NamedTuple):
    """A name that begins at a given word: where it ends, how sure that is, and by which rule."""

    stop: int
    score: float
    rule: str


class Runs:
    """The words of one document, with the questions that finding names asks of them.

    Everywhere `at`, `first`, `end` and `stop` are indexes of words; `end` and `stop` are exclusive.
    """

    def __init__(self, document: Document) -> None:
        words = document.words
        self.text = document.text
        self.language = document.language
        self.lexicon = document.lexicon
        self.words, self.lower = words.text, words.lower
        self.starts, self.ends = words.starts, words.ends
        self.count = len(words.text)
        self.name_ended_at = -1
        """The `stop` of the last name found: "Anders og Karen" goes on from it."""
        self.in_things = _THINGS.places(words, document.text)
        """The words that belong to a thing called like a person."""
        self._address_starts = {span.start for span in document.found if span.type == "address"}

    @cached_property
    def is_uncapitalised(self) -> bool:
        """Whether nobody used the shift key here, so that a name has no capital either."""
        capitals = sum(word[0].isupper() for word in self.words)
        return capitals * _UNCAPITALISED_WORDS < self.count

    # --- words -------------------------------------------------------------------------------

    def gap(self, at: int) -> str:
        """Return what stands between this word and the one before it."""
        return self.text[self.ends[at - 1] : self.starts[at]]

    def is_capital(self, at: int) -> bool:
        return self.words[at][0].isupper()

    def is_initial(self, at: int) -> bool:
        return len(self.words[at]) == 1 and self.words[at].isupper()

    def is_particle(self, at: int) -> bool:
        return self.lower[at] in naming.PARTICLES

    def stem(self, at: int) -> str:
        """Return the word in lower case, without a genitive ending."""
        lower = self.lower[at]
        letters = self.lexicon.genitive_letters(lower)
        return lower[:-letters] if letters else lower

    def starts_sentence(self, at: int) -> bool:
        before = self.text[: self.starts[at]].rstrip(" \t\"'»«„“”(>*-")
        return not before or before[-1] in ".!?:\n"

    def ends_line(self, stop: int) -> bool:
        """Return whether nothing but a sign follows on the line."""
        rest = self.text[self.ends[stop - 1] : self.ends[stop - 1] + 3].lstrip(" \t.,!")
        return not rest or rest[0] in "\r\n"

    def is_speaker(self, at: int) -> bool:
        """Return whether this word begins a line of a chat: "Max: hej"."""
        end = self.ends[at]
        if self.text[end : end + 2] != ": " or self.lower[at] not in self.lexicon.first_names:
            return False
        return not self.text[self.text.rfind("\n", 0, end) + 1 : self.starts[at]].strip()

    def owns(self, stop: int) -> bool:
        """Return whether a noun follows, as after a German genitive: "Petra Müllers Haus"."""
        return stop < self.count and self.gap(stop) == " " and self.is_capital(stop)

    def is_above_address(self, at: int) -> bool:
        """Return whether this word begins a line and the next line is an address."""
        if not self._address_starts:
            return False
        line = self.text.rfind("\n", 0, self.starts[at]) + 1
        line_end = self.text.find("\n", self.starts[at])
        if line_end < 0 or self.text[line : self.starts[at]].strip():
            return False
        blanks = len(self.text) - len(self.text[line_end:].lstrip()) - line_end
        return line_end + blanks in self._address_starts

    def end_over_line(self, stop: int) -> int:
        """Return where the name ends in the text: a line may break its last word, as "Fabri-"."""
        end = self.ends[stop - 1]
        if stop == self.count or self.gap(stop) not in {"-\n", "-\r\n"}:
            return end
        rest = self.lower[stop]
        broken = self.words[stop].islower() and rest not in self.lexicon.words
        return self.ends[stop] if broken else end

    # --- runs --------------------------------------------------------------------------------

    def run_end(self, first: int) -> int:
        """Return the end of the capitalised words that stand together from `first` on."""
        at, last = first + 1, min(self.count, first + _RUN_WORDS_MAX)
        while at < last and self.is_joined(at):
            if self.is_capital(at):
                at += 1
                continue
            after = at
            while after < self.count and self.is_particle(after) and self.gap(after) == " ":
                after += 1
            ends_in_name = (
                after < self.count and self.gap(after) in {" ", "-"} and self.is_capital(after)
            )
            if after == at or not ends_in_name:
                break
            at = after + 1
        return at

    def is_joined(self, at: int) -> bool:
        """Return whether this word goes on from the one before it: Anne-Marie, A. Hansen."""
        gap = self.gap(at)
        if gap in {". ", "."}:
            return self.is_initial(at - 1) or self.lower[at - 1] in naming.ABBREVIATED
        if gap == ".-":
            return self.is_initial(at - 1)
        return gap in {" ", "-"} or (gap == "\n" and self._wraps(at))

    def _wraps(self, at: int) -> bool:
        """Return whether a name goes on over the end of a line that was broken for its length."""
        lexicon, stem = self.lexicon, self.stem(at)
        other = stem in lexicon.words or lexicon.is_first_name(stem)
        if other or not lexicon.is_surname(stem) or self.lower[at - 1] not in lexicon.first_names:
            return False
        line_end = self.starts[at] - 1
        return line_end - self.text.rfind("\n", 0, line_end) > _WRAPPED_CHARS_MIN

    def take(self, first: int, end: int) -> int:
        """Return the end of the words from `first` on that may belong to one name."""
        at, parts = first, 0
        while at < end and parts < _NAME_WORDS_MAX:
            if self.is_particle(at) and first < at < end - 1:
                at += 1
                continue
            if not self._may_be_in_name(at, first):
                break
            parts += at == first or self.gap(at) != "-"
            at += 1
        while at > first and self.is_particle(at - 1):
            at -= 1
        return at

    def _may_be_in_name(self, at: int, first: int) -> bool:
        lower, end = self.lower[at], self.ends[at]
        if at in self.in_things and first not in self.in_things:
            return False
        if self.text[end : end + 1].isdigit():
            return False  # "L3" is no initial.
        named = lower in self.lexicon.surnames if at > first else self._is_before_surname(at)
        if lower in self.lexicon.words and not named and not self.is_initial(at):
            return False
        return lower not in naming.NO_NAME_PARTS and not self.is_small_word(at)

    def _is_before_surname(self, at: int) -> bool:
        """Return whether a first name that is a word elsewhere stands here: "Line Hjort"."""
        lexicon, after = self.lexicon, at + 1
        if self.language not in naming.PREPOSITION_LANGUAGES or after >= self.count:
            return False
        pair = self.gap(after) == " " and self.is_capital(after)
        named = self.lower[at] in lexicon.first_names and self.lower[after] not in lexicon.words
        return pair and named and not self.words[at].isupper()

    def is_speaking(self, at: int) -> bool:
        """Return whether a verb of what people do stands beside: "Bo ringede", "sagde Max"."""
        after = at + 1
        if (
            after < self.count
            and self.gap(after) == " "
            and self.lower[after] in naming.PERSON_VERBS
        ):
            return True
        return at > 0 and self.gap(at) == " " and self.lower[at - 1] in naming.SPEECH_BEFORE

    def is_small_word(self, at: int) -> bool:
        """Return whether a first name from elsewhere is a small word in this language: "till"."""
        return self.lower[at] in naming.NO_FIRST.get(self.language or "", ())

    def is_known(self, at: int, stop: int) -> bool:
        """Return whether a word is a name and no other word, or the first one a first name."""
        if self.stem(at) in self.lexicon.first_names:
            return True
        return any(self.lexicon.is_name(self.stem(index)) for index in range(at, stop))

    def is_company(self, at: int, end: int) -> bool:
        """Return whether the run is a company's name: Hansen A/S, Müller GmbH."""
        if any(self.lower[index] in naming.COMPANY_SUFFIXES for index in range(at + 1, end)):
            return True
        after = self.text[self.ends[end - 1] : self.ends[end - 1] + 9].lower().lstrip()
        last = self.text[self.starts[end - 1] : self.starts[end - 1] + 3].lower()
        return after.startswith(naming.COMPANY_SIGNS) or last in naming.COMPANY_SIGNS

    def is_street(self, stop: int) -> bool:
        """Return whether the words before `stop` name a street: Karl Johans gate."""
        if stop < self.count and self.gap(stop) == " " and self.lower[stop] in streets.SUFFIXES:
            return True
        return self.lower[stop - 1].endswith(streets.NAMING_SUFFIXES)

    def is_organisation(self, at: int, end: int) -> bool:
        return any(
            word in naming.ORGANISATIONS
            or (word.endswith(naming.DEPARTMENT_ENDINGS) and not self.lexicon.is_name(word))
            for word in self.lower[at:end]
        )

    def is_thing(self, at: int, stop: int) -> bool:
        """Return whether these words name a thing: Pritzker Prize, modellen Amanda."""
        before = self.lower[at - 1] if at and self.gap(at) in _BESIDE else ""
        articles = things.ARTICLES.get(self.language or "", ((), ()))
        if before in articles[0] or self._is_before_noun(at, stop):
            return True
        if stop - at > 1:
            return before in things.WORKS or self._is_owned_place(at, stop)
        if before in articles[1] or self.is_among_goods(at):
            return True
        return self._before_list(at) in things.NOUNS_BEFORE

    def _is_before_noun(self, at: int, stop: int) -> bool:
        """Return whether the word behind a name makes a thing of it."""
        if stop == self.count or self.gap(stop) not in _BESIDE:
            return False
        if "&" in self.gap(stop) and self.is_capital(stop):
            return True
        noun, capital = self.lower[stop], self.is_capital(stop)
        owned = self.lower[stop - 1].endswith("s") and self.gap(stop) == " "
        proper = capital and self.language not in _NOUNS_CAPITALISED
        if noun in (things.NOUNS_AFTER if proper or not owned else things.NEVER_OWNED):
            return True
        return capital and noun.endswith(things.INSTITUTIONS) and stop > at

    def _is_owned_place(self, at: int, stop: int) -> bool:
        """Return whether this is "Louises Bro"; in German a capital says nothing of the noun."""
        if stop != at + 2 or self.language in _NOUNS_CAPITALISED:
            return False
        return self.stem(at) != self.lower[at] and self.lower[at + 1] in things.NOUNS_AFTER

    def is_festival(self, at: int) -> bool:
        """Return whether a day that is called like a person stands here: "Lucia firas"."""
        if self.stem(at) not in naming.FESTIVALS:
            return False
        near = self.lower[max(0, at - _NEAR_WORDS) : at] + self.lower[at + 1 : at + _NEAR_WORDS]
        if at and self.lower[at - 1] in naming.FESTIVAL_PREPOSITIONS:
            return True
        return not naming.FESTIVAL_CUES.isdisjoint(near)

    def is_town(self, at: int) -> bool:
        """Return whether a surname that is a town's name stands behind "til" or "from"."""
        return (
            at > 0
            and self.gap(at) == " "
            and self.lower[at] in naming.TOWNS
            and self.lower[at - 1] in naming.TOWN_PREPOSITIONS
        )

    def is_after_number(self, at: int) -> bool:
        start = self.starts[at]
        return self.text[max(0, start - 2) : start].rstrip(" ")[-1:].isdigit()

    def _before_list(self, at: int) -> str:
        """Return the word before a name, or before the list that it stands in."""
        for _ in range(_LIST_WORDS_MAX):
            if at == 0 or self.gap(at) not in _BESIDE | {", "}:
                return ""
            before = at - 1
            if self.lower[before] in naming.AND and before and self.gap(before) == " ":
                at = before - 1
            elif self.gap(at) == ", ":
                at = before
            else:
                return self.lower[before]
            if not self.is_capital(at):
                return ""
        return ""

    def is_among_goods(self, at: int) -> bool:
        """Return whether a name of goods stands near a word that speaks of goods."""
        if not _THINGS.is_one(self.stem(at)):
            return False
        near = self.lower[max(0, at - _NEAR_WORDS) : at] + self.lower[at + 1 : at + _NEAR_WORDS]
        return not things.PRODUCT_CUES.isdisjoint(near)

    def is_place(self, at: int, *, first_name: bool) -> bool:
        """Return whether a word before this one makes a place of it: "i Moss", "nær Haga"."""
        if at == 0 or self.gap(at) != " " or not self.words[at - 1].islower():
            return False
        before = self.lower[at - 1]
        owner = first_name and self.lower[at].endswith("s")  # "i Annas journal"
        return (before in things.INSIDE and not owner) or (
            not first_name and before in things.TOWARDS_PLACES
        )
