"""Finds telephone numbers.

`phonenumbers` only judges what a pattern has found: its own search takes an order number for a
telephone and costs milliseconds. Eight bare digits need a context word.
"""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "phone"
PRIORITY: Final = 70
CONTEXT: Final = (
    "tlf", "telef", "tel", "mobil", "mob", "ring", "sms", "fastnet", "phone", "call", "cell",
    "whatsapp", "fax", "handy", "ruf", "durchwahl", "erreich", "anruf", "nås", "træffes", "treffes",
    "kontakt", "contact", "hjemmetelefon", "festnetz", "rückruf", "rufnummer", "dial", "text me",
    "reach me", "direkte", "lokal", "hjemmenummer", "arbejdstelefon", "privattelefon", "telephone",
    "landline", "signal", "viber", "numret mitt", "nummeret mitt", "tel:", "slå nummer",
    "mit nummer", "mitt nummer", "på nummer", "meine nummer", "my number",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Ring på 12 34 56 78 i dag", "12 34 56 78"),
        ("Tlf.: 20231145", "20231145"),
        ("Jeg kan nås på +45 20 23 11 45.", "+45 20 23 11 45"),
        ("mobil 912 34 567", "912 34 567"),
        ("Kontor: 22 86 44 00", "22 86 44 00"),
        ("Ring 070-174 06 58!", "070-174 06 58"),
        ("0046 8 123 456 78", "0046 8 123 456 78"),
        ("Tel. (030) 901820-12", "(030) 901820-12"),
        ("Handy: 0151 23456789", "0151 23456789"),
        ("Sie erreichen mich unter 0221/4710-123", "0221/4710-123"),
        ("+49 (0) 30 901820", "+49 (0) 30 901820"),
        ("Ring (+47) 455 11 908", "(+47) 455 11 908"),
        ("Mob. (0045) 20 23 11 45", "(0045) 20 23 11 45"),
        ("Anna Lind (+45 20 23 11 45)", "+45 20 23 11 45"),
        ("Call me on 020 7946 0958", "020 7946 0958"),
        ("name,born,phone\nBo,1991-11-02,07700900241", "07700900241"),
    ),
    ignored=(
        "Ordrenummer 20231145",
        "ordre 4711-2089",
        "I alt 20231145 stk.",
        "Ordrenummer 20 23 11 45",
        "Den 24-11-2026 kl. 10",
        "Bestellung 0151 23456789",
        "Perioden 2019-2023 og 1000-2000",
        "Bestellnr. 030 901820",
        "IP 192.168.100.200",
        "1.250.000,00 kr. og 12.500.000 kr.",
    ),
)

