"""Finds numbers under which a company knows a person: as customer, member, patient, employee."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "customer_number"
PRIORITY: Final = 64
CONTEXT: Final = (
    "kundenr", "kundenummer", "kunde-nr", "kunde nr", "kunde-id", "kundeid", "kunde id",
    "kunden-nr", "kundennr", "kundennummer", "kundnr", "kundnummer", "kund-id", "kund-nr",
    "customer n", "customer id", "customer_id", "customer_n", "customerid", "customer #",
    "client n", "client id", "klientn", "medlemsn", "medlems-", "medlemn", "medlem nr", "medlem-id",
    "mitglieds", "member n", "member id", "membership n", "membership id", "patientn", "patient-",
    "patient n", "patient id", "patienten-", "patientenn", "pasientn", "pasient-", "medarbejdern",
    "ansattn", "anställningsn", "personaln", "personal-nr", "employee n", "employee id", "lønn",
    "lønmodtagern", "elevn", "studienummer", "studentn", "student id", "student n",
    "matrikelnummer", "abonnementsn", "abonnentn", "brukarn", "policyholder", "bonusn", "loyalty",
    "frequent fly", "eurobonus", "nhs n", "national insurance", "ni number", "social security",
    "ssn", "staff n", "staff id", "payroll n", "anst.nr", "anst. nr", "anst.-nr", "tilsettn",
    "medarbeidern", "mitarbeiter-n", "mitarbeitern", "personnel n",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Mit kundenummer er 445566", "445566"),
        ("Kundennummer: K-2024-5567", "K-2024-5567"),
        ("medlemsnr. 10 22 33", "10 22 33"),
        ("kundnr 8812345", "8812345"),
        ("patient-id P0045512", "P0045512"),
        ("customer no. 99-12345", "99-12345"),
        ("Mitgliedsnummer 4711-08", "4711-08"),
        ('{"customer_id": "C123456"}', "C123456"),
        ("Line Hjort (tilsettnr. 3381)", "3381"),
        ("Linn Hjort (anst.nr 3381)", "3381"),
        ("Lynn Heath (staff no. 3381)", "3381"),
        ("Mitarbeiternummer: 10-3381", "10-3381"),
    ),
    ignored=(
        "Ordrenummer 445566",
        "Kundenummeret står på fakturaen fra 2024",
        "Rechnungsnummer K-2024-5567",
        "Kunderne købte 445566 stk.",
        "Kundenummer mangler. Ordre 445566",
    ),
)

NUMBER: Final = re.compile(
    r"(?<![\w.,-])(?=[A-Za-z0-9./ -]{0,6}[0-9])(?:[A-Z]{1,5}[-/ ]?)?[0-9][0-9A-Z]*"
    r"(?:[-/.][0-9A-Z]{1,8}| [0-9]{2,6}){0,5}(?![\w-])"
)
DIGITS_MIN: Final = 4
_GAP: Final = re.compile(r"[.!?]\s+[A-ZÆØÅÄÖÜ]|[0-9]")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}\Z")
_MONEY: Final = re.compile(
    r" ?(?:kr|sek|nok|dkk|eur|usd|gbp|€|£|\$|%|stk|stück|pcs)", re.IGNORECASE
)
_NEAR_CHARS: Final = 30


def find(document: Document) -> Iterator[Span]:
    for match in numbers(document, KIND):
        yield document.span(*match.span(), KIND, 0.85, "context")


def numbers(
    document: Document, kind: str, pattern: re.Pattern[str] = NUMBER
) -> Iterator[re.Match[str]]:
    """Yield what stands as a number right behind a context word of `kind`: no year, no price."""
    text = document.text
    ends = [cue.end for cue in document.cues if kind in cue.kinds]
    for match in document.after(kind, pattern) if ends else ():
        end = ends[bisect_right(ends, match.start()) - 1]
        is_near = match.start() - end <= _NEAR_CHARS
        digits = sum(map(str.isdigit, match.group()))
        if (
            is_near
            and digits >= DIGITS_MIN
            and not _GAP.search(text, end, match.start())
            and not _YEAR.match(match.group())
            and not _MONEY.match(text, match.end())
        ):
            yield match
