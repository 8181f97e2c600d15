r"""Reads the corpora: prompts with their personal data marked, `{person:Anders Hansen}`.

One file for each language and set, prompts divided by lines `=== what it is`. Braces that begin
with no kind stand for themselves, so that a prompt may be JSON. Where an invisible sign matters it
is written as an escape: `\u200b`. Everyone in them is invented.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

CORPORA: Final = Path(__file__).parent / "corpora"
LANGUAGES: Final = ("da", "nb", "nn", "sv", "de", "en")
PROMPTS: Final = "prompts"
"""Business prompts with personal data."""
TRAPS: Final = "traps"
"""Texts that speak of no person, full of what looks as if they did."""
ADVERSARIAL: Final = "adversarial"
"""Short texts in which personal data hides."""

GROUPS: Final = {
    "person": ("person",),
    "address": ("address",),
    "contact": ("email", "phone", "handle", "url", "ip"),
    "money": ("iban", "account", "card"),
    "national": (
        "cpr", "fodselsnummer", "personnummer", "steuer_id", "sozialversicherungsnummer", "kvnr",
        "passport",
    ),
    "other": ("licence_plate", "birth_date", "customer_number", "case_number"),
    "secret": ("secret",),
}  # fmt: skip
"""Kinds taken together where one alone has too few examples to hold a level."""
KINDS: Final = tuple(kind for kinds in GROUPS.values() for kind in kinds)

_MARKED: Final = re.compile(rf"\{{({'|'.join(KINDS)}):([^{{}}]*)\}}")
_HEADING: Final = re.compile(r"^=== (.+)\n", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Prompt:
    id: str
    language: str
    text: str
    gold: tuple[Span, ...]


@cache
def load(language: str, name: str) -> tuple[Prompt, ...]:
    """Return the prompts of one corpus."""
    text = (CORPORA / f"{language}.{name}.txt").read_text(encoding="utf-8")
    _, *parts = _HEADING.split(text)
    return tuple(
        _prompt(f"{language}-{number}-{heading}", language, body.strip("\n"))
        for number, (heading, body) in enumerate(zip(parts[::2], parts[1::2], strict=True), 1)
    )


def _prompt(name: str, language: str, marked: str) -> Prompt:
    pieces: list[str] = []
    gold: list[Span] = []
    length = at = 0
    for match in [*_MARKED.finditer(marked), None]:
        before = _unescaped(marked[at : match.start() if match else len(marked)])
        pieces.append(before)
        length += len(before)
        if match:
            at = match.end()
            value = _unescaped(match[2])
            pieces.append(value)
            gold.append(Span(length, length + len(value), match[1]))
            length += len(value)
    return Prompt(name, language, "".join(pieces), tuple(gold))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
