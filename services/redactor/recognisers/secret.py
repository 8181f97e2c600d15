"""Finds what opens doors: keys of known shapes, passwords, tokens, connection strings."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "secret"
PRIORITY: Final = 97
CONTEXT: Final = (
    "password", "passwd", "pwd", "pass:", "pass=", "adgangskode", "kodeord", "passord", "lösenord",
    "passwort", "kennwort", "pinkode", "pin-kode", "pin:", "pin ", "pin-code", "api key", "api-key",
    "apikey", "api_key", "api-nøgle", "api-nyckel", "api-schlüssel", "secret", "client_secret",
    "token", "access_token", "bearer", "accountkey", "sharedaccess", "passphrase", "engangskode",
    "private key", "aws_secret",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Nøglen er sk-proj-abcDEF1234567890abcd", "sk-proj-abcDEF1234567890abcd"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("aws AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        ),
        ("password: hunter2", "hunter2"),
        ("Adgangskode: Sommer2024!", "Sommer2024!"),
        ("Mein Passwort ist Geheim#12", "Geheim#12"),
        ("lösenordet är korv99Brod", "korv99Brod"),
        ("PIN: 4711", "4711"),
        ('{"api_key": "9f8a7b6c5d4e3f2a"}', "9f8a7b6c5d4e3f2a"),
        (
            "postgres://bo:hemmelig1@db.eksempel.dk/kunder",
            "postgres://bo:hemmelig1@db.eksempel.dk/kunder",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIBVQ\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMIIBVQ\n-----END PRIVATE KEY-----",
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
_STATED: Final = re.compile(
    r"\w{0,12}[\"'`*]{0,3}\s?[:=]>?\s?[\"'`*]{0,3}(?:Bearer )?"
    r"([^\s\"'`;,<>*&]{4,200})([^ \w]|\s*(?:\n|\Z))?"
)
_SAID: Final = re.compile(
    r"\w{0,4} (?:(?:er|is|ist|är|var|was|lautet|lyder) )?"
    r"(?:: ?)?[\"'`„“”]?([^\s\"'`;,<>„“”]{4,200})"
)
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
        if KIND in cue.kinds:
            yield from _told(document, cue.start, cue.end)


def _told(document: Document, start: int, end: int) -> Iterator[Span]:
    text = document.text
    # "pin:" holds its sign already.
    at = end - 1 if text[end - 1] in ":=" else end
    if match := _STATED.match(text, at):
        value = match[1].rstrip(_OPEN_END) if _is_word(match[1]) else match[1].rstrip(".")
        is_count = "token" in text[start:end].lower() and value.isdigit()
        alone = match[2] is not None
        if value.lower() not in _NOTHING and not is_count and (alone or not _is_word(value)):
            yield document.span(match.start(1), match.start(1) + len(value), KIND, 0.9, "stated")
    elif match := _SAID.match(text, at):
        value = match[1].rstrip(".")
        if not _is_word(value.rstrip(_OPEN_END)) and (
            not value.isdigit() or "pin" in text[start:end].lower()
        ):
            yield document.span(match.start(1), match.start(1) + len(value), KIND, 0.8, "said")


def _is_word(value: str) -> bool:
    return value.replace("-", "").isalpha()


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) or value.startswith("-----") or len(value) > 40  # noqa: PLR2004
