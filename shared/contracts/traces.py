"""Spans: where one request's time went. No content, ever."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Hex16, Hex32, Label, Token

_NS_A_MS: Final = 1_000_000


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


@dataclass(frozen=True, slots=True)
class Line:
    """One span in its place: how deep below the root, and when, in ms after the trace began."""

    span: Span
    depth: int
    start_ms: float
    duration_ms: float


def lines_of(spans: Sequence[Span]) -> list[Line]:
    """Return the spans as a tree, each below its parent and in the order they began.

    A span whose parent is not here stands at the top: its parent was lost, or is still running.
    """
    if not spans:
        return []
    begun_ns = min(span.start_ns for span in spans)
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda each: (each.start_ns, each.end_ns)):
        parent = span.parent_span_id if span.parent_span_id in known else None
        children[parent].append(span)

    def below(parent: str | None, depth: int) -> Iterator[Line]:
        for span in children[parent]:
            start_ms = (span.start_ns - begun_ns) / _NS_A_MS
            yield Line(span, depth, start_ms, (span.end_ns - span.start_ns) / _NS_A_MS)
            yield from below(span.span_id, depth + 1)

    return list(below(None, 0))
