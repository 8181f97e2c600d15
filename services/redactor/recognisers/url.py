"""Finds links that lead to a person: profiles, names in the path, tokens in the query."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "url"
PRIORITY: Final = 92
CONTEXT: Final = ()
EXAMPLES: Final = Examples(
    found=(
        ("Se https://www.linkedin.com/in/anna-lind-84", "https://www.linkedin.com/in/anna-lind-84"),
        ("https://eksempel.dk/brugere/anna.hansen.", "https://eksempel.dk/brugere/anna.hansen"),
        ("http://eksempel.no/?token=abc123&x=1", "http://eksempel.no/?token=abc123&x=1"),
        ("(https://exempel.se/a?email=bo%40exempel.se)", "https://exempel.se/a?email=bo%40exempel.se"),
        ("https://teams.eksempel.no/meet/ida.vinje", "https://teams.eksempel.no/meet/ida.vinje"),
        ("www.facebook.com/anders.hansen.5", "www.facebook.com/anders.hansen.5"),
    ),
    ignored=(
        "Se https://eksempel.dk/priser/2024",
        "https://www.linkedin.com/company/eksempel",
        "https://example.com/docs?page=2&sort=name",
        "https://github.com/eksempel/projekt",
        "Læs mere på www.eksempel.dk/kontakt",
    ),
)  # fmt: skip

_URL: Final = re.compile(r"[^\s\"'<>()\[\]{}|\\^`]{1,2000}")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,20}\Z")
_PERSONAL: Final = re.compile(
    r"linkedin\.com/in/.|(?:facebook|instagram|twitter|x|tiktok|threads)\.(?:com|net)/(?:@?[\w.]*[._0-9][\w.]*)\Z"
    r"|/(?:users?|profiles?|profil|brugere?|brukere?|anvandare|members?|mitglied(?:er)?|people|meet|u|~)/[^/?#]{3,}"
    r"|[?&#;](?:access_|auth_|id_|reset_|refresh_)?(?:token|api_?key|key|sig|signature|session|sessionid|sid|code"
    r"|password|pwd|email|e-?mail|mail|user|username|userid|name|navn|cpr|phone|tlf|ssn)=[^&#]"
    r"|%40|//[^/@\s]{1,100}@",
    re.IGNORECASE,
)
_END: Final = ".,;:!?*"
_PAIR: Final = re.compile(r"(?:^|/)@?([^\W\d_]{2,20})[._-]([^\W\d_]{2,20})[0-9]{0,4}(?=[/?#]|$)")


def find(document: Document) -> Iterator[Span]:
    text, end = document.text, 0
    for start in sorted(_starts(text)):
        # A link within a link is read with it: a text of nothing else must not cost its square.
        match = _URL.match(text, start) if start >= end else None
        if match:
            end = match.end()
            url = match.group().rstrip(_END)
            if _PERSONAL.search(url) or _has_name(document, url):
                yield document.span(start, start + len(url), KIND, 0.8, "link")


def _starts(text: str) -> Iterator[int]:
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - 21) : at])
        if scheme:
            yield at - len(scheme.group())
        at = text.find("://", at + 3)
    at = text.find("www.")
    while at >= 0:
        if text[max(0, at - 1) : at] not in {"/", "."} and not text[max(0, at - 1) : at].isalnum():
            yield at
        at = text.find("www.", at + 4)


def _has_name(document: Document, url: str) -> bool:
    """Return whether a first name and a surname stand side by side in the path."""
    path = url.partition("://")[2].partition("/")[2] or url.partition("/")[2]
    lexicon = document.lexicon
    for first, last in _PAIR.findall(path.lower()):
        if lexicon.is_first_name(first) and last not in lexicon.words:
            return lexicon.is_surname(last) or first not in lexicon.ambiguous
    return False
