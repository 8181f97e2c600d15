"""Finds numbers of passports, identity cards and driving licences, and the lines machines read."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "passport"
PRIORITY: Final = 72
CONTEXT: Final = (
    "pas ", "pasnr", "pasnummer", "pas-nr", "pas nr", "pass ", "passnr", "passnummer", "pass-nr",
    "reisepass", "passport", "personalausweis", "ausweis", "perso ", "id-kort", "id-kortn",
    "identitetskort", "legitimation", "kørekort", "førerkort", "førarkort", "körkort",
    "führerschein", "driving licen", "driver's licen", "identity card", "id card", "nationalt id",
    "passets", "passet", "opholdskort", "aufenthaltstitel", "residence permit", "travel document",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Pasnummer 212345678 udløber i maj", "212345678"),
        ("Mit pas, nr. 20 1234567, er væk", "20 1234567"),
        ("Passnummer: C01X00T47", "C01X00T47"),
        ("Reisepass C01X00T478", "C01X00T478"),
        ("Personalausweis Nr. L01X00T471", "L01X00T471"),
        ("passnr AA1234567", "AA1234567"),
        ("passport no. 925076473", "925076473"),
        ("Kørekort nr. 12345678", "12345678"),
        ("Pasnummer på min søn, som også rejser, Bo Lind: 212345678", "212345678"),
        ("Passnummeret til medsøkeren, fru K. Lind, er NA5510942", "NA5510942"),
        ("Passnummer för min dotter som reser med oss: AA5510942", "AA5510942"),
        ("Die Passnummer der zweiten mitreisenden Person lautet C01X00T47", "C01X00T47"),
        ("Passport number of the other applicant, Emma Miller: 925076473", "925076473"),
        (
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        ),
        (
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        ),
    ),
    ignored=(
        "Pas på, der kommer 212345678 flere",
        "Ordre C01X00T47",
        "Das passt 12345678 Mal",
        "Passet blev udstedt 24.11.2026",
        "Passport control opens at 0800",
        "Passnummer mangler for Kari Lind, ordre: EM4471920",
        "Passnummer mangler for Kari Lind. Vare: EM4471920",
    ),
)

_NUMBER: Final = re.compile(
    r"(?<![\w.,-])(?=(?:[A-Za-z ]{0,3}[0-9]){2})(?:[A-Za-z]{1,3} ?[0-9]{6,8}|[0-9]{2} [0-9]{6,7}"
    r"|[0-9]{7,10}|(?=[A-Z]?[0-9]+[A-Z0-9]*[0-9])[A-Z0-9]{9,10}|[A-Z9]{5}[0-9]{6}[A-Z0-9]{5})"
    r"(?![\w-]|\.[0-9])"
)
# Whose it is may stand between: then it ends in a colon or a verb.
_FURTHER: Final = re.compile(
    r"(?<!\w)(?:pass?(?:-| )?(?:nummeret|nummer|numret|nr)|pass(?:port)? (?:number|no)|reisepass"
    r"(?:nummer)?|(?:personal)?ausweis(?:nummer)?|(?:kørekort|førerkort|körkort)s?nummer"
    r"|führerscheinnummer|(?:id|identity) card (?:number|no)|driving licence (?:number|no))"
    r"(?!\w)[^\n;:]{1,60}?(?: (?:er|is|är|ist|lautet|var|was):? |: ?)"
    r"(?=[a-z]{0,3} ?[0-9]|[a-z0-9]{9})"
)
_IN_FURTHER: Final = re.compile(r"\w{2}[.!?] +[A-ZÆØÅÄÖÜ]|[0-9]{4}")
_IN_GAP: Final = re.compile(r"\bpå\b|[.!?] +[A-ZÆØÅÄÖÜ]")
_MRZ: Final = re.compile(r"(?<![\w<])[A-Z0-9<]{28,44}(?![\w<])")


def find(document: Document) -> Iterator[Span]:
    text = document.text
    for match in document.after(KIND, _NUMBER):
        gap = text[max(0, match.start() - 25) : match.start()]
        if not _IN_GAP.search(gap):
            yield document.span(*match.span(), KIND, 0.85, "context")
    for label in _FURTHER.finditer(document.lower):
        number = _NUMBER.match(text, label.end())
        others = document.kinds_before(label.end()) - {KIND}
        if number and not others and not _IN_FURTHER.search(text, *label.span()):
            yield document.span(*number.span(), KIND, 0.75, "further on")
    if "<<" in text:
        for match in _MRZ.finditer(text):
            if "<<" in match.group():
                yield document.span(*match.span(), KIND, 0.98, "machine readable")
