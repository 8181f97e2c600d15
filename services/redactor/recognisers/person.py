"""Finds names of people by titles, greetings, closings, labels and dictionaries.

A known first name with another name after it is enough; a lone name needs a sign beside it, unless
it is a first name that is no other word.
"""

from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.names import naming, signs
from services.redactor.names.runs import Name, Runs
from services.redactor.names.things import NOUNS_BEFORE
from services.redactor.names.uncapitalised import in_lower_case
from services.redactor.recognisers.base import Examples

KIND: Final = "person"
PRIORITY: Final = 40
"""After addresses: the line above one is a name."""
CONTEXT: Final = ()
EXAMPLES: Final = Examples(
    found=(
        ("Anders Hansen har klaget.", "Anders Hansen"),
        ("Kære hr. Tvilstrøm", "Tvilstrøm"),
        ("Sehr geehrte Frau Dr. Abendroth,", "Abendroth"),
        ("Hej Signe, tak for sidst", "Signe"),
        ("Med venlig hilsen\n\nPrzemek Brzoza", "Przemek Brzoza"),
        ("Mit freundlichen Grüßen\nIhr Holger Adebayo-Krull", "Holger Adebayo-Krull"),
        ("mit navn er Xenofon Brix", "Xenofon Brix"),
        ("ich heiße Friedlinde Osterkamp", "Friedlinde Osterkamp"),
        ("Navn: Bo Holm", "Bo Holm"),
        ("H.C. Rasmussen skrev det", "H.C. Rasmussen"),
        ("Rasmussen, Karen (mappe 3)", "Rasmussen, Karen"),
        ("Anders Hansens klage", "Anders Hansen"),
        ("ANDERS HANSEN KLAGER", "ANDERS HANSEN"),
        ("kunden Mikkelsen ringede", "Mikkelsen"),
        ("skriv til anders hansen i morgen", "anders hansen"),
        ("Ludwig von Oberstetten kommt", "Ludwig von Oberstetten"),
        ("Xiomara Knudsen kom forbi", "Xiomara Knudsen"),
        ("Dear Siobhan O'Brien,", "Siobhan O'Brien"),
    ),
    ignored=(
        "Kære kundeservice",
        "Hej alle sammen",
        "Med venlig hilsen\nKundeservice",
        "Prisen er max 5 kr. pr. stk.",
        "Det er hans bil, og den anden er bo",
        "Mai und Juni sind warm; der Stein ist groß",
        "Sehr geehrte Damen und Herren,",
        "Google og Microsoft åbner i Aarhus",
        "Will you mark the date in May?",
        "Vi tester Hansen A/S og Müller GmbH",
    ),
)

_GERMAN: Final = "de"
_ENGLISH: Final = "en"
_CAPITALISING: Final = frozenset({_GERMAN, _ENGLISH})
"""Languages that write a capital where the word is no name."""


_PATRONYMICS: Final = ("sen", "sson")
_CELL_CHARS: Final = 8
_CELL_SIGNS: Final = ("", "\n", "|", ";", "\t", '"')
_WEAK_SIGNS: Final = frozenset({None, signs.AND, signs.TOWARDS})
_BRAND_SIGNS: Final = _WEAK_SIGNS | {signs.ROLE}
_UNKNOWN_SCORES: Final = {signs.TOWARDS: 0.55}


def find(document: Document) -> Iterator[Span]:
    runs = Runs(document)
    first_names = document.lexicon.first_names
    at = 0
    while at < runs.count:
        if runs.is_capital(at):
            end = runs.run_end(at)
            yield from _in_run(document, runs, at, end)
            at = end
        # In "åSe Anders" the first word is the end of something else.
        elif runs.words[at] in first_names and (name := in_lower_case(runs, at)):
            yield _span(document, runs, at, name)
            runs.name_ended_at = at = name.stop
        else:
            at += 1


def _in_run(document: Document, runs: Runs, first: int, end: int) -> Iterator[Span]:
    at = first
    while at < end:
        name = _surname_first(runs, at, end) or _name_at(runs, at, end)
        if name is None:
            at += 1
            continue
        yield _span(document, runs, at, name)
        runs.name_ended_at = at = name.stop


def _span(document: Document, runs: Runs, first: int, name: Name) -> Span:
    """Return the span of a name; its genitive ending stays outside."""
    letters = runs.lexicon.genitive_letters(runs.lower[name.stop - 1])
    if letters == 1 and runs.language == _GERMAN and not runs.owns(name.stop):
        letters = 0
    end = runs.end_over_line(name.stop) - letters
    return document.span(runs.starts[first], end, KIND, name.score, name.rule)


