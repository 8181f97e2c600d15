"""Finds national bank account numbers: Danish, Norwegian, Swedish, German and British ones."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import IMPERSONAL, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "account"
PRIORITY: Final = 75
CONTEXT: Final = (
    "konto ", "kontonr", "kontonummer", "konto-nr", "kontonummeret", "kontoen ", "kontot ",
    "bankkonto", "lønkonto", "lønnskonto", "lönekonto", "girokonto", "sparekonto", "sparkonto",
    "nemkonto", "reg.nr", "reg. nr", "reg.-nr", "regnr", "reg.", "reg ", "registreringsnummer",
    "account", "acct", "a/c", "bankgiro", "bg ", "plusgiro", "postgiro", "pg ", "clearing", "blz",
    "bankleitzahl", "sort code", "bankkontonr", "bankkontonummer", "utbetalingskonto",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Reg.nr. 1234, kontonr. 0012345678", "0012345678"),
        ("Indsæt på konto 1234-0012345678", "1234-0012345678"),
        ("Min NemKonto er 1234 12345678.", "1234 12345678"),
        ("Kontonummer: 1234.56.78903", "1234.56.78903"),
        ("Pengene kan gå til 1234.56.78903", "1234.56.78903"),
        ("kontonr 12345678903", "12345678903"),
        ("Konto 8327-9, 34 567 891-2 i banken", "8327-9, 34 567 891-2"),
        ("Bankgiro 991-2346", "991-2346"),
        ("Det skal stå på 5301-0000248591 senest", "5301-0000248591"),
        ("Jeg har kvittering. Sett pengene inn på 1192 51 30070.", "1192 51 30070"),
        ("plusgiro: 28 65 43-4", "28 65 43-4"),
        ("Kontonummer 532013000, BLZ 370 400 44", "532013000"),
        ("BLZ: 37040044", "37040044"),
        ("Sort code 20-00-00, account number 55779911", "55779911"),
    ),
    ignored=(
        "Bogført på konto 6100",
        "Ordrenummer 1234.56.78903",
        "Version 1234.56.78904",
        "Mød os på kontoret 12345678",
        "Rechnung 532013000",
        "My account is locked since 2026-11-24",
        "Kontoen steg med 12.500.000 kr.",
    ),
)

_BETWEEN: Final = r"(?:[ ,./:-]{1,3}|[ ,]{0,3}(?:konto|account)\w{0,8}[ .:]{0,3}(?:nr[ .:]{0,3})?)"
_NUMBER: Final = re.compile(
    rf"(?<![\w.-])(?:[0-9]{{4}}(?:-[0-9])?{_BETWEEN}[0-9](?:[ -]?[0-9]){{5,10}}"
    r"|[0-9](?:[ .-]?[0-9]){4,14})(?!\w|[.,][0-9]|-[0-9])"
    r"(?! ?(?:kr|sek|nok|dkk|eur|usd|gbp|€|£|\$|%|stk))",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"[0-9](?:[0-9 ,./:-]*[0-9])?")
_NORWEGIAN: Final = re.compile(
    r"(?<![\w.-])[0-9]{4}([. ])\n?[0-9]{2}\1\n?[0-9]{5}(?![\w-]|\.[0-9])"
)
_DANISH: Final = re.compile(r"(?<![\w.,/-])[0-9]{4}-[0-9]{10}(?![\w-]|[.,][0-9])")
_NORWEGIAN_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_DATE: Final = re.compile(
    r"(?:19|20)[0-9]{2}[.-][01]?[0-9][.-][0-3]?[0-9]$"
    r"|[0-3]?[0-9][. -][01]?[0-9][. -](?:19|20)?[0-9]{2}$"
)


def find(document: Document) -> Iterator[Span]:
    if not document.numbers and not any(map(str.isdigit, document.text)):
        return
    for match in document.after(KIND, _NUMBER):
        if _DATE.match(match.group()) and not _is_sort_code(document, match.start()):
            continue
        # A word between branch and account is left where it is.
        for part in _PART.finditer(document.text, *match.span()):
            yield document.span(*part.span(), KIND, 0.85, "context")
    for match in document.matches(_NORWEGIAN):
        if IMPERSONAL not in document.kinds_before(match.start()) and _is_norwegian(match.group()):
            yield document.span(*match.span(), KIND, 0.9 if match[1] == "." else 0.6, "checksum")
    for match in document.matches(_DANISH) if document.language in {"da", None} else ():
        if IMPERSONAL not in document.kinds_before(match.start()):
            yield document.span(*match.span(), KIND, 0.6, "form")


def _is_sort_code(document: Document, start: int) -> bool:
    return "sort code" in document.lower[max(0, start - 15) : start]


def _is_norwegian(number: str) -> bool:
    digits = map(int, re.sub(r"[^0-9]", "", number))
    return sum(a * b for a, b in zip(digits, _NORWEGIAN_WEIGHTS, strict=True)) % 11 == 0
