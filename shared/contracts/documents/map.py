"""The map: who sends what to whom, and how far into the text of people each may look."""

from collections.abc import Iterator
from typing import Final

from shared.contracts.catalog import (
    APP,
    CLEAR,
    COMMANDS,
    EVENTS,
    MASKED,
    META,
    OPERATOR,
    SERVICES,
)
from shared.contracts.values import DataClass

_EVERYONE: Final = "everyone"
_ARROWS: Final = {CLEAR: "==>", MASKED: "-->", META: "-.->"}
_COLOURS: Final = {CLEAR: "#c0392b", MASKED: "#b7791f", META: "#2b6cb0"}
_HOUSES: Final = {
    CLEAR: "may read clear text",
    MASKED: "may read masked text",
    META: "may read no text from people",
}
_TITLES: Final = {
    APP: "internal apps",
    OPERATOR: "operator at the command line",
    _EVERYONE: "every app and service",
}
_ROUND: Final = frozenset(_TITLES)

_PAGE: Final = """\
# The map

Every service, every event and every command, made from `shared/contracts/catalog.py`.
A thick red arrow carries **clear** text, a thin amber one **masked** text, a dotted blue one
**meta** data without any text from people. An arrow with two heads is a command and its answer.
The boxes say what a service may read; the NATS server enforces it.

{map}

What each event holds is in [events.md](events.md).
"""


def map_page() -> str:
    """Return docs/map.md."""
    return _PAGE.format(map=mermaid())


def mermaid() -> str:
    """Return the map as a fenced Mermaid block, which GitHub and most editors draw."""
    edges = [*_event_edges(), *_command_edges()]
    lines = ["flowchart LR", *_nodes(), *(line for _, line in edges), *_styles(edges)]
    return "\n".join(["```mermaid", *lines, "```"])


def _styles(edges: list[tuple[DataClass, str]]) -> Iterator[str]:
    for data_class, colour in _COLOURS.items():
        numbers = [str(index) for index, (each, _) in enumerate(edges) if each is data_class]
        if numbers:
            yield f"  linkStyle {','.join(numbers)} stroke:{colour}"


def may_read(service: str) -> DataClass:
    """Return the most revealing class of text that reaches a service."""
    taken = {row.data_class for row in EVENTS if service in row.takers}
    return next((each for each in (CLEAR, MASKED) if each in taken), META)


def _nodes() -> Iterator[str]:
    yield f'  {APP}(["{_TITLES[APP]}"])'
    yield f'  {OPERATOR}(["{_TITLES[OPERATOR]}"])'
    yield f'  {_EVERYONE}(["{_TITLES[_EVERYONE]}"])'
    for data_class, title in _HOUSES.items():
        yield f'  subgraph {data_class}["{title}"]'
        yield from (f"    {name}" for name in SERVICES if may_read(name) is data_class)
        yield "  end"


def _event_edges() -> Iterator[tuple[DataClass, str]]:
    grouped: dict[tuple[DataClass, str, str], list[str]] = {}
    for row in EVENTS:
        senders = (_EVERYONE,) if {APP, *SERVICES} <= set(row.senders) else row.senders
        for sender in senders:
            for taker in row.takers:
                grouped.setdefault((row.data_class, sender, taker), []).append(row.event.kind)
    for (data_class, sender, taker), kinds in grouped.items():
        yield data_class, f'  {sender} {_ARROWS[data_class]}|"{"<br/>".join(kinds)}"| {taker}'


def _command_edges() -> Iterator[tuple[DataClass, str]]:
    grouped: dict[tuple[DataClass, str, str], list[str]] = {}
    for row in COMMANDS:
        for caller in row.callers:
            place = (row.data_class, caller, row.command.service)
            grouped.setdefault(place, []).append(row.command.verb)
    for (data_class, caller, service), verbs in grouped.items():
        yield data_class, f'  {caller} <-->|"{"<br/>".join(verbs)}"| {service}'
