"""Finds user names: with an at sign, or behind a word that says what they are."""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "handle"
PRIORITY: Final = 60
CONTEXT: Final = (
    "brugernavn", "bruger-id", "brugerid", "brukernavn", "brukarnamn", "brukar-id", "bruker-id",
    "användarnamn", "användar-id", "benutzername", "benutzerkennung", "nutzername", "username",
    "user name", "user_name", "user id", "userid", "user-id", "login", "logon", "skype", "discord",
    "telegram", "instagram", "insta ", "snapchat", "twitter", "mastodon", "github-konto",
    "kaldenavn", "screen name", "nickname",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Skriv til @anna_lind84 i aften", "@anna_lind84"),
        ("Brugernavn: annalind", "annalind"),
        ("Mitt användarnamn är anna.lind84", "anna.lind84"),
        ("Benutzername: alind", "alind"),
        ('{"username": "bo_berg"}', "bo_berg"),
        ("My login is jcrane7", "jcrane7"),
    ),
    ignored=(
        "Brugernavn er påkrævet",
        "Skriv til anna@eksempel.dk",
        "@dataclass\nclass Order:",
        "npm install @types/node",
        "@all husk mødet",
        "username: string",
        "Log ind med login og kode",
    ),
)

_AT: Final = re.compile(r"@[A-Za-z][A-Za-z0-9_.]{2,30}")
_CODE: Final = frozenset(
    (
        "all",
        "here",
        "channel",
        "everyone",
        "alle",
        "team",
        "media",
        "import",
        "property",
        "override",
        "dataclass",
        "param",
        "return",
        "returns",
        "throws",
        "staticmethod",
        "see",
        "classmethod",
        "pytest",
        "app",
        "charset",
        "keyframes",
        "test",
        "deprecated",
        "since",
        "author",
        "version",
        "component",
        "injectable",
        "autowired",
        "bean",
        "entity",
        "column",
    )
)
_STATED: Final = re.compile(r"\w{0,8}[\"'`*]{0,3}\s?[:=]\s?[\"'`]?([A-Za-z0-9][\w.@-]{2,40})")
_SAID: Final = re.compile(r"\w{0,4} (?:(?:er|is|ist|är|lautet) )?[\"'`]?([A-Za-z0-9][\w.-]{2,40})")
_NOTHING: Final = frozenset(
    ("string", "str", "text", "none", "null", "true", "false", "required", "optional", "admin")
)


def find(document: Document) -> Iterator[Span]:
    text = document.text
    at = text.find("@")
    while at >= 0:
        match = _AT.match(text, at)
        if match and not text[max(0, at - 1) : at].strip(" \n\t(\"'>,;:"):
            end = at + len(match.group().rstrip("."))
            if (
                text[end : end + 1] not in {"/", "@", "("}
                and text[at + 1 : end].lower() not in _CODE
            ):
                yield document.span(at, end, KIND, 0.6, "at")
        at = text.find("@", at + 1)
    for cue in document.cues:
        if KIND in cue.kinds and (
            match := _STATED.match(text, cue.end) or _SAID.match(text, cue.end)
        ):
            value = match[1].rstrip(".-")
            # In running text a plain word is no name: "login er påkrævet".
            told = match.re is _STATED or any(sign.isdigit() or sign == "_" for sign in value)
            if told and value.lower() not in _NOTHING and "@" not in value:
                yield document.span(
                    match.start(1), match.start(1) + len(value), KIND, 0.8, "context"
                )
