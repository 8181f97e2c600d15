"""The client's own span: the root of a request's trace, sent to the bus without any content."""

import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from shared.contracts.traces import Span, SpanKind
from stellwerk.errors import InvalidRequest

SERVICE: Final = "client"
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(slots=True)
class RootSpan:
    """One operation of the client, from the call to its result."""

    name: str
    request_id: UUID
    trace_id: str
    parent_span_id: str | None
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    start_ns: int = field(default_factory=time.time_ns)

    @classmethod
    def begin(cls, name: str, request_id: UUID, traceparent: str | None) -> "RootSpan":
        """Start a trace, or continue the caller's."""
        if traceparent is None:
            return cls(name, request_id, trace_id=secrets.token_hex(16), parent_span_id=None)
        caller = _TRACEPARENT.fullmatch(traceparent)
        if caller is None:
            raise InvalidRequest(
                "`traceparent` is not a W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>."
            )
        return cls(name, request_id, trace_id=caller[1], parent_span_id=caller[2])

    @property
    def traceparent(self) -> str:
        """Return the header that makes the platform's spans children of this one."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    def finished(self, error: str | None, attributes: dict[str, str | int | bool]) -> Span:
        """Return the span as it ends now; `error` is a code."""
        return Span(
            trace_id=self.trace_id,
            span_id=self.span_id,
            parent_span_id=self.parent_span_id,
            name=self.name,
            service=SERVICE,
            kind=SpanKind.CLIENT,
            start_ns=self.start_ns,
            end_ns=time.time_ns(),
            error=error,
            request_id=self.request_id,
            attributes=dict(attributes),
        )
