"""The golden schemas and the example messages that are checked in beside these tests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.contracts.catalog import COMMANDS, EVENTS, known_types
from shared.contracts.event import Event, Record, decode

FOLDER: Final = Path(__file__).parent
EXAMPLES: Final = sorted((FOLDER / "examples").glob("*.json"))
SCHEMAS: Final = sorted((FOLDER / "schemas").glob("*.json"))

EVENT_STEMS: Final[dict[str, type[Event]]] = {
    f"{row.event.kind}.v{row.event.version}": row.event for row in EVENTS
}
COMMAND_STEMS: Final[dict[str, type[Record]]] = {
    f"{row.command.service}.{row.command.verb}.{part}": record
    for row in COMMANDS
    for part, record in (("command", row.command), ("reply", row.reply))
}
STEMS: Final[dict[str, type[Record]]] = {**EVENT_STEMS, **COMMAND_STEMS}


@dataclass(frozen=True)
class Example:
    """One message as it was once sent; a file is never changed, only added."""

    file: Path

    @property
    def stem(self) -> str:
        """Return what it is an example of; a variant's name comes after that."""
        name = self.file.name
        return next((stem for stem in STEMS if name.startswith(f"{stem}.")), "")

    @property
    def payload(self) -> bytes:
        return self.file.read_bytes()

    @property
    def parsed(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.payload)
        return message

    def read(self) -> Record:
        """Decode it as a service of today does."""
        if self.stem in EVENT_STEMS:
            return decode(self.payload, known_types(*EVENT_STEMS.values()))
        return COMMAND_STEMS[self.stem].model_validate_json(self.payload)


def examples() -> list[Example]:
    return [Example(file) for file in EXAMPLES]


def event_examples() -> list[Example]:
    return [example for example in examples() if example.stem in EVENT_STEMS]


def golden(stem: str) -> dict[str, Any]:
    """Return the schema that a service of the last release knows."""
    schema: dict[str, Any] = json.loads((FOLDER / "schemas" / f"{stem}.json").read_text("utf-8"))
    return schema


def text_leaves(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the place of every string that a schema leaves free: no pattern, no enumeration."""
    yield from _text_leaves(schema, "message", schema.get("$defs", {}))


def _text_leaves(part: dict[str, Any], place: str, known: dict[str, Any]) -> Iterator[str]:
    if "$ref" in part:
        yield from _text_leaves(known[part["$ref"].rsplit("/", 1)[-1]], place, known)
        return
    if not part.keys() & {"type", "anyOf", "enum", "const"}:
        yield place  # anything at all
    if part.get("type") == "string" and not part.keys() & {"pattern", "format", "enum", "const"}:
        yield place
    if isinstance(part.get("additionalProperties"), dict):
        yield f"{place}.<key>"
    for inner, inner_place in _inner(part, place):
        yield from _text_leaves(inner, inner_place, known)


def _inner(part: dict[str, Any], place: str) -> Iterator[tuple[dict[str, Any], str]]:
    for name, inner in part.get("properties", {}).items():
        yield inner, f"{place}.{name}"
    for inner in part.get("patternProperties", {}).values():
        yield inner, f"{place}.*"
    if isinstance(part.get("additionalProperties"), dict):
        yield part["additionalProperties"], f"{place}.*"
    for inner in part.get("anyOf", ()):
        yield inner, place
    if "items" in part:
        yield part["items"], f"{place}[]"
