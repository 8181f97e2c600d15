"""Finds numbers of cases, policies and journals, where they are tied to a person.

Alone, such a number belongs to an authority or a firm. In a text that names somebody, or that
speaks of "my case", it leads to that person.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.kinds import PERSON
from services.redactor.recognisers.base import Examples
from services.redactor.recognisers.customer_number import DATE, MONEY, numbers

KIND: Final = "case_number"
PRIORITY: Final = 30
CONTEXT: Final = (
    "sagsn", "sags-n", "sag nr", "sag ", "saksn", "sak nr", "ärenden", "ärende ", "aktenzeichen",
    "fall-nr", "fallnummer", "case n", "case id", "case #", "journaln", "policen", "police ",
    "policy n", "police-nr", "forsikringsn", "försäkringsn", "försäkringsbrev",
    "versicherungsschein", "skadesn", "skaden", "schadenn", "schaden-nr", "claim n", "sygejournal",
    "journal nr", "j.nr", "jnr", "dnr", "diarien", "az.", "az:", "geschäftszeichen",
    "unser zeichen", "ihr zeichen", "our ref", "your ref", "vår ref", "vores ref", "deres ref",
    "er ref", "vår sak", "målnr", "mål nr",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Min sag, sagsnr. 2024-11873, ligger stille", "2024-11873"),
        ("Sagsnr. 2024-11873 for Anders Hansen", "2024-11873"),
        ("My claim number is CL-998877", "CL-998877"),
        ("Mein Aktenzeichen: 12-34567", "12-34567"),
        ("Mitt ärendenummer är 20241187", "20241187"),
        ("Aktenzeichen 24 F 3190/24\n\nIch, Anna Lind, beantrage", "24 F 3190/24"),
        ("Das Gericht führt Frau Lind unter 6 VI 1187/24.", "6 VI 1187/24"),
        ("Unser Zeichen: 448/24 GH\nNachlass Anna Lind", "448/24 GH"),
        ("Vår sak: 17-204488TVI-TOSL\nDødsboet etter Kari Hansen", "17-204488TVI-TOSL"),
        ("Vårt dnr: T 1744-24\nDödsboet efter Karin Svensson", "T 1744-24"),
        ("Diarienummer FAM 24/31907\n\nJag, Karin Svensson", "FAM 24/31907"),
        ("Schuldnerin: Anna Lind\nAz.: INK-2025-00481", "INK-2025-00481"),
        ("J.nr. 17-20448 om Anders Hansen", "17-20448"),
        ("Our ref: GS/17-20448\nEstate of Emma Miller", "GS/17-20448"),
        ("Emma Miller would like a visit. Case SW-2024-7743.", "SW-2024-7743"),
        ("Kari Lind klager i sak 2025/1187.", "2025/1187"),
        ("Saken 24/10731 gjelder Kari Lind", "24/10731"),
        ("Anders Hansen er part i sagen 24-10731", "24-10731"),
        ("Karin Svensson har skrivit i ärendet SOC-2025-331.", "SOC-2025-331"),
        ("Frau Lind fragt nach dem Vorgang 2025-1187-K", "2025-1187-K"),
        ("Claim FNOL-25-40118 by Emma Miller", "FNOL-25-40118"),
        ("Re: Emma Miller, claim no. 25-40118", "25-40118"),
        ("Our client is Emma Miller, matter 20417-0003", "20417-0003"),
        ("Anders Hansen, sag nummer 401187", "401187"),
        ("Kari Lind, mobil 41 55 60 72, sak 2025/1187", "2025/1187"),
    ),
    ignored=(
        "Sagsnr. 2024-11873",
        "Aktenzeichen 12 C 345/24",
        "Police no. 99123 gælder bygningen",
        "Case no. 2024-11873 was closed",
        "Aktenzeichen 24 F 3190/24",
        "Anna Lind kauft 3 Stk 12/24",
        "Emma Miller says so in case 4000 people come",
        "Case note: Emma Miller, DOB 05/03/1984",
        "Case notes by Emma Miller, room 41-2207",
        "Kari Lind la frem sak 12/24 om budsjettet",
        "Anders Hansen har fulgt sagen 2019-2023",
        "Anders Hansen vandt sagen, 12.500 kr. i alt",
        "I sak 2025/1187 er det fattet vedtak",
        "Emma Miller can claim 25000 points",
    ),
)

_OWNER: Final = re.compile(
    r"(?<!\w)(?:min|mit|mine|mitt|mina|mein|meine|meiner|meinem|my|vores|hans|hendes|hennes|her|his)"
    r"(?!\w)"
)
_NUMBER: Final = re.compile(
    r"(?<![\w.,-])(?=[A-Za-z0-9./ -]{0,8}[0-9])"
    r"(?:[0-9]{1,4} [A-Z][A-Za-z]{0,3} [0-9]{1,6}/[0-9]{2}"
    r"|(?:[A-Z]{1,5}[-/ ]?)?[0-9][0-9A-Z]*(?:[-/.][0-9A-Z]{1,12}| [0-9]{2,6}){0,5}(?: [A-Z]{2})?)"
    r"(?![\w-])"
)
# As German and Norwegian courts write them; nothing else is written so.
_COURT: Final = re.compile(
    r"[0-9](?<![\w.,/-].)[0-9]{0,3} (?!Stk|Std|Uhr|Tag|EUR)[A-Z][A-Za-z]{0,3}"
    r" [0-9]{1,6}/[0-9]{2}(?![\w/-])"
    r"|[0-9](?<![\w.,/-].)[0-9]-[0-9]{6}[A-Z]{3}-[A-Z]{4}(?!\w)"
)
_NOTE: Final = "case not"
# Words that are in every letter: they need the number right behind them, written as no count is.
_LABEL: Final = re.compile(
    r"(?<!\w)(?:sak(?:a|en)?|sag(?:en)?|ärendet?|vorgang|claim|matter|case)"
    r"(?:(?:s-?| )?(?:nummer|number|nr|no|id|ref|reference)\b\.?)?"
    r"(?:[ :#]| (?:er|is|är|ist|med nr\.?|med nummer|with number|mit der nummer) ){1,3}"
)
_WRITTEN: Final = re.compile(
    r"(?=[0-9A-Z/-]{0,11}[0-9])(?:[A-Z]{1,5}[-/ ]?)?[0-9][0-9A-Z]*(?:[-/][0-9A-Z]{1,12}){1,5}"
    r"(?![\w/-]|[.,][0-9])"
    r"|[A-Z]{1,5}[0-9]{4,12}(?![\w/-]|[.,][0-9])|[0-9]{5,12}(?![\w/-]|[.,][0-9]| [a-zæøåäöü]{4})"
)
# Years and seasons, and the items of an agenda.
_COUNTED: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}[-/](?:19|20)?[0-9]{2}|[0-9]{1,3}[-/][0-9]{2})\Z"
)
_DIGITS_MIN: Final = 4
_OWNER_CHARS: Final = 60


def find(document: Document) -> Iterator[Span]:
    text = document.text
    named = any(one.type == PERSON for one in document.found)
    for match in numbers(document, KIND, _NUMBER):
        before = document.lower[max(0, match.start() - _OWNER_CHARS) : match.start()]
        # A case note is a text about somebody, and no number.
        if _NOTE not in before and (named or _OWNER.search(before)):
            yield document.span(*match.span(), KIND, 0.75, "beside a person")
    for label in _LABEL.finditer(document.lower):
        before = document.lower[max(0, label.start() - _OWNER_CHARS) : label.start()]
        written = _WRITTEN.match(text, label.end())
        if written and (named or _OWNER.search(before)) and _is_case(text, written):
            # Surer than what a word further off says, but bare digits may be a telephone.
            score = 0.7 if written.group().isdigit() else 0.86
            yield document.span(*written.span(), KIND, score, "right behind")
    for match in _COURT.finditer(text) if named and ("/" in text or "-" in text) else ():
        yield document.span(*match.span(), KIND, 0.7, "court")


def _is_case(text: str, number: re.Match[str]) -> bool:
    return (
        sum(map(str.isdigit, number.group())) >= _DIGITS_MIN
        and not _COUNTED.match(number.group())
        and not DATE.match(number.group())
        and not MONEY.match(text, number.end())
    )
