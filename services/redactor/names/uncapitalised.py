"""Judges names that are written without a capital, by what stands around them."""

from typing import Final

from services.redactor.names import naming, signs
from services.redactor.names.runs import Name, Runs

_LOWER_CASE_ENDINGS: Final = (
    "sson", "datter", "dottir", "quist", "qvist", "ström", "strøm", "gaard", "wicz", "wski", "wska",
    "nski", "ović", "ević", "enko", "poulos", "escu", "shvili", "oglu", "oğlu",
)  # fmt: skip
_LOWER_TOWARDS: Final = frozenset(
    {
        "til", "till", "to", "für", "an", "fra", "från", "frå", "von", "from", "med", "mit", "with",
        "for", "ask", "spørg", "spør", "fråga", "hos",
    }
)  # fmt: skip
_ENDING_LETTERS_MIN: Final = 8
_LOWER_CASE_LETTERS_MIN: Final = 4
_AFTER_GREETED: Final = ("", ",", "!", ".", "?", "\n")


def in_lower_case(runs: Runs, at: int) -> Name | None:
    """Judge a first name that is written without a capital: "hej line, ring til anders hansen"."""
    stop = at + 1
    if _has_unknown_middle(runs, at):
        return Name(at + 3, 0.65, "lower case")
    if stop < runs.count and runs.gap(stop) == " " and runs.lexicon.is_first_name(runs.lower[stop]):
        stop += _is_lower_case_pair(runs, stop)
    if _is_lower_case_pair(runs, stop - 1) and not _is_everyday(runs, at):
        further = stop + 1
        goes_on = further < runs.count and runs.gap(further) == " "
        goes_on = goes_on and _is_lower_case_surname(runs, further)
        return Name(further + goes_on, 0.7, "lower case")
    word = runs.lower[at]
    if _is_everyday(runs, at) or at in runs.in_things:
        return None
    clear = word not in runs.lexicon.ambiguous and len(word) >= _LOWER_CASE_LETTERS_MIN
    sign = signs.sign_before(runs, at)
    and_more = stop < runs.count and runs.lower[stop] in naming.AND
    addressed = clear or and_more or runs.text[runs.ends[at] :][:1] in _AFTER_GREETED
    signed = sign == signs.CLOSING and runs.ends_line(at + 1)
    if signed or (sign == signs.GREETING and addressed):
        return Name(at + 1, 0.7, f"{sign} in lower case")
    towards = at > 0 and runs.gap(at) == " " and runs.lower[at - 1] in _LOWER_TOWARDS
    if clear and towards and runs.text[runs.ends[at] : runs.ends[at] + 1] in _AFTER_GREETED:
        return Name(at + 1, 0.55, "towards in lower case")
    after_another = sign == signs.AND and runs.words[at - 2].islower() and addressed
    likely = after_another or (clear and runs.is_uncapitalised)
    return Name(at + 1, 0.55, "lower case") if likely else None


def _has_unknown_middle(runs: Runs, at: int) -> bool:
    """Return whether a first name, a name that nobody knows and a surname stand here."""
    middle, last = at + 1, at + 2
    if last >= runs.count or _is_everyday(runs, at) or at in runs.in_things:
        return False
    word, lexicon = runs.lower[middle], runs.lexicon
    spaced = runs.gap(middle) == runs.gap(last) == " "
    other = word in lexicon.words or word in naming.PERSON_VERBS or lexicon.is_first_name(word)
    unknown = len(word) >= _LOWER_CASE_LETTERS_MIN and not other and runs.words[middle].islower()
    clear = runs.lower[at] not in lexicon.ambiguous and runs.words[last].islower()
    return spaced and unknown and clear and _is_lower_case_surname(runs, last)


def _is_everyday(runs: Runs, at: int) -> bool:
    word = runs.lower[at]
    return runs.is_small_word(at) or word in runs.lexicon.words or word in naming.NEVER_ALONE


def _is_lower_case_pair(runs: Runs, at: int) -> bool:
    """Return whether an uncapitalised first name and surname stand here."""
    after = at + 1
    if after >= runs.count or runs.gap(after) != " ":
        return False
    if at in runs.in_things or _is_everyday(runs, at):
        return False
    return _is_lower_case_surname(runs, after)


def _is_lower_case_surname(runs: Runs, at: int) -> bool:
    lexicon, surname = runs.lexicon, runs.lower[at]
    if surname in lexicon.words or surname in lexicon.ambiguous:
        return False
    return surname in lexicon.surnames or (
        len(surname) >= _ENDING_LETTERS_MIN
        and surname.endswith(_LOWER_CASE_ENDINGS)
        and lexicon.is_surname(surname)
    )
