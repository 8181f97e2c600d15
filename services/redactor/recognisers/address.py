"""Finds postal addresses as wholes: street and number, floor and door, postcode and city.

Every search starts at a house number or postcode, so that a text without digits costs nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span, Words
from services.redactor.names import naming, streets
from services.redactor.recognisers.base import Examples

KIND: Final = "address"
PRIORITY: Final = 50
CONTEXT: Final = ()
EXAMPLES: Final = Examples(
    found=(
        ("bor på Vestergade 12, 8000 Aarhus C.", "Vestergade 12, 8000 Aarhus C"),
        ("H.C. Andersens Boulevard 27, 2. tv", "H.C. Andersens Boulevard 27, 2. tv"),
        (
            "Anna Lind\nGammel Kongevej 3B, st. th.\n1610 København V\n",
            "Gammel Kongevej 3B, st. th.\n1610 København V",
        ),
        ("Adresse: Langelinie 5, 2100 København Ø", "Langelinie 5, 2100 København Ø"),
        ("Karl Johans gate 22 H0203, 0159 Oslo", "Karl Johans gate 22 H0203, 0159 Oslo"),
        ("Storgatan 14 lgh 1203, 411 24 Göteborg", "Storgatan 14 lgh 1203, 411 24 Göteborg"),
        ("Musterstraße 5a, 10115 Berlin", "Musterstraße 5a, 10115 Berlin"),
        ("wohnhaft Am Alten Markt 7, D-18055 Rostock", "Am Alten Markt 7, D-18055 Rostock"),
        ("Lange Str. 12\n60311 Frankfurt am Main", "Lange Str. 12\n60311 Frankfurt am Main"),
        ("Postboks 123, 5003 Bergen", "Postboks 123, 5003 Bergen"),
        ("Flat 3, 12 High Street, London SW1A 1AA", "Flat 3, 12 High Street, London SW1A 1AA"),
        ("221B Baker Street", "221B Baker Street"),
        ("Box 55, 101 22 Stockholm", "Box 55, 101 22 Stockholm"),
        ("jeg bor vestergade 12 2. tv", "vestergade 12 2. tv"),
        ("Neue Straße 5 in Kiel", "Neue Straße 5 in Kiel"),
        ("Kirkegata 8, Steinkjer", "Kirkegata 8, Steinkjer"),
        ("Björkvägen 4 i Flen.", "Björkvägen 4 i Flen"),
        ("Bergstr. 5, Bad Aibling", "Bergstr. 5, Bad Aibling"),
        ("Lives at 3 Maple Close, Leeds.", "3 Maple Close, Leeds"),
        ("Str.: Auf der Lach 3", "Auf der Lach 3"),
        ("Hun selger huset i Furulia 7.", "Furulia 7"),
        ("Furubakken 12, Hamar.", "Furubakken 12, Hamar"),
    ),
    ignored=(
        "Mødet er den 12. marts 2026 i Aarhus",
        "Vi var 12 på vej hjem",
        "Ordre 4711, 2089 stk.",
        "For alle 12 deltagere",
        "Levering 12 og sporing 5500",
        "I 1905 Norge blev frit",
        "Weg 2 ist besser als Plan 3",
        "uge 12, 2026 Kalender",
        "Punkt 3, 10 Personen",
    ),
)

_LOWER_CASE_LETTERS_MIN: Final = 8
_HOUSE: Final = re.compile(
    r"(?:(?! i ) ?[a-zæøåA-ZÆØÅ]?)?(?![^\W_])(?: ?[-/+] ?[0-9]{1,4} ?[a-zA-Z]?(?![^\W_]))?"
)
_DOOR_PART: Final = (
    r"(?:[0-9]{1,2}\. ?(?:sal|tv|th|mf|og|etage|stock|vån|tr|floor)\b\.?"
    r"|(?:st|kl|parterre|eg|dg|og)\b\.?|(?:tv|th|mf|links|rechts|mitte|left|right)\b\.?"
    r"|(?:lgh|leil|leilighet|whg|wohnung|app|dør|lejl|etg|apt)\b\.? ?[0-9]{1,5}"
    r"|[HUKL][0-9]{4}\b|(?:hinterhaus|vorderhaus)\b"
    r"|[0-9]{1,2} ?(?:tv|th|mf)\b\.?"
    r"|(?:[0-9]{1,2}|st)\.,? ?(?:tv|th|mf|dør|[0-9]{1,3})\b\.?)"
)
_DOOR: Final = re.compile(rf"(?:,? ?\n?{_DOOR_PART}){{1,3}}", re.IGNORECASE)
_CAPITAL: Final = "[A-ZÆØÅÄÖÜÉ]"
_CITY: Final = (
    rf"{_CAPITAL}[^\W\d_]*(?:[-'][^\W\d_]+)*"
    rf"(?: (?:am|an der|ob der|im|in|v\. ?d\.|i|på) {_CAPITAL}[^\W\d_]+)?"
    r"(?: (?:NØ|NV|SØ|SV|[CKMNSVØ])\b(?!\.[A-Z]))?"
    # A second word of its own belongs to the city only if the line or the sentence ends after it.
    rf"(?: {_CAPITAL}[^\W\d_]+(?=[ ]*(?:\n|\Z|,|\.(?:\s|\Z))))?"
)
_POSTCODE: Final = r"(?:(?:DK|D|DE|NO|N|SE|S|A|AT|CH)[- ]{1,3})?(?:[0-9]{3} [0-9]{2}|[0-9]{4,5})"
_PLACE: Final = re.compile(
    r"[ ]*[,;]?[ ]*(?:\r?\n|(?:i|in|på) )?[ ]*(?:(?:c/o|v/) [^\n,]{1,40}[,\n] ?)?"
    rf"({_POSTCODE} +{_CITY})"
)
_LOWER_PLACE: Final = re.compile(
    rf"[ ]*,?[ ]*(?:(?:i|in) )?({_POSTCODE} +[^\W\d_]{{3,}}(?: [cknsvøm]\b)?)"
)
_US_PLACE: Final = re.compile(
    r"(?:,? (?:Apt|Apartment|Unit|Suite)\.? ?#?[0-9A-Za-z]{1,4}\b)?[,\n][ \n]?"
    r"[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}, [A-Z]{2} [0-9]{5}(?:-[0-9]{4})?\b"
)
_FIELD: Final = re.compile(
    r"(?i:\b(?:postnr|postnummer|plz|ort|by|poststed|poststad|postort|postal_code|city|zip)"
    r"[\w /.,&-]{0,16}[\"']?[ ]*[:=|][ \"']*)"
    rf"({_POSTCODE} +{_CITY})"
)
"""A postcode and city that stand alone in a field of a form."""
_BOX: Final = re.compile(
    rf"(?:Postfach [0-9 ]{{2,11}}|P\.? ?O\.? ?[Bb]ox [0-9]{{1,6}})(?:{_PLACE.pattern})?"
)
_DATED_STREET: Final = re.compile(
    r"(?:Straße|Strasse|Platz) des [0-9]{1,2}\. [A-Z][a-zä]+ [0-9]{1,4}[a-z]?\b"
    rf"(?:{_PLACE.pattern})?"
)
"""Streets and boxes with a number in their very name."""
_TOWN: Final = re.compile(
    rf"(?:,[ ]| (?:i|in) )({_CITY}|{_CAPITAL}[^\W\d_]+)"
    r"(?=[ ]*(?:[.,;)\n\"'»”“]|\Z)| (?:og|och|und|and|eller|oder|or)\b)"
)
"""A town right behind a street and number, without its postcode, at the end of a part."""
_STREET_LABEL: Final = re.compile(
    r"(?i:\b(?:str|straße|strasse|street|gate|gata|vej|vei|veg|adr)\.?[ ]*:[ ]*\Z)"
)
_LABEL_CHARS: Final = 16
_HOUSE_WORDS: Final = 2
_AFTER_STREETS: Final = frozenset(
    {"tel", "tlf", "telefon", "mobil", "phone", "mail", "email", "født", "född", "geb", "cpr"}
)
_LIVING_WORDS: Final = 3
_COUNTRY: Final = re.compile(
    r"[ ]*,?[ ]*\n?[ ]*(?:Danmark|Denmark|Norge|Noreg|Norway|Sverige|Sweden|Deutschland|Germany)\b"
)
_UK_PLACE: Final = re.compile(
    r"(?:,?[ \n]+[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+)?){0,3}"
    r",?[ \n]+[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}\b"
)
_UK_POSTCODE: Final = re.compile(r"(?<![\w-])[A-Z]{1,2}[1-9][0-9A-Z]? ?[0-9][A-Z]{2}(?![\w-])")
_UK_PART: Final = re.compile(
    r"(?:(?:[A-Z][\w'.&-]*|[0-9]{1,4}[A-Za-z]?)(?:(?: upon| on| of| the| le| and| in)* |$))+\Z"
)
"""One part of an address between commas: capitalised words and numbers, up to its end."""
_FARM: Final = re.compile(rf"\b{_CAPITAL}[^\W\d_]*(?:{'|'.join(streets.FARM_ENDINGS)}),[ \n]\Z")
_FARM_CHARS: Final = 30
_ENGLISH: Final = frozenset({"en", None})
_UK_PARTS_MAX: Final = 6
_LABELLED: Final = re.compile(r"[:=|\n][ \"']*\Z")
_LABEL: Final = re.compile(r"(?i:post ?code|zip)(?: is)?[ :=\"']{1,4}\Z")
_LOWER_ENGLISH: Final = re.compile(
    r"\b(?:(?:flat|unit|apt) [0-9a-z]{1,4},? )?[0-9]{1,4}[a-z]?,? (?:[a-z']+ ){1,3}"
    r"(?:street|road|lane|avenue|drive|close|crescent|terrace|gardens|grove|mews)\b"
    r"(?=[,.\n]| in |\Z)"
)
_LOWER_TOWN: Final = re.compile(
    r"(?:,? ([a-z]{4,}))?,? [a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2}\b|(?:,| in) ([a-z]{4,})"
)
_FLAT: Final = re.compile(r"(?:Flat|Apartment|Apt\.?|Unit) [0-9A-Za-z]{1,4},?[ \n]\Z")
_NUMBER: Final = re.compile(r"(?<![\w.,/-])[0-9]{1,4}(?![0-9])")
_STREET_WORDS_MAX: Final = 4
_ENGLISH_WORDS_MAX: Final = 4
_ABBREVIATION_LETTERS_MAX: Final = 3
_FLAT_CHARS: Final = 20


def find(document: Document) -> Iterator[Span]:
    text = document.text
    words: Words | None = None
    for field in _FIELD.finditer(text):
        yield document.span(*field.span(1), KIND, 0.8, "field")
    for pattern in (_BOX, _DATED_STREET):
        for match in pattern.finditer(text):
            yield document.span(*match.span(), KIND, 0.9, "number in its name")
    yield from _by_postcode(document)
    if document.language in _ENGLISH:
        yield from _without_capitals(document)
    for number in _NUMBER.finditer(text):
        words = words or document.words
        if (
            number.end() < len(text)
            and text[number.end()] in ".:%"
            and not _ends_here(text, number)
        ):
            continue
        span = _continental(document, words, number) or _english(document, words, number)
        if span:
            yield span


def _by_postcode(document: Document) -> Iterator[Span]:
    """Yield English addresses by their end: Rose Cottage, Mill Lane, Bakewell DE45 1HS."""
    text = document.text
    for code in _UK_POSTCODE.finditer(text):
        if _LABEL.search(text[max(0, code.start() - _FLAT_CHARS) : code.start()]):
            yield document.span(*code.span(), KIND, 0.8, "labelled postcode")
            continue
        parts = list(_uk_parts(text, code.start()))
        # Who lives there stands before the outermost part that is a street, a house or a number.
        sure = [at for at, part in enumerate(parts) if _is_uk_street(part.group())]
        if sure:
            yield document.span(parts[sure[-1]].start(), code.end(), KIND, 0.85, "postcode")
        elif parts and parts[0].group().lower() not in document.lexicon.words:
            start = parts[0].start()
            if _LABELLED.search(text[max(0, start - _FLAT_CHARS) : start]):
                yield document.span(start, code.end(), KIND, 0.8, "town and postcode")


def _without_capitals(document: Document) -> Iterator[Span]:
    """Yield English addresses in lower case: 22 lark lane, brighton bn2 9qa."""
    text = document.text
    for street in _LOWER_ENGLISH.finditer(text):
        town = _LOWER_TOWN.match(text, street.end())
        name = (town.group(1) or town.group(2)) if town else None
        end = town.end() if town and name not in document.lexicon.words else street.end()
        yield document.span(street.start(), end, KIND, 0.75, "lower case")


def _uk_parts(text: str, code: int) -> Iterator[re.Match[str]]:
    """Yield the parts of the address before a postcode, the last one first."""
    start = code
    for _ in range(_UK_PARTS_MAX):
        end = len(text[:start].rstrip(" ,\n"))
        line = max(text.rfind(sign, 0, end) for sign in (",", "\n", ":")) + 1
        part = _UK_PART.search(text, line, end)
        if part is None or text[end:start].count("\n") > 1:
            return
        yield part
        start = part.start()
        if text[line:start].strip() or text[line - 1 : line] == ":":
            return


def _is_uk_street(part: str) -> bool:
    words = part.lower().split()
    return part[0].isdigit() or not streets.UK_PARTS.isdisjoint(words)


def _ends_here(text: str, number: re.Match[str]) -> bool:
    """Return whether the sign after a number ends a sentence, as in "Vestergade 12."."""
    after = text[number.end() + 1 : number.end() + 2]
    return text[number.end()] == "." and (not after or after.isspace())


def _continental(document: Document, words: Words, number: re.Match[str]) -> Span | None:
    text = document.text
    last = bisect_right(words.ends, number.start()) - 1
    if last < 0 or text[words.ends[last] : number.start()] not in {" ", ". ", "."}:
        return None
    start = _street_start(document, words, last)
    street = words.lower[last] not in streets.NO_STREETS
    street = street and _is_street(document, words, last, start)
    end, place = _rest_of_address(text, number.end())
    if words.lower[last] in streets.SUFFIXES and words.lower[last - 1] in streets.ADJECTIVES:
        start = min(start, words.starts[last - 1])
    if place or street:
        start = _farm_start(text, start)
    if not street and words.text[last][0].islower():
        street = _has_lower_case_place(words.lower[last], text, number.end())
        if not street:
            return None
    town = end if place else _town_end(document, end)
    if street:
        return document.span(start, town, KIND, 0.95 if place else 0.85, "street")
    lived_in = _is_lived_in(words, start, last) or _is_labelled(text, words, start, last)
    if lived_in or _is_rare_street(document, words, start, last, town=town > end):
        return document.span(start, town, KIND, 0.7, "lives at")
    word = words.lower[last]
    nameable = word not in document.lexicon.words or word.endswith(
        streets.WEAK_SUFFIXES + streets.SUFFIXES
    )
    if place and nameable:
        return document.span(start, end, KIND, 0.8, "postcode")
    return None


def _is_street(document: Document, words: Words, last: int, start: int) -> bool:
    """Return whether the words up to `last` are a street by themselves, without a city."""
    word = words.lower[last]
    if not word.endswith(streets.SUFFIXES):
        return False
    if word in streets.SUFFIXES:
        return (
            start < words.starts[last]
            and (word not in streets.RANKS or words.lower[last - 1].endswith("er"))
            and words.text[last - 1][0].isupper()
        )
    if start < words.starts[last]:
        return True
    if words.text[last][0].isupper():
        return word not in document.lexicon.words
    return word.endswith(streets.LOWER_CASE_SUFFIXES) and len(word) >= _LOWER_CASE_LETTERS_MIN


def _rest_of_address(text: str, at: int) -> tuple[int, bool]:
    """Return where an address ends whose house number ends at `at`, and if it has a city."""
    house = _HOUSE.match(text, at)
    end = house.end() if house else at
    door = _DOOR.match(text, end)
    end = door.end() if door else end
    place = _PLACE.match(text, end)
    if place is None:
        place = _LOWER_PLACE.match(text, end)
        return (place.end() if place else end), False
    country = _COUNTRY.match(text, place.end())
    return country.end() if country else place.end(), True


def _town_end(document: Document, end: int) -> int:
    """Return where the town behind a street and number ends: "Elvegata 19, Namsos"."""
    town = _TOWN.match(document.text, end)
    if town is None:
        return end
    first, *_ = town.group(1).lower().split()
    lexicon = document.lexicon
    other = first in lexicon.words or lexicon.is_first_name(first) or first in naming.NEVER_FIRST
    labelled = first in naming.ROLES or first in naming.LABELS or first in streets.NO_STREETS
    return end if other or labelled or first in _AFTER_STREETS else town.end()


def _is_labelled(text: str, words: Words, start: int, last: int) -> bool:
    """Return whether the field of a form is a street: "Str.: Am Alten Markt 3"."""
    if words.lower[last] in streets.NO_STREETS:
        return False
    return _STREET_LABEL.search(text, max(0, start - _LABEL_CHARS), start) is not None


def _is_rare_street(document: Document, words: Words, start: int, last: int, *, town: bool) -> bool:
    """Return whether a name such as "Bjørkelia" is a street by its house or its town."""
    word = words.lower[last]
    built = word.endswith(streets.RARE_SUFFIXES) and len(word) >= _LOWER_CASE_LETTERS_MIN - 1
    if not built or not words.text[last][0].isupper() or word in document.lexicon.words:
        return False
    first = bisect_right(words.starts, start) - 1
    before = words.lower[max(0, first - _HOUSE_WORDS) : first]
    return town or any(one in streets.HOMES for one in before)


def _has_lower_case_place(word: str, text: str, at: int) -> bool:
    """Return whether this is "lærkevej 22, 3700 rønne", all without a capital."""
    house = _HOUSE.match(text, at)
    return (
        word.endswith(streets.SUFFIXES)
        and _LOWER_PLACE.match(text, house.end() if house else at) is not None
    )


def _farm_start(text: str, start: int) -> int:
    """Return where the farm's name before a street begins: "Nordgarden, Myravegen 3"."""
    farm = _FARM.search(text, max(0, start - _FARM_CHARS), start)
    return farm.start() if farm else start


