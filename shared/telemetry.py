"""Traces and metrics: one span per hop, W3C context over the bus, no content anywhere.

Finished spans leave in batches on the bus (`span.recorded`), where `watch` keeps them, and by OTLP
as well where `OTEL_EXPORTER_OTLP_ENDPOINT` is set. The text of an exception never enters a span.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

from shared.contracts import traces

SPANS_BUFFERED_MAX: Final = 20_000
TRACEPARENT: Final = "traceparent"
REQUEST_ID: Final = "stellwerk.request.id"

MESSAGES: Final = Counter(
    "stellwerk_messages_total",
    "Messages by outcome. Rising retries name a dependency in trouble: read the service's log.",
    ["consumer", "outcome"],
)
BATCH_SECONDS: Final = Histogram(
    "stellwerk_batch_duration_seconds",
    "From taking a batch to acknowledging it. When it nears the ack wait, add replicas.",
    ["consumer"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
IN_HAND: Final = Gauge(
    "stellwerk_messages_in_hand",
    "Messages taken and not yet acknowledged. At its limit for long: add replicas.",
    ["consumer"],
)
SPANS_DROPPED: Final = Counter(
    "stellwerk_spans_dropped_total",
    "Spans lost because the bus was away for too long. Requests are not affected.",
)

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NO_PARENT: Final = Context()
_PLAIN: Final = (bool, int, float, str)
_KINDS: Final = {kind: traces.SpanKind(kind.name.lower()) for kind in SpanKind}
# One provider a process, replaced by `start_tracing`; until then spans go nowhere.
_tracer: trace.Tracer = trace.NoOpTracer()


class SpanBuffer(SpanProcessor):
    """Holds this process's finished spans until the bus takes them; full, it drops the oldest."""

    def __init__(self) -> None:
        self._spans: deque[ReadableSpan] = deque(maxlen=SPANS_BUFFERED_MAX)

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._spans) == SPANS_BUFFERED_MAX:
            SPANS_DROPPED.inc()
        self._spans.append(span)

    def take(self, count: int, service: str) -> tuple[traces.Span, ...]:
        """Remove and return the oldest spans, at most `count`, as contract records."""
        taken = (self._spans.popleft() for _ in range(min(count, len(self._spans))))
        return tuple(_as_record(finished, service) for finished in taken)


def start_tracing(service: str, replica: str) -> SpanBuffer:
    """Begin to record spans in this process and return the buffer that they gather in."""
    global _tracer  # noqa: PLW0603  OpenTelemetry's own global cannot be replaced in a test run.
    resource = Resource.create({"service.name": service, "service.instance.id": replica})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    buffer = SpanBuffer()
    provider.add_span_processor(buffer)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("stellwerk")
    return buffer


def begin(
    name: str,
    kind: SpanKind,
    *,
    traceparent: str | None,
    request_id: UUID | None = None,
    attributes: Mapping[str, bool | int | float | str] | None = None,
) -> Span:
    """Start the span of one hop, under the span that a message's header names; see `finish`."""
    parent = _PROPAGATOR.extract({TRACEPARENT: traceparent}, _NO_PARENT) if traceparent else None
    facts = dict(attributes or {})
    if request_id is not None:
        facts[REQUEST_ID] = str(request_id)
    return _tracer.start_span(name, parent or _NO_PARENT, kind, facts)


def finish(hop: Span, error: BaseException | None = None) -> None:
    """End a span, once; an error leaves its type behind and nothing else."""
    if not hop.is_recording():
        return
    if error is not None:
        hop.set_attribute("error.type", type(error).__name__)
        hop.set_status(StatusCode.ERROR)
    hop.end()


@contextmanager
def inside(hop: Span) -> Iterator[Span]:
    """Make `hop` the parent of what the block does, without ending it."""
    with trace.use_span(hop, record_exception=False, set_status_on_exception=False):
        yield hop


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, bool | int | float | str] | None = None,
) -> Iterator[Span]:
    """Time a block as a child of the running span. Attributes are names and numbers, never text."""
    outer = trace.get_current_span()
    facts = dict(attributes or {})
    if isinstance(outer, ReadableSpan) and outer.attributes and REQUEST_ID in outer.attributes:
        facts[REQUEST_ID] = str(outer.attributes[REQUEST_ID])
    active = _tracer.start_span(name, kind=kind, attributes=facts)
    failure: BaseException | None = None
    try:
        with inside(active):
            yield active
    except BaseException as error:
        failure = error
        raise
    finally:
        finish(active, failure)


def traceparent_of(hop: Span | None = None) -> str | None:
    """Return the W3C header that makes a message a child of `hop`, or of the running span."""
    context: SpanContext = (hop or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def _as_record(finished: ReadableSpan, service: str) -> traces.Span:
    attributes = dict(finished.attributes or {})
    request_id = attributes.pop(REQUEST_ID, None)
    error = attributes.get("error.type")
    # Constructed without validation: all of it is ours, and validating was half the cost of a span.
    return traces.Span.model_construct(
        trace_id=f"{finished.context.trace_id:032x}",
        span_id=f"{finished.context.span_id:016x}",
        parent_span_id=f"{finished.parent.span_id:016x}" if finished.parent else None,
        name=finished.name,
        service=service,
        kind=_KINDS[finished.kind],
        start_ns=finished.start_time or 0,
        end_ns=finished.end_time or 0,
        error=str(error) if error else None,
        request_id=UUID(str(request_id)) if request_id else None,
        attributes={key: value for key, value in attributes.items() if isinstance(value, _PLAIN)},
    )