def _name_at(runs: Runs, at: int, end: int) -> Name | None:
    lower = runs.lower[at]
    if lower in naming.NEVER_FIRST or runs.is_small_word(at):
        return None
    stop = runs.take(at, end)
    everyday = stop == at
    if (everyday and lower not in runs.lexicon.surnames) or runs.is_company(at, end):
        return None
    sign = signs.sign_before(runs, at)
    if _is_reversed(runs, at, sign):
        return Name(at + 2, 0.85, "reversed")
    in_thing = at in runs.in_things and (sign in _WEAK_SIGNS or at - 1 in runs.in_things)
    if in_thing or (stop - at == 1 and lower in naming.BRANDS and sign in _BRAND_SIGNS):
        return None
    if everyday:
        # Herr Richter, Frau Kaiser: after a title even these are names.
        return Name(at + 1, 0.95, sign) if sign == signs.TITLE else None
    return _by_sign(runs, sign, at, stop, end) or _by_dictionary(runs, at, stop)


def _surname_first(runs: Runs, at: int, end: int) -> Name | None:
    """Return a Vietnamese name, which begins with the surname: "Tran Van Minh"."""
    if at + 3 > end or runs.lower[at] not in naming.VIETNAMESE_SURNAMES:
        return None
    spaced = runs.gap(at + 1) == runs.gap(at + 2) == " "
    middle = runs.lower[at + 1] in naming.VIETNAMESE_MIDDLES
    last = runs.is_capital(at + 2) and runs.lower[at + 2] not in runs.lexicon.words
    if not (spaced and middle and runs.is_capital(at + 1) and last):
        return None
    return Name(at + 3, 0.8, "surname first")


def _by_sign(runs: Runs, sign: str | None, at: int, stop: int, end: int) -> Name | None:
    if sign is None or (sign == signs.AND and stop - at > 1):
        return None
    if sign == signs.TOWARDS and (runs.is_street(stop) or (stop - at == 1 and runs.is_town(at))):
        return None
    known = runs.is_known(at, stop)
    if known or signs.makes_name(runs, sign, at, stop, end):
        return Name(stop, 0.95 if known else _UNKNOWN_SCORES.get(sign, 0.75), sign)
    return None


def _by_dictionary(runs: Runs, at: int, stop: int) -> Name | None:
    if runs.is_street(stop):
        return None
    if stop - at == 1:
        name = None if runs.is_festival(at) or runs.is_town(at) else _alone(runs, at)
    else:
        name = None if runs.is_organisation(at, stop) else _several(runs, at, stop)
    return None if name and runs.is_thing(at, stop) else name


# --- several words ---------------------------------------------------------------------------


def _several(runs: Runs, at: int, stop: int) -> Name | None:
    """Judge words that stand together by what the dictionaries know of them."""
    lexicon = runs.lexicon
    if runs.is_initial(at):
        return _after_initials(runs, at, stop)
    second = at + 1
    while second < stop - 1 and runs.is_particle(second):
        second += 1
    first, following = runs.stem(at), runs.stem(second)
    surname = lexicon.is_surname(following)
    known = surname or lexicon.is_name(following)
    if lexicon.is_first_name(first):
        if known or first not in lexicon.ambiguous or runs.language not in _CAPITALISING:
            return Name(_last(runs, at, second, stop), 0.9 if known else 0.8, "first name")
        return None
    if first in NOUNS_BEFORE:
        return None
    german_noun = runs.language == _GERMAN and first.endswith(naming.GERMAN_NOUN_ENDINGS)
    everyday = following in lexicon.ambiguous or following in lexicon.words
    plain = surname and second == at + 1 and not everyday and not german_noun
    if plain or _is_surname_in_capitals(runs, at):
        return Name(second + 1, 0.7, "surname")
    return None


def _is_surname_in_capitals(runs: Runs, at: int) -> bool:
    """Return whether this is "MÜLLER Andreas"."""
    loud = runs.words[at].isupper() and not runs.words[at + 1].isupper()
    lexicon, lower = runs.lexicon, runs.lower
    return loud and lexicon.is_surname(lower[at]) and lexicon.is_first_name(lower[at + 1])


def _after_initials(runs: Runs, at: int, stop: int) -> Name | None:
    last = next((index for index in range(at, stop) if not runs.is_initial(index)), None)
    if last is None:
        return None
    # One letter and a stop may end a sentence ("bilag A. Derefter"); two are initials.
    if runs.lexicon.is_surname(runs.stem(last)) or last - at > 1:
        return Name(last + 1, 0.85, "initials")
    return None


def _last(runs: Runs, at: int, second: int, stop: int) -> int:
    """Return where a name ends: further words must be names, or go on from what is no surname."""
    end = second + 1
    while end < stop and (runs.is_particle(end) or _goes_on(runs, end)):
        end += 1
    while end > at + 1 and runs.is_particle(end - 1):
        end -= 1
    return end


