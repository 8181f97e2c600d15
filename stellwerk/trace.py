"""Reads the spans of one request, and waits a moment for those that are still on their way."""

import asyncio
import time
from typing import Final
from uuid import UUID

from shared.contracts.catalog import OPERATOR
from shared.contracts.traces import Span, TraceRead, TraceReply
from stellwerk.errors import NotFound
from stellwerk.operator import Operator

SETTLE_S: Final = 0.7
"""Spans leave a process four times a second and watch gathers them: this is twice their way."""
WAIT_S_MAX: Final = 6.0
_NS_A_S: Final = 1_000_000_000


async def read_spans(operator: Operator, request_id: UUID) -> list[Span]:
    """Return the spans of a request; of a young one, once no more arrive.

    Raises `NotFound` when watch has none: after 7 days, or under an id that never was.
    """
    give_up_at = time.monotonic() + WAIT_S_MAX
    spans: list[Span] = []
    while True:
        command = TraceRead(actor=OPERATOR, reason="trace", request_id=request_id)
        found = list((await operator.ask(command, TraceReply)).spans)
        settled = len(found) == len(spans) and bool(found)
        spans = found
        if settled or _is_old(spans) or time.monotonic() >= give_up_at:
            break
        await asyncio.sleep(SETTLE_S)
    if not spans:
        raise NotFound(
            f"There is no trace of {request_id}. Traces are kept for 7 days; compare the id with "
            "what `stellwerk ask` printed."
        )
    return spans


def _is_old(spans: list[Span]) -> bool:
    ended_ns = max((span.end_ns for span in spans), default=time.time_ns())
    return time.time_ns() - ended_ns > WAIT_S_MAX * _NS_A_S
