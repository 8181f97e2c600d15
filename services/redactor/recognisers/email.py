"""Finds e-mail addresses."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "email"
PRIORITY: Final = 90
CONTEXT: Final = ()
EXAMPLES: Final = Examples(
    found=(
        ("Skriv til anders.hansen@eksempel.dk.", "anders.hansen@eksempel.dk"),
        ("Mail: <Kari+post@eksempel.no>", "Kari+post@eksempel.no"),
        ("Kontakt: jörg.müller@büro-beispiel.de, danke", "jörg.müller@büro-beispiel.de"),
        ("e-post: sven_o'dell@mail.exempel.se;", "sven_o'dell@mail.exempel.se"),
        ("anders(at)eksempel(punktum)dk", "anders(at)eksempel(punktum)dk"),
        ("jo [dot] crane [at] example [dot] com", "jo [dot] crane [at] example [dot] com"),
        ("Skriv til anders.hansen@\neksempel.dk", "anders.hansen@\neksempel.dk"),
        ("mailto:jo@example.co.uk?subject=hi", "jo@example.co.uk"),
    ),
    ignored=(
        "Mødet (at aftale) i Aarhus",
        "Pris: 3 stk @ 45 kr.",
        "Følg os på @stellwerk",
        "user@localhost er ikke en adresse ude i verden",
    ),
)

# Searched from each "@" outwards, so that a long word costs nothing.
_LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}\Z")
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")
_LOCAL_CHARS_MAX: Final = 64
_OPEN: Final = r" ?[(\[{] ?"
_CLOSE: Final = r" ?[)\]}] ?"
_DOT: Final = rf"(?:\.|{_OPEN}(?:dot|punkt|punktum|prik|\.){_CLOSE})"
_AT_SIGN: Final = re.compile(
    r"[(\[{] ?(?:at|ät|æt|@|snabel-?a|krøllalfa|klammeraffe|a) ?[)\]}] ?", re.IGNORECASE
)
_DISGUISED_LOCAL: Final = re.compile(
    rf"(?<![\w.-])[\w+-]+(?:{_DOT}[\w+-]+){{0,4}} ?\Z", re.IGNORECASE
)
_DISGUISED_DOMAIN: Final = re.compile(
    rf"[\w-]{{1,63}}(?:{_DOT}[\w-]{{2,63}}){{1,4}}", re.IGNORECASE
)


def _disguised(document: Document) -> Iterator[Span]:
    """Yield addresses whose signs are written as words: "jo (at) example (dot) com"."""
    text = document.text
    for sign in _AT_SIGN.finditer(text):
        first = max(0, sign.start() - _LOCAL_CHARS_MAX)
        local = _DISGUISED_LOCAL.search(text[first : sign.start()])
        domain = _DISGUISED_DOMAIN.match(text, sign.end())
        if local and domain:
            yield document.span(first + local.start(), domain.end(), KIND, 0.9, "disguised")


def find(document: Document) -> Iterator[Span]:
    text = document.text
    if "(" in text or "[" in text or "{" in text:
        yield from _disguised(document)
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text[max(0, at - _LOCAL_CHARS_MAX) : at])
        # A long address may be broken behind the sign.
        broken = text[at + 1 : at + 2] == "\n"
        domain = _DOMAIN.match(text, at + 2 if broken else at + 1)
        if local and domain:
            start = at - len(local.group())
            yield document.span(start, domain.end(), KIND, 1.0, "pattern")
        at = text.find("@", at + 1)
