"""docs/events.md: every event, command, stream, consumer and error, for people."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from shared.contracts.catalog import (
    APP,
    COMMANDS,
    CONSUMERS,
    EVENTS,
    OPERATOR,
    SERVICES,
    CommandRow,
    EventRow,
    stream_subjects,
)
from shared.contracts.documents.schemas import (
    ENVELOPE_ATTRIBUTES,
    GOLDEN_REFERENCE,
    Schema,
    all_records,
    definitions,
    one_line,
    records,
    references,
)
from shared.contracts.documents.types import ANY_JSON, PATTERN_NAMES, type_text
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, RequestEvent
from shared.contracts.stores import STREAMS, Stream

_COMMON: Final = frozenset({*ENVELOPE_ATTRIBUTES, *Event.model_fields, *RequestEvent.model_fields})
_UNITS: Final = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
_AGES: Final = ((24 * 3600, "days"), (3600, "h"), (60, "min"))

_HEAD: Final = """\
# Events, commands, streams and errors

Made from `shared/contracts/` by `make map`; `make check` fails when it is stale. The same as
machine-readable payload schemas: [asyncapi.yaml](asyncapi.yaml). The picture: [map.md](map.md).
How an app sends and receives: [app-developers/](app-developers/).

The second token of a subject says what a message may hold: **clear** (personal data),
**masked** (placeholders in its place) or **meta** (no text from people at all).

Every payload is a structured CloudEvents 1.0 envelope: `specversion`, `id` (also the header
`Nats-Msg-Id`), `source` (`/stellwerk/<sender>`), `type`, `subject` (`<tenant>/<app>`), `time`,
`datacontenttype` and `data`. The header `traceparent` continues the trace. `data` of every event
holds `tenant`, `app` and `cause` (the id of the event that led to it), of an event in the life of
a request also `request_id` and `config_version`; the tables below list what comes on top. A field
without a value is left out. Optional fields may be added to an event; any other change is a new
version beside the old one.
"""


def events_page() -> str:
    """Return docs/events.md."""
    found = definitions(GOLDEN_REFERENCE)
    parts: list[Iterable[str]] = [
        [_HEAD],
        ["## All events", "", *_events_table()],
        ["", "## Fields", ""],
        *(_event_section(row, found) for row in EVENTS),
        ["## Commands", "", *_commands_table(), ""],
        *(_command_section(row, found) for row in COMMANDS),
        ["## Parts", "", "Records and enumerations that the tables above name.", ""],
        *(_part_section(name, schema) for name, schema in sorted(_parts(found).items())),
        ["### Values", "", "Text that must match a pattern.", "", *_values_table(), ""],
        ["## Streams", "", _STREAMS_TEXT, "", *_streams_table()],
        ["", "## Consumers", "", *_consumers_table()],
        ["", "## Errors", "", _ERRORS_TEXT, "", *_errors_table()],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


_STREAMS_TEXT: Final = (
    "A message that a service gives up goes to `sw.<class>.dead.<service>` and is kept as long as "
    "its class; the caller gets a typed failure at once."
)
_ERRORS_TEXT: Final = (
    "Every request ends in exactly one result: a completion, `refused` (the platform decided "
    "against it) or `failed` (it tried and could not). The sentence comes in the caller's language "
    "(da, nb, sv, de, en)."
)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _events_table() -> Iterator[str]:
    head = ("event", "class", "from", "to", "kept in")
    return _table(
        head,
        (
            (
                f"[{row.event.kind}](#{_anchor(row.event.kind)})",
                row.data_class,
                _names(row.senders),
                _names(row.takers),
                f"`{row.stream.name}`" if row.stream else "nothing: live only",
            )
            for row in EVENTS
        ),
    )


def _event_section(row: EventRow, found: dict[str, Schema]) -> Iterator[str]:
    schema = found[row.event.__name__]
    yield f"### {row.event.kind}"
    yield ""
    yield one_line(row.event.__doc__)
    yield ""
    yield f"- type `{row.event.type_name()}`, class **{row.data_class}**"
    yield f"- subject `{subject_template(row)}`"
    yield f"- from {_names(row.senders)} to {_names(row.takers)}"
    yield ""
    yield from _fields_table(schema, leave_out=_COMMON)
    yield ""


def subject_template(row: EventRow) -> str:
    """Return a row's subject with names in place of its variable tokens."""
    tokens = ["<redactor>"] if row.per_replica else ["<tenant>", "<app>"]
    if row.per_request:
        tokens.append("<request_id>")
    return ".".join([row.prefix, *tokens])


