"""Spans: where one request's time went. No content, ever."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Hex16, Hex32, Label, Token


class SpanKind(StrEnum):
    """OpenTelemetry's span kinds, in lower case."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Record):
    """One finished span; times are nanoseconds since 1970 UTC."""

    trace_id: Hex32
    span_id: Hex16
    parent_span_id: Hex16 | None = None
    name: Label
    service: Token
    kind: SpanKind = SpanKind.INTERNAL
    start_ns: int = Field(ge=0)
    end_ns: int = Field(ge=0)
    error: Label | None = None
    request_id: UUID | None = None
    attributes: dict[Label, bool | int | float | Label] = Field(default_factory=dict, max_length=32)


class SpanRecorded(Event):
    """A batch of finished spans of one service."""

    kind: ClassVar[str] = "span.recorded"

    spans: tuple[Span, ...] = Field(min_length=1, max_length=512)


class TraceRead(Command):
    """Ask for all spans of the traces that a request took part in."""

    service: ClassVar[str] = "watch"
    verb: ClassVar[str] = "trace-read"

    request_id: UUID


class TraceReply(Reply):
    """The spans, ordered by start."""

    spans: tuple[Span, ...] = ()