def _goes_on(runs: Runs, at: int) -> bool:
    lexicon, stem, before = runs.lexicon, runs.stem(at), runs.stem(at - 1)
    if (
        runs.is_initial(at)
        or stem in naming.SUFFIXES
        or lexicon.is_first_name(stem)
        or lexicon.is_surname(stem)
    ):
        return True
    if runs.is_initial(at - 1) or runs.gap(at) == "-":
        return True
    return lexicon.is_first_name(before) and not lexicon.is_surname(before)


# --- one word --------------------------------------------------------------------------------


def _alone(runs: Runs, at: int) -> Name | None:
    """Judge one word by itself.

    Within a sentence a capital marks a proper noun, save in German; at its start it says nothing,
    and only a name that is no other word counts.
    """
    lexicon, stem = runs.lexicon, runs.stem(at)
    first = lexicon.is_first_name(stem)
    if (first or stem in lexicon.surnames) and runs.is_speaking(at):
        return Name(at + 1, 0.6, "speaks")
    if first and _begins_columns(runs, at):
        return Name(at + 1, 0.7, "column")
    no_name = stem in naming.NEVER_ALONE or runs.is_place(at, first_name=first)
    if no_name or not (first or _is_plain_surname(runs, stem)):
        return None
    clear = stem not in lexicon.ambiguous or stem in naming.CLEAR_IN.get(runs.language or "", ())
    patronymic = stem.endswith(_PATRONYMICS) and stem in lexicon.surnames
    if clear and (first or patronymic or _follows_german_noun(runs, at)):
        return Name(at + 1, 0.6, "lone name")
    proper = runs.language not in _CAPITALISING or (runs.language == _ENGLISH and first)
    if proper and not runs.words[at].isupper() and not runs.starts_sentence(at):
        return Name(at + 1, 0.55, "proper noun")
    return None


def _begins_columns(runs: Runs, at: int) -> bool:
    """Return whether a line of a table begins here: "Ola,Lunde,1975"."""
    after = at + 1
    if after >= runs.count or runs.gap(after) != "," or not runs.is_capital(after):
        return False
    alone = runs.text[max(0, runs.starts[at] - 1) : runs.starts[at]] in {"", "\n"}
    return alone and runs.lexicon.is_surname(runs.lower[after])


def _is_plain_surname(runs: Runs, stem: str) -> bool:
    """Return whether a word is a surname even by itself; places end in -berg and -stad too."""
    patronymic = stem.endswith(_PATRONYMICS) and runs.lexicon.is_surname(stem)
    return patronymic or stem in runs.lexicon.surnames


def _follows_german_noun(runs: Runs, at: int) -> bool:
    """Return whether a noun such as "Torwart" or "Mieterin" stands right before this word."""
    return (
        runs.language == _GERMAN
        and at > 0
        and runs.gap(at) == " "
        and runs.is_capital(at - 1)
        and runs.lower[at - 1].endswith(naming.GERMAN_NOUN_ENDINGS)
    )


def _is_reversed(runs: Runs, at: int, sign: str | None) -> bool:
    """Return whether "Hansen, Anders" stands here, and not a list that goes on."""
    after = at + 1
    if after >= runs.count or runs.gap(after) != ", " or not runs.is_capital(after):
        return False
    lexicon, name = runs.lexicon, runs.lower[at]
    loud = runs.words[at].isupper() and not runs.words[after].isupper()
    cell = sign == signs.LABEL or _fills_cell(runs, at, after + 1)
    known = loud or cell or lexicon.is_surname(name)
    if not known or name in lexicon.words or runs.is_initial(at) or runs.is_among_goods(at):
        return False
    if not (loud or cell) and _is_in_list_of_words(runs, at):
        return False
    if runs.is_initial(after):
        return runs.text[runs.ends[after] : runs.ends[after] + 1] == "."
    further = after + 1
    goes_on = further < runs.count and runs.is_joined(further) and runs.is_capital(further)
    clear = loud or not (goes_on or lexicon.is_first_name(name))
    return clear and lexicon.is_first_name(runs.lower[after])


def _is_in_list_of_words(runs: Runs, at: int) -> bool:
    """Return whether two words that may be names go on a list: "Wolf, Koch, Stein, Winter"."""
    ambiguous = runs.lexicon.ambiguous
    both = runs.lower[at] in ambiguous and runs.lower[at + 1] in ambiguous
    return both and at > 0 and runs.gap(at) == ", " and runs.is_capital(at - 1)


def _fills_cell(runs: Runs, at: int, stop: int) -> bool:
    """Return whether these words are all that a line or a cell of a table holds."""
    before = runs.text[: runs.starts[at]][-_CELL_CHARS:].rstrip(" ")[-1:]
    after = runs.text[runs.ends[stop - 1] :][:_CELL_CHARS].lstrip(" ")[:1]
    return before in _CELL_SIGNS and after in _CELL_SIGNS