def _is_lived_in(words: Words, start: int, last: int) -> bool:
    """Return whether somebody lives at what begins at `start`: "bor på Langelinie 12"."""
    first = bisect_right(words.starts, start) - 1
    if first > last or words.lower[last] in streets.NO_STREETS:
        return False
    return any(one in streets.LIVING for one in words.lower[max(0, first - _LIVING_WORDS) : first])


def _street_start(document: Document, words: Words, last: int) -> int:
    """Return where the street's name begins: capitalised words and small ones between them."""
    text = document.text
    first, between = last, False
    for index in range(last - 1, max(-1, last - 1 - _STREET_WORDS_MAX), -1):
        gap = text[words.ends[index] : words.starts[index + 1]]
        short = words.ends[index] - words.starts[index] <= _ABBREVIATION_LETTERS_MAX
        if not (gap in {" ", "-"} or (short and gap in {". ", "."})):
            break
        lower = words.lower[index]
        if lower in streets.LEADS:
            between = True
            if words.text[index][0].isupper():
                first = index
        elif between:
            break
        elif lower in streets.ADJECTIVES or lower not in document.lexicon.words:
            if not words.text[index][0].isupper() or lower in streets.NO_STREETS:
                break
            first = index
        else:
            break
    return words.starts[first]


def _english(document: Document, words: Words, number: re.Match[str]) -> Span | None:
    """Return an address that begins with its number: 12 High Street, London SW1A 1AA."""
    text = document.text
    head = _HOUSE.match(text, number.end())
    at = head.end() if head else number.end()
    first = bisect_right(words.starts, at)
    for index in range(first, min(first + _ENGLISH_WORDS_MAX, len(words.starts))):
        before = words.ends[index - 1] if index > first else at
        if not words.text[index][0].isupper() or text[before : words.starts[index]] != " ":
            return None
        place = _UK_PLACE.match(text, words.ends[index])
        place = place or _US_PLACE.match(text, words.ends[index])
        if place or (index > first and words.lower[index] in streets.ENGLISH):
            flat = _FLAT.search(text[max(0, number.start() - _FLAT_CHARS) : number.start()])
            start = number.start() - len(flat.group()) if flat else number.start()
            end = place.end() if place else _town_end(document, words.ends[index])
            return document.span(start, end, KIND, 0.85, "number first")
    return None