def _commands_table() -> Iterator[str]:
    head = ("command", "class", "subject", "from", "to")
    return _table(
        head,
        (
            (
                f"[{row.command.verb}](#{_anchor(row.command.verb)})",
                row.data_class,
                f"`{row.subject}`",
                _names(row.callers),
                row.command.service,
            )
            for row in COMMANDS
        ),
    )


def _command_section(row: CommandRow, found: dict[str, Schema]) -> Iterator[str]:
    yield f"### {row.command.verb}"
    yield ""
    yield one_line(row.command.__doc__)
    yield ""
    yield from _fields_table(found[row.command.__name__])
    yield ""
    yield f"Answer: {one_line(row.reply.__doc__)}"
    yield ""
    yield from _fields_table(found[row.reply.__name__])
    yield ""


def _parts(found: dict[str, Schema]) -> dict[str, Schema]:
    own = {record.__name__ for record in records()}
    wanted = {name for schema in found.values() for name in references(schema)}
    return {name: found[name] for name in wanted - own - {ANY_JSON}}


def _part_section(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if "enum" in schema:
        yield " · ".join(f"`{member}`" for member in schema["enum"])
    else:
        docs = {record.__name__: record.__doc__ for record in all_records()}
        yield one_line(docs[name])
        yield ""
        yield from _fields_table(schema)
    yield ""


def _fields_table(schema: Schema, leave_out: frozenset[str] = frozenset()) -> Iterator[str]:
    required = set(schema.get("required", ()))
    shown = {name: field for name, field in schema["properties"].items() if name not in leave_out}
    rows = [
        (f"`{name}`", type_text(field), _presence(name, field, required), _meaning(field))
        for name, field in shown.items()
    ]
    head = ("field", "type", "", "meaning")
    columns = len(head) if any(map(_meaning, shown.values())) else len(head) - 1
    return _table(head[:columns], [row[:columns] for row in rows])


def _presence(name: str, field: Schema, required: set[str]) -> str:
    if name in required:
        return "required"
    default: Any = field.get("default")
    if default in (None, [], {}, ""):
        return "optional"
    return f"default `{str(default).lower() if isinstance(default, bool) else default}`"


def _meaning(field: Schema) -> str:
    return str(field.get("description", ""))


def _values_table() -> Iterator[str]:
    rows = (
        (name, f"`{pattern}`")
        for pattern, name in sorted(PATTERN_NAMES.items(), key=lambda each: each[1])
    )
    return _table(("value", "pattern"), rows)


def _streams_table() -> Iterator[str]:
    head = ("stream", "subjects", "kept", "at most", "a message", "a subject")
    return _table(
        head,
        (
            (
                f"`{stream.name}`" + (" (work queue)" if stream.work_queue else ""),
                "<br/>".join(f"`{subject}`" for subject in stream_subjects(stream)),
                _age(stream),
                _size(stream.bytes_max),
                _size(stream.message_bytes_max),
                f"{stream.per_subject_max:,} messages" if stream.per_subject_max else "",
            )
            for stream in STREAMS
        ),
    )


def _consumers_table() -> Iterator[str]:
    head = ("consumer", "service", "stream", "events", "takes")
    return _table(
        head,
        (
            (
                f"`{consumer.name}`",
                consumer.service,
                f"`{consumer.stream.name}`",
                ", ".join(event.kind for event in consumer.events),
                f"{consumer.batch_max} " + ("side by side" if consumer.slots else "at once"),
            )
            for consumer in CONSUMERS
        ),
    )


def _errors_table() -> Iterator[str]:
    head = ("code", "result", "HTTP", "try again after", "sentence")
    return _table(
        head,
        (
            (
                f"`{code}`",
                "refused" if code.is_refusal else "failed",
                str(code.http_status),
                f"{code.retry_after_s} s" if code.retryable else "never",
                code.sentence(),
            )
            for code in ErrorCode
        ),
    )


def _names(names: Sequence[str]) -> str:
    if {APP, *SERVICES} <= set(names):
        return "every app and service"
    titles = {APP: "apps", OPERATOR: "the operator"}
    return ", ".join(titles.get(name, name) for name in names)


def _age(stream: Stream) -> str:
    for unit_s, name in _AGES:
        if stream.max_age_s % unit_s == 0:
            return f"{stream.max_age_s // unit_s} {name}"
    return f"{stream.max_age_s} s"


def _size(size_bytes: int) -> str:
    for unit_bytes, name in _UNITS:
        if size_bytes % unit_bytes == 0:
            return f"{size_bytes // unit_bytes} {name}"
    return f"{size_bytes} bytes"


def _anchor(title: str) -> str:
    return title.replace(".", "")
