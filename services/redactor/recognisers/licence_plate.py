"""Finds licence plates of Danish, Norwegian, Swedish, German and British vehicles."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from services.redactor.document import IMPERSONAL, Cue, Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "licence_plate"
PRIORITY: Final = 65
CONTEXT: Final = (
    "nummerplade", "nummerplate", "nummerpl", "registreringsnummer", "registreringsn", "reg.nr",
    "reg. nr", "regnr", "reg.nummer", "reg no", "registration", "kennzeichen", "kfz", "bil ",
    "bilen ", "bilens", "bilnummer", "skilt", "indregistrer", "number plate", "licence plate",
    "license plate", "plate ", "plates ", "car ", "vehicle", "køretøj", "kjøretøy", "køyretøy",
    "fordon", "fahrzeug", "auto ", "wagen ", "parkerings", "parkeret", "parkert", "parkerad",
    "geparkt", "parked", "reg ", "kjennetegn", "skiltnummer", "pkw ", "amtl", "trailer",
    "varebil", "motorcykel", "kjenneteikn", "kollid", "kollis",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Min bil er AB 12 345.", "AB 12 345"),
        ("nummerplade AB12345", "AB12345"),
        ("Bilen har regnr AB 12345", "AB 12345"),
        ("Registreringsnummer: abc 123", "abc 123"),
        ("Bilen ABC12D stod parkerad", "ABC12D"),
        ("Kennzeichen B-MW 1234", "B-MW 1234"),
        ("Mein Auto, HH-AB 123E, steht dort", "HH-AB 123E"),
        ("Wer fährt M-AX 4711?", "M-AX 4711"),
        ("number plate AB12 CDE", "AB12 CDE"),
        ("Vehicle reg: BD51 SMR", "BD51 SMR"),
        ("Køretøj: BD 30 771\nModpart: Gitte Fog, EK 95 662", "EK 95 662"),
        ("EK95662 kørte ind i min bil.", "EK95662"),
        ("The vehicle is AB12CDE", "AB12CDE"),
        ("Kari Lind kolliderte med DN58214 ved Moss.", "DN58214"),
        ("Anders Hansen kolliderede med en varevogn, CW40977.", "CW40977"),
        ("Hun ble påkjørt av DN58214 i krysset", "DN58214"),
        ("Lastbilen som krockade hade skylten ABC12D", "ABC12D"),
        ("Der Lkw, B-XY 4711, streifte mich", "B-XY 4711"),
        ("A van, AB12CDE, was involved in the crash", "AB12CDE"),
        ("Anders Hansen så CW40977 køre bort fra ulykken", "CW40977"),
    ),
    ignored=(
        "Vare AB 12 345",
        "Model XY98765",
        "Afsnit AB 12",
        "Typ B-MW 1234",
        "Teil AB12 CDE passt nicht ins Fahrzeug",
        "Skruen ABC 123 er udgået",
        "Kolli AB12345 er sendt",
        "Ordre AB12345 er ikke kommet. Lastbilen kører i morgen.",
        "The build crashed at AB12345",
        "Bilen kostede DKK 12345",
        "Min bil er en BMW 320. Pumpen er en ABC 123.",
    ),
)

_PLATE: Final = re.compile(
    r"(?<![\w-])(?:[A-Z]{2} ?[0-9]{2} ?[0-9]{3}|[A-Z]{3} ?[0-9]{2}[0-9A-Z]"
    r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}[ -]?[0-9]{1,4}[EH]?"
    r"|(?-i:[A-ZÄÖÜ]{1,3} [A-Z]{1,2} [0-9]{1,4}[EH]?)"
    r"|[A-Z]{2}[0-9]{2} ?[A-Z]{3})(?![\w-])",
    re.IGNORECASE,
)
_GERMAN: Final = re.compile(r"(?<![\w-])([A-ZÄÖÜ]{1,3})-[A-Z]{1,2} [0-9]{1,4}[EH]?(?![\w-])")
# The districts with most vehicles; without a context word, others look like part numbers.
_DISTRICTS: Final = frozenset(  # One text: quotes would drown them.
    """A AC AK AN AZ B BB BI BIT BM BN BO BOR BS BZ C CE CO CUX D DA DO DD DE DN DU E EF EL EM EN ER
    ES F FB FD FF FL FN FR FS FT G GE GI GM GP GS GT GZ H HA HB HD HE HH HI HL HN HOM HRO HS HU
    IN J K KA KB KI KL KO KR KS L LB LER LG LIP LU M MA MD MG MI MK MKK MR MS MTK MZ N NE NF NI
    NR OB OF OG OH OL OS P PB PF PI PM R RD RE RO RT RV S SB SE SG SI SL SO SN SZ TR TÜ UL UN V
    VIE VS W WB WES WI WN WOB WÜ Z ZW""".split()  # noqa: SIM905
)
_MONEY: Final = re.compile(r"(?:DKK|NOK|SEK|EUR|USD|GBP|KR|ISO|DIN|EN|EU|BMW|§)[ -]", re.IGNORECASE)


def find(document: Document) -> Iterator[Span]:
    text = document.text
    named = False
    for match in document.after(KIND, _PLATE):
        plate = match.group()
        # In small letters and with a blank it could be a word and a count: "har 412 pladser".
        beside = text[: match.start()].endswith((":", ": ", "nummer ", "number ", "plate "))
        written = plate.isupper() or " " not in plate or beside
        if written and not _MONEY.match(plate) and _DIGITS.search(plate):
            yield document.span(*match.span(), KIND, 0.85, "context")
            named = True
    yield from _further(document, named=named)
    if "-" not in text or document.language not in {"de", None}:
        return
    for match in _GERMAN.finditer(text):
        kinds = document.kinds_before(match.start())
        if match[1] in _DISTRICTS and IMPERSONAL not in kinds:
            yield document.span(*match.span(), KIND, 0.55, "form")


# Only in the sentence of a plate: as context words they would speak for what stands behind them.
_ROAD: Final = re.compile(
    r"(?<!\w)(?:last(?:e)?bil|person(?:en)?bil|vare?vogn|skåpbil|buss?en |motorsykkel|mopeden |lkw "
    r"|transporter|motorrad|van |lorry |truck |motorcycle|motorbike|taxi|drosje|påkjør|påkør|påkörd"
    r"|kolliderede|krock|zusammenst|angefahren|auffahr|aufgefahren|collided|car crash|the crash"
    r"|rear-ended|trafikuh|trafikk?ul|trafikol|verkehrsunfall|ulykk|ulukk|olyck|unfall|accident)"
)


def _further(document: Document, *, named: bool) -> Iterator[Span]:
    """Yield what is written as a plate where one was named, or a vehicle in the same sentence."""
    if not any(map(str.isdigit, document.text)):
        return
    vehicles = [cue for cue in document.cues if KIND in cue.kinds]
    vehicles += [Cue(*match.span(), frozenset({KIND})) for match in _ROAD.finditer(document.lower)]
    vehicles.sort(key=attrgetter("start"))
    for match in _PLATE.finditer(document.text) if vehicles else ():
        plate = match.group()
        if not plate.isupper() or _MONEY.match(plate) or not _DIGITS.search(plate):
            continue
        part = document.lower.endswith(_PARTS, 0, match.start())
        if part or IMPERSONAL in document.kinds_before(match.start()):
            continue
        at = bisect_right(vehicles, match.start(), key=attrgetter("start"))
        if named or any(
            _is_one_sentence(document.text, cue, match) for cue in vehicles[max(0, at - 1) : at + 1]
        ):
            yield document.span(*match.span(), KIND, 0.6, "same text" if named else "sentence")


def _is_one_sentence(text: str, cue: Cue, match: re.Match[str]) -> bool:
    start, end = min(cue.end, match.end()), max(cue.start, match.start())
    return end - start <= _SENTENCE_CHARS and not _SENTENCE_END.search(text, start, end)


_PARTS: Final = ("teil ", "part ", "del ")
_SENTENCE_CHARS: Final = 120
_SENTENCE_END: Final = re.compile(r"[.!?]\s|\n")
_DIGITS: Final = re.compile(r"[0-9]{2}")
