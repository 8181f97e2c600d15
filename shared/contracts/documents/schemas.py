"""JSON Schemas of all that is on the bus: events in their envelope, commands, replies."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from shared.contracts.catalog import COMMANDS, EVENTS
from shared.contracts.event import Event, Record

Schema = dict[str, Any]

ENVELOPE_ATTRIBUTES: Final = ("id", "time")
"""The fields of an event that travel as attributes of the envelope, beside `data`."""
GOLDEN_REFERENCE: Final = "#/$defs/{model}"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def records() -> tuple[type[Record], ...]:
    """Return every event, command and reply of the catalogue, in its order."""
    pairs = [(row.command, row.reply) for row in COMMANDS]
    return (*(row.event for row in EVENTS), *(record for pair in pairs for record in pair))


def definitions(reference: str) -> dict[str, Schema]:
    """Return the schema of every record by class name; `reference` is how they name each other.

    An event's schema is that of its envelope's `data`; `envelope` wraps it.
    """
    _, joined = models_json_schema(
        [(record, "validation") for record in records()], ref_template=reference
    )
    found: dict[str, Schema] = joined["$defs"]
    for event in (row.event for row in EVENTS):
        _leave_out_attributes(found[event.__name__])
    for record in all_records():
        for name, text in field_texts(record).items():
            properties = found[record.__name__]["properties"]
            if name in properties:
                properties[name]["description"] = text
    return found


def envelope(event: type[Event], reference: str) -> Schema:
    """Return the schema of an event as it travels: structured CloudEvents 1.0 JSON."""
    fixed = {"specversion": "1.0", "type": event.type_name(), "datacontenttype": "application/json"}
    properties: Schema = {name: {"type": "string", "const": text} for name, text in fixed.items()}
    properties |= {
        "id": {"type": "string", "format": "uuid", "description": "Also the message id."},
        "source": {"type": "string", "pattern": "^/stellwerk/[a-z0-9][a-z0-9_-]{0,63}$"},
        "subject": {"type": "string", "description": "`<tenant>/<app>`."},
        "time": {"type": "string", "format": "date-time"},
        "data": {"$ref": reference.format(model=event.__name__)},
    }
    order = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data")
    return {
        "type": "object",
        "description": one_line(event.__doc__),
        "properties": {name: properties[name] for name in order},
        "required": list(order),
    }


def golden_schemas() -> dict[str, Schema]:
    """Return one self-contained schema for each event, command and reply, by file stem."""
    found = definitions(GOLDEN_REFERENCE)
    wanted = {
        f"{row.event.kind}.v{row.event.version}": envelope(row.event, GOLDEN_REFERENCE)
        for row in EVENTS
    }
    for row in COMMANDS:
        stem = f"{row.command.service}.{row.command.verb}"
        wanted[f"{stem}.command"] = {"$ref": GOLDEN_REFERENCE.format(model=row.command.__name__)}
        wanted[f"{stem}.reply"] = {"$ref": GOLDEN_REFERENCE.format(model=row.reply.__name__)}
    return {
        stem: {"$schema": _DRAFT, **schema, "$defs": _needed(schema, found)}
        for stem, schema in wanted.items()
    }


def all_records() -> tuple[type[Record], ...]:
    """Return the records of the catalogue and every record that they are made of."""
    found: dict[type[Record], None] = {}
    waiting = list(records())
    while waiting:
        record = waiting.pop(0)
        if record in found:
            continue
        found[record] = None
        for field in record.model_fields.values():
            waiting += [part for part in _parts(field.annotation) if part not in found]
    return tuple(found)


def field_texts(record: type[Record]) -> dict[str, str]:
    """Return the sentences that stand under the fields of a record, its bases' included."""
    texts: dict[str, str] = {}
    for base in reversed(record.__mro__):
        if issubclass(base, Record):
            texts |= dict(_own_field_texts(base))
    return texts


def one_line(docstring: str | None) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join(inspect.cleandoc(docstring or "").split("\n\n")[0].split())


def _own_field_texts(record: type[Record]) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(body, ast.ClassDef)
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, " ".join(text.value.value.split())


def _leave_out_attributes(schema: Schema) -> None:
    for name in ENVELOPE_ATTRIBUTES:
        del schema["properties"][name]


def _parts(annotation: object) -> Iterator[type[Record]]:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _parts(argument)


def _needed(schema: Schema, found: dict[str, Schema]) -> dict[str, Schema]:
    needed: dict[str, Schema] = {}
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = found[name]
            waiting += references(found[name])
    return dict(sorted(needed.items()))


def references(schema: object) -> Iterator[str]:
    """Yield the name of every record that a schema refers to."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).rsplit("/", 1)[-1]
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from references(item)
