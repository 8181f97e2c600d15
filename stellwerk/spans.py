"""Sends the client's finished spans in batches; a lost one costs a line in a trace, no more."""

import asyncio
from collections import deque
from typing import Final

from shared.contracts.catalog import APP, subject_of
from shared.contracts.event import encode
from shared.contracts.traces import Span, SpanRecorded
from stellwerk.connection import Connection

_COLLECT_S: Final = 0.1
_BATCH_MAX: Final = 256
_WAITING_MAX: Final = 4096


class SpanSender:
    """Collects spans for a moment and sends them together."""

    def __init__(self, connection: Connection, tenant: str, app: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self._app = app
        self._waiting: deque[Span] = deque(maxlen=_WAITING_MAX)
        self._sending: asyncio.Task[None] | None = None
        self._ended = False

    def add(self, span: Span) -> None:
        """Take a finished span; after the end, nobody would send it."""
        if self._ended:
            return
        self._waiting.append(span)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_soon())

    async def end(self) -> None:
        """Send what is waiting, and take no more."""
        self._ended = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._send()

    async def _send_soon(self) -> None:
        await asyncio.sleep(_COLLECT_S)
        await self._send()

    async def _send(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), _BATCH_MAX)
            spans = tuple(self._waiting.popleft() for _ in range(count))
            event = SpanRecorded(tenant=self._tenant, app=self._app, spans=spans)
            headers = {"Nats-Msg-Id": str(event.id)}
            await self._connection.tell(subject_of(event), encode(event, source=APP), headers)
