"""Finds what opens doors: keys of known shapes, passwords, tokens, connection strings."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "secret"
PRIORITY: Final = 97
# What opens doors: four digits or more behind such a word.
_BOXES: Final = (
    "nøgleboks", "nøkkelboks", "nyckelskåp", "nyckelbox", "schlüsseltresor", "schlüsselbox",
    "schlüsselkasten", "key safe", "key box", "keybox", "lockbox", "alarmkod", "larmkod",
    "alarmcode", "alarm code", "dørkode", "portkod", "dörrkod", "türcode", "door code", "gate code",
    "entry code", "access code", "zugangscode", "låskod",
    "engångskod", "bekræftelseskod", "bekräftelsekod", "bekreftelseskod", "verification code",
    "verifikationskod", "bestätigungscode", "sicherheitscode", "security code", "sikkerhedskod",
    "sikkerhetskod", "säkerhetskod",
)  # fmt: skip
_CODES: Final = ("kode ", "koden ", "kod ", "code ")
CONTEXT: Final = (
    "password", "passwd", "pwd", "pass:", "pass=", "adgangskode", "kodeord", "passord", "lösenord",
    "passwort", "kennwort", "pinkode", "pin-kode", "pin:", "pin ", "pin-code", "api key", "api-key",
    "apikey", "api_key", "api-nøgle", "api-nyckel", "api-schlüssel", "secret", "client_secret",
    "token", "access_token", "bearer", "accountkey", "sharedaccess", "passphrase", "engangskode",
    "private key", "aws_secret", "pinkoden", "pin-koden", *_BOXES, *_CODES,
)  # fmt: skip
# No example may look like a key to whoever reads this file: hence the letters in code.
EXAMPLES: Final = Examples(
    found=(
        ("Nøglen er sk-proj-abcDEF1234567890abcd", "sk-proj-abcDEF1234567890abcd"),
        ("\x67hp_16C7e42F292c6912E7710c8383", "\x67hp_16C7e42F292c6912E7710c8383"),
        ("aws \x41KIAIOSFODNN7EXAMPLE", "\x41KIAIOSFODNN7EXAMPLE"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        ),
        ("password: hunter2", "hunter2"),
        ("Adgangskode: Sommer2024!", "Sommer2024!"),
        ("Mein Passwort ist Geheim#12", "Geheim#12"),
        ("lösenordet är korv99Brod", "korv99Brod"),
        ("Das Passwort lautet: Blau7Kran!x92", "Blau7Kran!x92"),
        ("password=Tr0ub4dor&3zz", "Tr0ub4dor&3zz"),
        ("password=Tr0ub4dor&user=bo", "Tr0ub4dor"),
        ('{"password": "to ord, og 1 tal"}', "to ord, og 1 tal"),
        ("Passordet til portalen er Vinter!99x", "Vinter!99x"),
        ("Passordet mitt er Vinter!99x.", "Vinter!99x"),
        ("My password is: tr33house", "tr33house"),
        ("Adgangskoden er Sommer2024!", "Sommer2024!"),
        ("PIN: 4711", "4711"),
        ("PIN 2291", "2291"),
        ("Nøgleboks ved døren, kode 4471.", "4471"),
        ("Nyckelskåp vid dörren, kod 4471", "4471"),
        ("Schlüsseltresor an der Tür, Code 4471", "4471"),
        ("Code til nøgleboks: 4471", "4471"),
        ("The alarm code is 4471", "4471"),
        ("Koden er 8842", "8842"),
        ("Koden er: 8842", "8842"),
        ("Din engångskod är 482913", "482913"),
        ("Passwort: Blau7,Kran", "Blau7,Kran"),
        ("Password=hemmelig1;User Id=bo", "hemmelig1"),
        ("Your code is 482913.", "482913"),
        ('{"api_key": "9f8a7b6c5d4e3f2a"}', "9f8a7b6c5d4e3f2a"),
        (
            "postgres://bo:hemmelig1@db.eksempel.dk/kunder",
            "postgres://bo:hemmelig1@db.eksempel.dk/kunder",
        ),
        (
            "-----BEGIN \x50RIVATE KEY-----\nMIIBVQ\n-----END PRIVATE KEY-----",
            "-----BEGIN \x50RIVATE KEY-----\nMIIBVQ\n-----END PRIVATE KEY-----",
        ),
    ),
    ignored=(
        "Adgangskode: mindst otte tegn",
        "Passwort vergessen? Bitte melden.",
        "Your password must have 8 characters",
        "Se https://eksempel.dk/hjælp",
        "max_tokens: 4096 og temperature: 1",
        "The token is valid for 3600 seconds",
        "Der blev sk-ændret i går",
        "Brug rabatkode RABAT20, eller koden: RABAT2024",
        "Postnr. 4471, post code 4471 og error code 4471",
        "Version 4471 af koden er ude, kode 1.2.3",
        "Koden 4471 Svebølle",
        "The code of 2019 was 4471 lines long",
    ),
)  # fmt: skip

_SHAPES: Final = re.compile(
    r"(?:sk-[A-Za-z0-9_-]{16,200}|sk_(?:live|test)_[A-Za-z0-9]{10,200}|gh[pousr]_[A-Za-z0-9]{20,200}"
    r"|github_pat_[A-Za-z0-9_]{20,200}|A[KS]IA[0-9A-Z]{16}|xox[abeprs]-[A-Za-z0-9-]{10,200}"
    r"|glpat-[A-Za-z0-9_-]{16,200}|AIza[A-Za-z0-9_-]{30,60}|hf_[A-Za-z0-9]{20,60}|npm_[A-Za-z0-9]{30,60}"
    r"|eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{0,2000}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"[A-Za-z0-9+/=\s:,-]{0,20000}?(?:-----END [A-Z ]{0,30}KEY-----|\Z))"
)
_CONNECTION: Final = re.compile(r"[^\s:/@\"'<>]{0,100}:[^\s/@\"'<>]{1,100}@[^\s\"'<>]{1,300}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}\Z")
_IS: Final = r"(?:er|is|ist|är|var|was|war|lautet|lyder)"
_OF: Final = (
    r"(?: (?:til|till|for|för|für|to|zum|zur|på|i|mitt|mit|min|ditt|din|hans|hendes|hennes)"
    r"(?: [^\W\d_]{1,15}){0,3}?)?"
)
# "&" and ";" may go before the next field, as a browser or a connection string writes them.
_STATED: Final = re.compile(
    rf"\w{{0,12}}[\"'`*]{{0,3}}(?:{_OF} {_IS})?\s?[:=]>?\s?(?:Bearer )?"
    r"(?:\"((?:[^\"\\\n]|\\.){4,200})(?=\")|"
    r"[\"'`*]{0,3}(?:Bearer )?"
    r"((?:[^\s\"'`;,<>*&]|[&,;](?![\w. -]{1,40}[=:]|\W|\Z)|\*(?=\w)){4,200})"
    r"([^ \w]|\s*(?:\n|\Z))?)"
)
_SAID: Final = re.compile(
    rf"\w{{0,4}}(?:{_OF} {_IS})? (?:: ?)?[\"'`„“”]?([^\s\"'`;,<>„“”]{{4,200}})"
)
# A place behind the digits makes them a postcode.
_CODE: Final = re.compile(
    rf"\w{{0,4}}(?: (?:min|din|vår|mi|di|hans))?"
    r"(?: (?:til|till|for|för|für|to|zum|zur|ved|på) [^\n.,:;!?0-9]{1,40}?)?"
    rf"(?P<told>(?: {_IS})?[ \"]?[:=]| {_IS})?[ \"]{{0,2}}[#*]?(?P<code>[0-9]{{4,8}})#?"
    r"(?![\w-]|[.,][0-9]| [^\W\d_a-z]?[^\W\d_])"
)
_ITS_OWN: Final = re.compile(
    r"(?:(?:\A|[.,;:(!?\n\-])\s*|(?:the|my|your|our|new|min|din|vores|der|mein|neue|nye|nya|ny|og|and"
    r"|und|och|med|with|mit|har|has|hat|dens|safe|boks|box|lock) )\Z"
)
_BEFORE_CHARS: Final = 12
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}\Z")
_OPEN_END: Final = ".!?)"
_NOTHING: Final = frozenset(
    (
        "string",
        "none",
        "null",
        "true",
        "false",
        "required",
        "optional",
        "påkrævet",
        "valgfri",
        "str",
        "text",
        "secretstr",
        "xxxx",
        "****",
        "....",
    )
)


def find(document: Document) -> Iterator[Span]:
    text = document.text
    for match in _SHAPES.finditer(text):
        if not text[max(0, match.start() - 1) : match.start()].isalnum() and _is_mixed(
            match.group()
        ):
            yield document.span(*match.span(), KIND, 0.98, "shape")
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - 31) : at])
        rest = _CONNECTION.match(text, at + 3)
        if scheme and rest:
            yield document.span(at - len(scheme.group()), rest.end(), KIND, 0.95, "connection")
        at = text.find("://", at + 3)
    for cue in document.cues:
        if KIND not in cue.kinds:
            continue
        word = document.lower[cue.start : cue.end]
        if word in _BOXES or f"{word} " in _CODES:
            yield from _code(document, cue.start, cue.end)
        else:
            yield from _told(document, cue.start, cue.end)


def _code(document: Document, start: int, end: int) -> Iterator[Span]:
    """Yield what opens a door behind "code": digits only, since other codes give rebates."""
    lower = document.lower
    match = _CODE.match(lower, end)
    if match is None or (not match["told"] and _YEAR.match(match["code"])):
        return
    own = _ITS_OWN.search(lower, max(0, start - _BEFORE_CHARS), start)
    if own or lower[start:end] in _BOXES:
        yield document.span(*match.span("code"), KIND, 0.8, "code")


def _told(document: Document, start: int, end: int) -> Iterator[Span]:
    text = document.text
    # "pin:" holds its sign already.
    at = end - 1 if text[end - 1] in ":=" else end
    if match := _STATED.match(text, at):
        group = 1 if match[1] is not None else 2
        value = match[group].rstrip(_OPEN_END if _is_word(match[group]) else ".")
        is_count = "token" in text[start:end].lower() and value.isdigit()
        alone = group == 1 or match[3] is not None
        if value.lower() not in _NOTHING and not is_count and (alone or not _is_word(value)):
            first = match.start(group)
            yield document.span(first, first + len(value), KIND, 0.9, "stated")
    elif match := _SAID.match(text, at):
        value = match[1].rstrip(".")
        word = document.lower[start:end]
        is_count = value.isdigit() and (
            "token" in word or ("pin" not in word and _YEAR.match(value) is not None)
        )
        if not _is_word(value.rstrip(_OPEN_END + ":")) and not is_count:
            yield document.span(match.start(1), match.start(1) + len(value), KIND, 0.8, "said")


def _is_word(value: str) -> bool:
    return value.replace("-", "").isalpha()


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) or value.startswith("-----") or len(value) > 40  # noqa: PLR2004
