"""Ends streamed answers of which a value was erased while they are under way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.redactor.streaming import Streams
from services.redactor.vault.scopes import Scopes

LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Open:
    scope: int
    codes: frozenset[str]
    until: datetime


class OpenStreams:
    """The streams of cases and conversations: they hold values in memory, so they are looked at."""

    def __init__(self, streams: Streams, scopes: Scopes) -> None:
        self._streams = streams
        self._scopes = scopes
        self._open: dict[UUID, _Open] = {}

    def note(self, request_id: UUID, scope: int, codes: frozenset[str], until: datetime) -> None:
        """Look at a stream until it ends, or its request's deadline is over.

        What it needs must be in the vault by now, or it would look as if it had been erased.
        """
        self._open[request_id] = _Open(scope, codes, until)

    async def look(self, at: datetime) -> None:
        """Forget each stream that could restore what was erased; its caller gets an error."""
        self._open = {
            request_id: one
            for request_id, one in self._open.items()
            if one.until > at and request_id in self._streams
        }
        if not self._open:
            return
        looked_at = list(self._open.items())  # Others may begin while the vault is asked.
        held = await self._scopes.values(one.scope for _, one in looked_at)
        for request_id, one in looked_at:
            if not one.codes <= held.get(one.scope, {}).keys():
                self._streams.forget(request_id)
