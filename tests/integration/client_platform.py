"""A stand-in for the services: takes requests off the bus and answers as a test says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

import nats
from nats.aio.client import Client as Bus
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from deploy.provision.bus import provision_bus
from shared.contracts.catalog import known_types, row_of, subject_of
from shared.contracts.completions import ChunkRestored, CompletionRestored, Outcome
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import RequestSubmitted, request_digest
from shared.contracts.stores import INBOX
from shared.contracts.traces import Span, SpanRecorded
from shared.contracts.values import Language, derived_id


@dataclass
class Taken:
    """One request as a service receives it."""

    request: RequestSubmitted
    headers: dict[str, str] = field(repr=False)


class ScriptedPlatform:
    """What the redactor does at both ends, without anything between them."""

    def __init__(self, bus: Bus, js: JetStreamContext) -> None:
        self._bus = bus
        self.js = js

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, seed_file: str | None = None) -> AsyncIterator[Self]:
        bus = await nats.connect(
            url,
            nkeys_seed=seed_file,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            error_cb=_quiet,
        )
        try:
            yield cls(bus, bus.jetstream())
        finally:
            await bus.close()

    async def provision(self) -> None:
        await provision_bus(self.js, replicas=1, apply=True)

    async def take(self) -> Taken:
        """Return the next request; the bus forgets it."""
        subscription = await self.js.pull_subscribe_bind("redactor-requests", INBOX.name)
        (message,) = await subscription.fetch(1, timeout=10)
        await message.ack_sync()
        await subscription.unsubscribe()
        request = decode(message.data, known_types(RequestSubmitted))
        assert isinstance(request, RequestSubmitted)
        return Taken(request, dict(message.headers or {}))

    async def waiting(self) -> int:
        return (await self.js.stream_info(INBOX.name)).state.messages

    async def answer(self, request: RequestSubmitted, text: str) -> None:
        await self._keep(
            CompletionRestored.following(
                request,
                outcome=Outcome.COMPLETION,
                text=text,
                request_sha256=request_digest(request),
            )
        )

    async def refuse(self, request: RequestSubmitted, code: ErrorCode) -> None:
        await self._keep(
            CompletionRestored.following(
                request,
                outcome=Outcome.REFUSED if code.is_refusal else Outcome.FAILED,
                error=ErrorDetail.of(code, Language.DANISH),
                language=Language.DANISH,
                request_sha256=request_digest(request),
            )
        )

    async def chunk(self, request: RequestSubmitted, sequence: int, text: str) -> None:
        await self._live(request, sequence, text=text)

    async def end(self, request: RequestSubmitted, count: int, text: str) -> None:
        digest = sha256(text.encode()).hexdigest()
        await self._live(request, count, end=True, sha256=digest)

    async def spans(self) -> list[Span]:
        """Return the spans of the next message that clients have sent."""
        subscription = await self.js.pull_subscribe_bind("watch-spans", "SW_META")
        (message,) = await subscription.fetch(1, timeout=10)
        await message.ack_sync()
        await subscription.unsubscribe()
        event = decode(message.data, known_types(SpanRecorded))
        assert isinstance(event, SpanRecorded)
        return list(event.spans)

    async def _live(self, request: RequestSubmitted, sequence: int, **data: object) -> None:
        identity = derived_id(request.id, f"chunk {sequence}")
        chunk = ChunkRestored.following(request, id=identity, sequence=sequence, **data)
        await self._bus.publish(subject_of(chunk), encode(chunk, "redactor"))
        await self._bus.flush()

    async def _keep(self, event: Event) -> None:
        # Published as the redactor does: subscribers get it live, and the stream keeps it.
        for _ in range(20):
            with suppress(NatsError):
                reply = await self._bus.request(
                    subject_of(event),
                    encode(event, "redactor"),
                    headers={"Nats-Msg-Id": str(event.id)},
                    timeout=0.5,
                )
                assert json.loads(reply.data)["stream"] == _stream_of(event)
                return
        raise AssertionError("the bus did not keep the result")


def _stream_of(event: Event) -> str:
    stream = row_of(type(event)).stream
    assert stream is not None
    return stream.name


async def _quiet(_error: Exception) -> None:
    """Say nothing: tests kill servers on purpose."""
