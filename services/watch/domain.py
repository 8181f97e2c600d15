"""Decides which spans are believed, and how many of them fit into a reply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from shared.contracts.catalog import APP, SERVICES
from shared.contracts.traces import Span, SpanRecorded

INTEGER_MAX: Final = 2**63 - 1
"""The largest number that the database and its JSON keep exactly; as a time, the year 2262."""
REPLY_BYTES_MAX: Final = 768 * 1024
"""What fits into one message of the bus, with room for its envelope."""
SPAN_BYTES: Final = 320
"""What a span takes in a reply besides its name and attributes."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A span with who really sent it."""

    span: Span
    service: str
    tenant: str
    app: str

    @property
    def end_ns(self) -> int:
        """Return the end; a clock that was set back meanwhile makes no negative duration."""
        return max(self.span.start_ns, self.span.end_ns)


def witnesses(event: SpanRecorded) -> list[Witness]:
    """Return the spans of an event under the name of their sender.

    Only the subject says who sent an event, and NATS enforces that; what a span says of itself is
    a claim. So a service's spans bear the service's name, and an app's spans bear `app`, whatever
    they claim. Spans from beyond the year 2262 are left out.
    """
    service = event.app if event.app in SERVICES else APP
    return [
        Witness(span, service, event.tenant, event.app)
        for span in event.spans
        if max(span.start_ns, span.end_ns) <= INTEGER_MAX
    ]


def storable(span: Span) -> dict[str, bool | int | float | str]:
    """Return the attributes that JSON can hold: it knows no infinity and no endless integers."""
    return {name: value for name, value in span.attributes.items() if _fits_json(value)}


def _fits_json(value: bool | float | str) -> bool:  # noqa: FBT001
    if isinstance(value, str):
        return True
    return isfinite(value) if isinstance(value, float) else abs(value) <= INTEGER_MAX


def what_fits(spans: Sequence[Span]) -> Sequence[Span]:
    """Return the first spans that fit into one reply."""
    left = REPLY_BYTES_MAX
    for count, span in enumerate(spans):
        left -= SPAN_BYTES + len(span.name) + _size(span.attributes.items())
        if left < 0:
            return spans[:count]
    return spans


def _size(attributes: Iterable[tuple[str, object]]) -> int:
    return sum(len(name) + len(str(value)) + 6 for name, value in attributes)
