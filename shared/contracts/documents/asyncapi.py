"""docs/asyncapi.yaml: the catalogue as AsyncAPI 3.0, with real payload schemas."""

from typing import Final

from shared.contracts.catalog import (
    COMMANDS,
    EVENTS,
    SEALED_READER,
    CommandRow,
    EventRow,
)
from shared.contracts.documents.events import subject_template
from shared.contracts.documents.schemas import Schema, definitions, envelope, one_line
from shared.contracts.values import DataClass

_REFERENCE: Final = "#/components/schemas/{model}"
_INFO: Final = {
    "title": "Stellwerk",
    "version": "1.0.0",
    "description": "Every event and command on the bus, made from shared/contracts/ by `make map`.",
    "license": {"name": "Apache-2.0"},
}
_PARAMETERS: Final = {
    "tenant": "The tenant; `default` where there is only one.",
    "app": "The internal app. Its NATS user can use no other.",
    "request_id": "The request's UUID.",
    "redactor": "The replica of the redactor that holds the request's map.",
}
_HEADERS: Final[Schema] = {
    "type": "object",
    "properties": {
        "Nats-Msg-Id": {
            "type": "string",
            "description": "The event's id; the bus drops a second one.",
        },
        "traceparent": {"type": "string", "description": "W3C trace context."},
    },
}
_SEALED: Final[Schema] = {
    "type": "string",
    "description": f"The sealed map of placeholders; only {SEALED_READER} can open it.",
}


def asyncapi() -> Schema:
    """Return the AsyncAPI 3.0 document as plain data."""
    found = definitions(_REFERENCE)
    envelopes = {f"{row.event.__name__}Envelope": envelope(row.event, _REFERENCE) for row in EVENTS}
    messages = {row.event.kind: _event_message(row) for row in EVENTS}
    channels = {row.event.kind: _event_channel(row) for row in EVENTS}
    operations = {name: body for row in EVENTS for name, body in _event_operations(row).items()}
    for command in COMMANDS:
        name = _command_name(command)
        messages |= {
            name: {"payload": _reference(command.command.__name__)},
            f"{name}.reply": {"payload": _reference(command.reply.__name__)},
        }
        channels |= _command_channels(command)
        operations |= _command_operations(command)
    return {
        "asyncapi": "3.0.0",
        "info": _INFO,
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted((found | envelopes).items()))},
    }


def _event_message(row: EventRow) -> Schema:
    headers = dict(_HEADERS)
    if row.data_class is DataClass.MASKED:
        headers["properties"] = {**_HEADERS["properties"], "Sw-Sealed": _SEALED}
    return {
        "name": row.event.type_name(),
        "summary": one_line(row.event.__doc__),
        "headers": headers,
        "payload": _reference(f"{row.event.__name__}Envelope"),
    }


def _event_channel(row: EventRow) -> Schema:
    address = subject_template(row).replace("<", "{").replace(">", "}")
    return {
        "address": address,
        "messages": {row.event.kind: {"$ref": f"#/components/messages/{row.event.kind}"}},
        "parameters": {
            name: {"description": text}
            for name, text in _PARAMETERS.items()
            if f"{{{name}}}" in address
        },
        "x-data-class": str(row.data_class),
        "x-stream": row.stream.name if row.stream else "none: live only",
    }


def _event_operations(row: EventRow) -> Schema:
    channel = {"$ref": f"#/channels/{row.event.kind}"}
    sent = {f"{name}.sends.{row.event.kind}": "send" for name in row.senders}
    taken = {f"{name}.takes.{row.event.kind}": "receive" for name in row.takers}
    return {name: {"action": action, "channel": channel} for name, action in (sent | taken).items()}


def _command_name(row: CommandRow) -> str:
    return f"{row.command.service}.{row.command.verb}"


def _command_channels(row: CommandRow) -> Schema:
    name = _command_name(row)
    return {
        name: {
            "address": row.subject,
            "description": one_line(row.command.__doc__),
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "x-data-class": str(row.data_class),
        },
        f"{name}.reply": {
            "address": None,
            "description": one_line(row.reply.__doc__),
            "messages": {f"{name}.reply": {"$ref": f"#/components/messages/{name}.reply"}},
        },
    }


def _command_operations(row: CommandRow) -> Schema:
    name = _command_name(row)
    channel = {"$ref": f"#/channels/{name}"}
    reply = {
        "address": {"location": "$message.header#/replyTo"},
        "channel": {"$ref": f"#/channels/{name}.reply"},
    }
    asked = {
        f"{caller}.asks.{name}": {"action": "send", "channel": channel, "reply": reply}
        for caller in row.callers
    }
    answered = {"action": "receive", "channel": channel, "reply": reply}
    return {**asked, f"{row.command.service}.answers.{name}": answered}


def _reference(model: str) -> Schema:
    return {"$ref": _REFERENCE.format(model=model)}
