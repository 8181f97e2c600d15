"""Reads the spans of one request, and waits a moment for those that are still on their way."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.contracts.catalog import APP, COMMANDS, OPERATOR
from shared.contracts.traces import Span, TraceRead, TraceReply
from stellwerk.errors import NotFound
from stellwerk.operator import Operator
from stellwerk.rootspan import SERVICE as CLIENT

SETTLE_S: Final = 0.7
"""Spans leave a process four times a second and watch gathers them: this is twice their way."""
WAIT_S_MAX: Final = 6.0
EMPTY_WAIT_S_MAX: Final = 2.0
_LOOKS: Final = frozenset(
    f"{row.command.service} {row.command.verb}" for row in COMMANDS if row.callers == (OPERATOR,)
)
_NS_A_S: Final = 1_000_000_000


async def read_spans(operator: Operator, request_id: UUID) -> list[Span]:
    """Return the spans of a request; of a young one, once no more arrive.

    Raises `NotFound` when watch has none: after 7 days, or under an id that never was.
    """
    begun = time.monotonic()
    give_up_at = begun + WAIT_S_MAX
    spans: list[Span] = []
    while True:
        command = TraceRead(actor=OPERATOR, reason="trace", request_id=request_id)
        found = _of_request((await operator.ask(command, TraceReply)).spans)
        settled = len(found) == len(spans) and bool(found)
        spans = found
        if settled or _is_old(spans) or time.monotonic() >= give_up_at:
            break
        if not spans:
            give_up_at = min(give_up_at, begun + EMPTY_WAIT_S_MAX)
        await asyncio.sleep(SETTLE_S)
    if not spans:
        raise NotFound(
            f"There is no trace of {request_id}. Traces are kept for 7 days; compare the id with "
            "what `stellwerk ask` printed."
        )
    return spans


def _of_request(spans: Sequence[Span]) -> list[Span]:
    """Leave out the traces of those who looked at the request: they are not part of its way.

    What watch has from an app is the client's.
    """
    looks = {span.trace_id for span in spans if span.name in _LOOKS}
    return [
        span.model_copy(update={"service": CLIENT}) if span.service == APP else span
        for span in spans
        if span.trace_id not in looks
    ]


def _is_old(spans: list[Span]) -> bool:
    ended_ns = max((span.end_ns for span in spans), default=time.time_ns())
    return time.time_ns() - ended_ns > WAIT_S_MAX * _NS_A_S
