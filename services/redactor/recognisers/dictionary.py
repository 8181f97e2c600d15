"""Finds what the company's own lists name: persons, companies and projects of one tenant."""

from collections.abc import Iterator
from typing import Final

from services.redactor.dictionaries import ALLOW, Dictionary, entries_of
from services.redactor.document import Document, Span
from services.redactor.kinds import COMPANY, PERSON, PROJECT
from services.redactor.recognisers.base import Examples

KIND: Final = PROJECT
PRIORITY: Final = 90
CONTEXT: Final = ()
SCORE: Final = 1.0
"""Somebody wrote it down: it does not have to be likely."""
EXAMPLE_LISTS: Final = Dictionary(
    entries_of(
        {
            PERSON: ["Zebulon Quist"],
            COMPANY: ["Tordenskjold Rederi"],
            PROJECT: ["Nordlys", "Grøn Bølge", "Zug-um-Zug"],
            ALLOW: ["Grøn Bølge Festival"],
        }
    )
)
"""What the examples are found with; each tenant has lists of its own."""
EXAMPLES: Final = Examples(
    found=(
        ("Status på Nordlys i uge 4", "Nordlys"),
        ("Nordlys' budget, og Nordlyss plan", "Nordlys"),
        ("Vi lukker GRØN\nBØLGE i maj", "GRØN\nBØLGE"),
        ("Der Plan von Zug-um-Zug steht", "Zug-um-Zug"),
    ),
    ignored=(
        "Vi så nordlys over fjorden",
        "Nordlyset var smukt",
        "Vi mødes på Grøn Bølge Festival",
        "Grønbølge, grøn bølgelængde og Nordlys2 er andre ord",
    ),
)


def find(document: Document) -> Iterator[Span]:
    for start, end, kind in document.listed:
        if kind != ALLOW:
            yield Span(start, end, kind, SCORE, "dictionary", f"{kind}.dictionary")
