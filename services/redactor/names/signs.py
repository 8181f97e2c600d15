"""Reads what stands before a word that may begin a name: title, greeting, closing, label."""

from typing import Final

from services.redactor.names import naming, things
from services.redactor.names.runs import Runs

TITLE: Final = "title"
ROLE: Final = "role"
GREETING: Final = "greeting"
INTRODUCTION: Final = "introduction"
AND: Final = "and"
LABEL: Final = "label"
CLOSING: Final = "closing"
LETTERHEAD: Final = "letterhead"
SPEAKER: Final = "speaker"
TOWARDS: Final = "towards"

_TOWARDS_WORDS: Final = 2
_PAIR_WORDS: Final = 2
_SURNAME_LETTERS_MIN: Final = 4
_LABEL_SIGNS: Final = frozenset({":", "|", "=", ":|", "\t", ":\t"})

_CLOSING_GAP: Final = frozenset(" \t\r\n,.!:-")
_CLOSING_GAP_CHARS_MAX: Final = 8
_OWN: Final = frozenset({"ihr", "ihre", "din", "deres", "your", "ditt"})


def sign_before(runs: Runs, at: int) -> str | None:
    """Return what speaks for a name at this word, or None."""
    sign = None
    if at > 0:
        sign = _word_before(runs, at) if runs.gap(at) in {" ", ". "} else None
        sign = sign or _line_before(runs, at)
    if sign is None and runs.is_speaker(at):
        return SPEAKER
    if sign is None and runs.is_above_address(at):
        return LETTERHEAD
    return sign


def _word_before(runs: Runs, at: int) -> str | None:
    before = runs.lower[at - 1]
    if before in naming.FACULTIES and runs.gap(at) == ". ":
        return TITLE
    for sign, words in _SIGN_WORDS:
        # Only a title has a stop; after another word it ends a sentence.
        if before in naming.UNITS and runs.is_after_number(at - 1):
            continue
        if before in words and (sign == TITLE or runs.gap(at) == " "):
            return sign
    if at > 1 and (runs.lower[at - 2], before) in naming.INTRODUCING_PAIRS:
        return INTRODUCTION
    being = at > 1 and (runs.lower[at - 2], before) in naming.BEING_PAIRS
    if being and runs.gap(at) == " " and runs.stem(at) in runs.lexicon.first_names:
        return INTRODUCTION
    if before in naming.AND and runs.name_ended_at == at - 1:
        return AND
    towards = before in naming.TOWARDS and runs.language in naming.PREPOSITION_LANGUAGES
    return TOWARDS if towards and runs.words[at - 1].islower() else None


_SIGN_WORDS: Final = (
    (TITLE, naming.TITLES),
    (ROLE, naming.ROLES),
    (GREETING, naming.GREETINGS),
    (INTRODUCTION, naming.INTRODUCTIONS),
)


def _line_before(runs: Runs, at: int) -> str | None:
    gap, before = runs.gap(at), runs.lower[at - 1]
    if gap.strip(" \"'*_") in _LABEL_SIGNS and before in naming.LABELS:
        return LABEL
    if len(gap) <= _CLOSING_GAP_CHARS_MAX and _CLOSING_GAP.issuperset(gap):
        word = runs.lower[at - 2] if before in _OWN and at > 1 else before
        return CLOSING if word in naming.CLOSINGS else None
    return None


def makes_name(runs: Runs, sign: str, at: int, stop: int, end: int) -> bool:
    """Return whether words that no dictionary knows are a name because of the sign before them."""
    several = stop - at > 1
    if runs.is_organisation(at, end):
        return False
    if sign in {LETTERHEAD, CLOSING}:
        return stop == end and runs.ends_line(stop) and (several or sign == CLOSING)
    if sign == GREETING:
        following = runs.text[runs.ends[stop - 1] : runs.ends[stop - 1] + 1]
        return several or following in {",", "!", "\n"}
    if sign == TOWARDS:
        return stop - at == _TOWARDS_WORDS and stop == end and not runs.words[at].isupper()
    if sign == ROLE:
        makes = _makes_role_name(runs, at, stop, end)
    elif sign == LABEL:
        makes = several or runs.lower[at - 1] in naming.NAME_LABELS
    elif sign == INTRODUCTION:
        makes = several or _makes_introduced_name(runs, at, stop)
    else:
        makes = sign == TITLE
    return makes


def _makes_introduced_name(runs: Runs, at: int, stop: int) -> bool:
    """Return whether somebody gives a name that nobody knows: "jeg heter Huy"."""
    word = runs.words[at]
    goods = runs.lower[at] in things.PRODUCT_CUES
    if goods or word.isupper() or not word.isalpha() or at < _PAIR_WORDS:
        return False
    if runs.lower[at - 1] in naming.INTRODUCTIONS:
        return runs.lower[at - 2] in naming.SPEAKERS
    return stop < runs.count and runs.gap(stop) == " " and runs.lower[stop] in naming.FROM


def _makes_role_name(runs: Runs, at: int, stop: int, end: int) -> bool:
    """Return whether "kunden T. Brandstrup" or "kunden Brandstrup" stands here."""
    role, last = runs.words[at - 1], stop - 1
    if runs.language in naming.PREPOSITION_LANGUAGES and runs.starts_sentence(at - 1):
        role = role[0].lower() + role[1:]
    if (
        stop != end
        or runs.words[last].isupper()
        or runs.text[runs.ends[last] : runs.ends[last] + 1].isdigit()
    ):
        return False
    if runs.is_initial(at):
        initials = all(runs.is_initial(index) for index in range(at, last))
        return initials and runs.text[runs.ends[at]] == "." and stop - at > 1
    return (
        stop - at == 1
        and role in naming.SURNAME_ROLES
        and runs.language in naming.SURNAME_LANGUAGES
        and len(runs.words[at]) >= _SURNAME_LETTERS_MIN
        and not runs.starts_sentence(at)
    )
