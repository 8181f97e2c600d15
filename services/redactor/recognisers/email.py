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
        ("mailto:jo@example.co.uk?subject=hi", "jo@example.co.uk"),
    ),
    ignored=(
        "Pris: 3 stk @ 45 kr.",
        "Følg os på @stellwerk",
        "user@localhost er ikke en adresse ude i verden",
    ),
)

# Searched from each "@" outwards, so that a long word costs nothing.
_LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}\Z")
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")
_LOCAL_CHARS_MAX: Final = 64


def find(document: Document) -> Iterator[Span]:
    text = document.text
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text[max(0, at - _LOCAL_CHARS_MAX) : at])
        domain = _DOMAIN.match(text, at + 1)
        if local and domain:
            start = at - len(local.group())
            yield document.span(start, domain.end(), KIND, 1.0, "pattern")
        at = text.find("@", at + 1)
