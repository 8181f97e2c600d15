"""Finds numbers under which a company knows a person: as customer, member, patient, employee."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.kinds import PERSON
from services.redactor.recognisers.base import Examples

KIND: Final = "customer_number"
PRIORITY: Final = 35
"""After people: a contract is somebody's where the text names somebody."""
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
    "ssn", "ni no.", "staff n", "staff id", "payroll n", "anst.nr", "anst. nr", "anst.-nr",
    "tilsettn", "medarbeidern", "mitarbeiter-n", "mitarbeitern", "personnel n",
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
        ("National Insurance number: QQ 65 43 21 A", "QQ 65 43 21 A"),
        ("Her NI number is QQ 65 43 21 B.", "QQ 65 43 21 B"),
        ("NI number QQ654321D", "QQ654321D"),
        ("Anders Hansen har aftalenummer LA-77031", "LA-77031"),
        ("Kari Lind, avtalenr. 8812-445", "8812-445"),
        ("Karin Svensson, hyresavtalsnummer: B 30177", "B 30177"),
        ("Vertragsnummer MV-30177, Frau Anna Lind", "MV-30177"),
        ("Emma Miller, agreement no. 77031-B", "77031-B"),
        ("Kandidatnummer 10422, Kari Lind", "10422"),
        ("Ansøgernummer 2025-10422 er Anders Hansen", "2025-10422"),
        ("Søkernummer: 10422 (Kari Lind)", "10422"),
        ("Karin Svensson, sökandenummer S-10422", "S-10422"),
        ("Anna Lind, Bewerbernummer 10422", "10422"),
        ("Emma Miller, applicant number AP-10422", "AP-10422"),
        ("Kari Lind, søknadsnummer 10-4221", "10-4221"),
        ("Medlemskapsnummer 10-4221, Karin Svensson", "10-4221"),
    ),
    ignored=(
        "Ordrenummer 445566",
        "Kundenummeret står på fakturaen fra 2024",
        "Rechnungsnummer K-2024-5567",
        "Kunderne købte 445566 stk.",
        "Kundenummer mangler. Ordre 445566",
        "Aftalenummer LA-77031 gælder rengøringen",
        "Emma Miller paid invoice number 77031-B and order no. 77032-B",
        "Karin Svensson, avtalet löper till 2027",
        "Kunde: Emma Miller, den 03.05.1984",
    ),
)

NUMBER: Final = re.compile(
    r"(?<![\w.,-])(?=[A-Za-z0-9./ -]{0,6}[0-9])(?:[A-Z]{1,5}[-/ ]?)?[0-9][0-9A-Z]*"
    r"(?:[-/.][0-9A-Z]{1,8}| [0-9]{2,6}){0,5}(?![\w-])"
)
DIGITS_MIN: Final = 4
_GAP: Final = re.compile(r"[.!?]\s+[A-ZÆØÅÄÖÜ]|[0-9]")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}\Z")
MONEY: Final = re.compile(r" ?(?:kr|sek|nok|dkk|eur|usd|gbp|€|£|\$|%|stk|stück|pcs)", re.IGNORECASE)
_NEAR_CHARS: Final = 30
DATE: Final = re.compile(
    r"(?:[A-Z]{1,5} )?(?:[0-3]?[0-9][./-][01]?[0-9][./-](?:19|20)[0-9]{2}"
    r"|(?:19|20)[0-9]{2}[.-][01]?[0-9][.-][0-3]?[0-9])\Z"
)
_BRITISH: Final = re.compile(r"[A-Z]{2}([ -]?)(?:[0-9]{2}\1){3}[A-D](?!\w)")
_BRITISH_WORDS: Final = ("national insurance", "ni n")
# What many things have; it is a person's in a text that names one.
_LABEL: Final = re.compile(
    r"(?<!\w)(?:(?:(?:leie|leje|hyres|miet|låne?|kredit|kreditt|darlehens|arbeids|arbejds|arbeits)?"
    r"(?:avtale?s?|aftale|kontrakts?|vertrags?)|lånen?|kandidat|ansøger|søker|søkjar|sökande?"
    r"|bewerber|studerende|student|studie|elev|medlems?|medlemskaps?|mitglieds?|mitgliedschafts?|ansøgnings"
    r"|søknads|ansöknings|antrags)[ -]?"
    r"(?:nummeret|nummer|numret|nr|id)"
    r"|(?:agreement|contract|loan|lease|tenancy|candidate|applicant|application|student|member"
    r"|membership|enrolment)[ _-]?(?:number|nr|no|id|ref|reference))"
    r"(?![^\W_])[ .:#]{1,3}(?:(?:er|is|är|ist|lautet)[ :]{1,2})?"
)


def find(document: Document) -> Iterator[Span]:
    for match in numbers(document, KIND):
        british = _BRITISH.match(document.text, match.start())
        before = document.lower[max(0, match.start() - _NEAR_CHARS) : match.start()]
        end = match.end()
        if british and any(word in before for word in _BRITISH_WORDS):
            end = max(end, british.end())
        yield document.span(match.start(), end, KIND, 0.85, "context")
    if not any(one.type == PERSON for one in document.found):
        return
    for label in _LABEL.finditer(document.lower):
        number = NUMBER.match(document.text, label.end())
        if number and _is_number(document.text, number):
            yield document.span(*number.span(), KIND, 0.75, "beside a person")


def numbers(
    document: Document, kind: str, pattern: re.Pattern[str] = NUMBER
) -> Iterator[re.Match[str]]:
    """Yield what stands as a number right behind a context word of `kind`: no year, no price."""
    text = document.text
    starts = {cue.start for cue in document.cues}
    ends = [cue.end for cue in document.cues if kind in cue.kinds]
    for match in document.after(kind, pattern) if ends else ():
        end = ends[bisect_right(ends, match.start()) - 1]
        is_near = match.start() - end <= _NEAR_CHARS
        if (
            is_near
            and match.start() not in starts
            and not _GAP.search(text, end, match.start())
            and _is_number(text, match)
        ):
            yield match


def _is_number(text: str, match: re.Match[str]) -> bool:
    return (
        sum(map(str.isdigit, match.group())) >= DIGITS_MIN
        and not _YEAR.match(match.group())
        and not DATE.match(match.group())
        and not MONEY.match(text, match.end())
    )
