"""Finds dates of birth: dates with a word for birth before them."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.kinds import PERSON
from services.redactor.recognisers.base import Examples

KIND: Final = "birth_date"
PRIORITY: Final = 35
"""After people: a year is a date of birth only near one of them."""
CONTEXT: Final = (
    "født", "fødd", "fødsel", "fødsdag", "fødeda", "födelse", "född", "geb.", "geb ", "geboren",
    "geburt", "born", "dob", "d.o.b", "birth", "date of birth", "birthday", "fdato", "f.dato",
    "f. ",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Anna, født den 3. maj 1984 i Vejle", "3. maj 1984"),
        ("Fødselsdato: 03.05.1984", "03.05.1984"),
        ("fødd 3/5-84", "3/5-84"),
        ("Född 1984-05-03.", "1984-05-03"),
        ("födelsedatum 3 maj 1984", "3 maj 1984"),
        ("geb. am 3. Mai 1984", "3. Mai 1984"),
        ("Geburtsdatum: 03.05.84", "03.05.84"),
        ("DOB: 05/03/1984", "05/03/1984"),
        ("born on May 3rd, 1984", "May 3rd, 1984"),
        ('{"date_of_birth": "19840503"}', "19840503"),
        ("Kari Lind (f. 3.5.1984)", "3.5.1984"),
        ("Kari Lind, *3.5.1984", "3.5.1984"),
        ("Kari Lind, født i 1968, bor alene.", "1968"),
        ("Anders Hansen er født i marts 1968", "marts 1968"),
        ("Karin Svensson är född 1968 och bor i Lund", "1968"),
        ("Frau Anna Lind, geboren 1968, lebt allein", "1968"),
        ("Anna Lind ist 1968 geboren", "1968"),
        ("Emma Miller was born in 1968", "1968"),
        ("Kari Lind (f. 1968)", "1968"),
        ("Kari Lind, f. 1968, har klaget", "1968"),
        ("Emma Miller, year of birth: 1968", "1968"),
    ),
    ignored=(
        "Mødet er den 3. maj 1984",
        "Født i 1984",
        "Lieferung am 03.05.1984",
        "* 03.05.1984 Lieferung\n**03.05.1984**",
        "Se s. 12 f. 3 gange",
        "Fødselsdagsfesten er i maj",
        "Firmaet er født i 1968",
        "Emma Miller joined in 1968",
        "Anders Hansen, født på kontoret kl. 1968",
        "Karin Svensson, född 1768",
    ),
)

_MONTH: Final = (
    r"(?:jan|feb|mar|mär|maa|apr|ma[jiy]|jun|jul|aug|sep|o[ck]t|nov|de[csz])[a-zä]{0,8}\.?"
)
_DATE: Final = re.compile(
    r"(?<![\w.-])(?:(?:18|19|20)[0-9]{2}([-./ ])[0-9]{1,2}\1[0-9]{1,2}"
    r"|[0-3]?[0-9][./-] ?[01]?[0-9][./-] ?(?:(?:18|19|20)[0-9]{2}|[0-9]{2})"
    r"|(?:18|19|20)[0-9]{6}|[0-3][0-9][01][0-9][0-9]{2}(?:[0-9]{2})?"
    rf"|[0-3]?[0-9](?:\.|st|nd|rd|th)?(?: of)? ?{_MONTH},? (?:18|19|20)?[0-9]{{2}}"
    rf"|{_MONTH} [0-3]?[0-9](?:st|nd|rd|th)?,? (?:18|19|20)[0-9]{{2}})(?![\w-]|[.][0-9])",
    re.IGNORECASE,
)


_YEAR: Final = re.compile(
    r"(?:(?<!\w)(?:født|fødd|född|geboren|geb\.|born|fødselsår|fødeår|födelseår|geburtsjahr"
    r"|jahrgang|year of birth|birth year)"
    r"(?::|,? (?:i|in|im|år|året|jahre?|omkring|um|about|circa))*"
    rf" {{1,2}}|[(,] ?f\. ?)((?:{_MONTH},? )?(?:19|20)[0-9]{{2}})(?![\w/-]|[.,:][0-9])"
    r"|(?<![\w.,/-])((?:19|20)[0-9]{2}) geboren"
)
_NEAR_CHARS: Final = 160
# As genealogists write it, and German offices; a list has a blank there, emphasis a second star.
_STAR: Final = re.compile(r"(?<![\w*])\*([0-3]?[0-9]\.[01]?[0-9]\.(?:18|19|20)[0-9]{2})(?![\w*])")


def find(document: Document) -> Iterator[Span]:
    for match in document.after(KIND, _DATE):
        yield document.span(*match.span(), KIND, 0.85, "context")
    people = sorted(one.start for one in document.found if one.type == PERSON)
    for match in _YEAR.finditer(document.lower) if people else ():
        first = bisect_left(people, match.start() - _NEAR_CHARS)
        if first < len(people) and people[first] < match.end() + _NEAR_CHARS:
            yield document.span(*match.span(match.lastindex or 0), KIND, 0.6, "year")
    for match in _STAR.finditer(document.text) if "*" in document.text else ():
        yield document.span(*match.span(1), KIND, 0.8, "star")