_SEPARATOR: Final = r"[ ./()-]"
_INTERNATIONAL: Final = re.compile(
    r"(?<![\w+])(?:\((?:\+|00)[1-9][0-9]{0,2}\)|(?:\+|00)[1-9][0-9]{0,2})"
    rf"(?:{_SEPARATOR}{{0,3}}[0-9]){{6,12}}(?![\w])"
)
_TRUNK: Final = re.compile(
    r"(?<![\w.,/-])(?<!/S )(?:\(0[1-9][0-9]{1,4}\)|0[1-9][0-9]{0,4})"
    r"[ /-]{0,3}[0-9](?:[ /-]?[0-9]){4,9}(?![\w-])"
)
_GROUPED: Final = re.compile(
    r"(?<![\w.,/-])(?<![0-9] )"
    r"(?:(?:4[57] )?[2-9][0-9](?: [0-9]{2}){3}|[2-9][0-9](?:-[0-9]{2}){3}|"
    r"[2-9][0-9]{2} [0-9]{2} [0-9]{3}|[2-9][0-9]{3} [0-9]{4})"
    r"(?![\w-])(?![ .,/-][0-9])"
)
_WITH_CONTEXT: Final = re.compile(
    r"(?<![\w,/-])(?<![0-9]\.)\(?[0-9](?:[ \n./()-]{0,3}[0-9]){6,13}(?![\w-])(?![.,][0-9])"
)
_DATE: Final = re.compile(
    r"[0-3]?[0-9][./-][0-3]?[0-9][./-](?:19|20)?[0-9]{2}\b(?![./-][0-9])|(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]\b"
)
_CELL: Final = re.compile(r"[ \"']*(\+?\(?[0-9](?:[ ./()-]{0,3}[0-9]){5,13})[ \"']*\Z")
_EXTENSION: Final = re.compile(
    r",? ?(?:ext\.?|x|lok\.?|lokal(?:nr\.?)?|ankn\.?|anknytning|dw|durchwahl|apparat)"
    r" ?[0-9]{1,5}(?!\w)",
    re.IGNORECASE,
)
# Numbers that Ofcom keeps for drama, which phonenumbers calls invalid, and American ones.
_FORMS: Final = re.compile(
    r"(?<![\w.,/-])(?:07700 ?900 ?[0-9]{3}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ -][0-9]{4}"
    r"|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4})(?![\w-])"
)
_TRUNK_REGIONS: Final = {"sv": ("SE", "DE"), "de": ("DE", "AT", "CH"), "en": ("GB", "DE", "SE")}
_ANY_TRUNK_REGION: Final = ("DE", "SE", "GB")
_GROUPED_REGIONS: Final = ("DK", "NO")


def find(document: Document) -> Iterator[Span]:
    if not document.numbers:
        return
    told: list[Span] = []
    for match in document.matches(_INTERNATIONAL):
        bare = match.group().startswith(("00", "(00"))
        if bare and document.kinds_before(match.start()) - {KIND}:
            continue
        if _possible(match.group()):
            told.append(_span(document, match, 0.95, "international"))
    told += [
        _span(document, match, 0.85, "context")
        for match in document.matches(_WITH_CONTEXT)
        if KIND in document.kinds_around(*match.span()) and not _DATE.match(match.group())
    ]
    for start, end, kinds in document.cells:
        if KIND in kinds and (cell := _CELL.match(document.text[start:end])):
            place = start + cell.start(1), start + cell.end(1)
            told.append(document.span(*place, KIND, 0.85, "column"))
    yield from told
    yield from _national(document, [*document.found, *told])


def _national(document: Document, found: list[Span]) -> Iterator[Span]:
    """Yield what has the form of a number of some country, with no word for it.

    `phonenumbers` is slow: what something else has found already is not asked about.
    """
    for match in document.matches(_FORMS):
        if IMPERSONAL not in document.kinds_before(match.start()):
            yield _span(document, match, 0.7, "form")
    taken = bytearray(len(document.text))
    for one in found:
        taken[one.start : one.end] = b"\1" * one.length
    regions = _TRUNK_REGIONS.get(document.language or "", _ANY_TRUNK_REGION)
    for pattern, rule, countries in (
        (_TRUNK, "trunk", regions),
        (_GROUPED, "grouped", _GROUPED_REGIONS),
    ):
        for match in document.matches(pattern):
            kinds = document.kinds_before(match.start())
            if (
                not taken[match.start()]
                and IMPERSONAL not in kinds
                and not _DATE.match(match.group())
                and any(_valid(match.group(), country) for country in countries)
            ):
                yield _span(document, match, 0.7, rule)


def _span(document: Document, match: re.Match[str], score: float, rule: str) -> Span:
    """Return a find with the extension behind it."""
    extension = _EXTENSION.match(document.text, match.end())
    end = extension.end() if extension else match.end()
    return document.span(match.start(), end, KIND, score, rule)


def _possible(candidate: str) -> bool:
    """Return whether the digits may be a number somewhere; invented ones in use count too."""
    number = re.sub(r"\(0\)", "", candidate)
    number = "+" + re.sub(r"[^0-9]", "", number.lstrip("(").removeprefix("00"))
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _valid(candidate: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(candidate, country))
    except phonenumbers.NumberParseException:
        return False
