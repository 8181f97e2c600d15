"""Finds out whether the caller of a request that waited for this process has left meanwhile.

Cancellations are heard live. What was said before a router listened stands in the stream.
"""

from datetime import timedelta
from typing import Final

import nats.errors

from shared.bus.connection import Connection
from shared.contracts.catalog import row_of
from shared.contracts.requests import RequestCancelled, RequestRedacted
from shared.contracts.stores import META_LOG
from shared.contracts.values import now

ANSWER_S_MAX: Final = 1.0
LISTENS_AFTER: Final = timedelta(seconds=30)
"""From so long after its start a router has heard every cancellation, clocks that differ and all"""


class Missed:
    """Looks up what this process cannot have heard."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heard_since = now() + LISTENS_AFTER

    async def has_left(self, event: RequestRedacted) -> bool:
        """Return whether nobody waits; a bus that does not answer leaves the request as it is."""
        if event.time >= self._heard_since:
            return False
        place = f"{row_of(RequestCancelled).prefix}.{event.tenant}.{event.app}.{event.request_id}"
        subject = f"$JS.API.DIRECT.GET.{META_LOG.name}.{place}"
        try:
            kept = await self._connection.client.request(subject, timeout=ANSWER_S_MAX)
        except (nats.errors.Error, TimeoutError):
            return False
        return "Status" not in (kept.headers or {})
