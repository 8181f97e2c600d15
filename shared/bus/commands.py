"""Commands: request and reply, answered in batches, each batch in one transaction."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry.trace import Span, SpanKind
from pydantic import ValidationError

from shared.bus.connection import listen
from shared.bus.deliveries import outgoing
from shared.bus.outbox import Outbox
from shared.bus.publishing import Outgoing
from shared.contracts.catalog import CommandRow, command_row_of
from shared.contracts.commands import Command, Reply
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.db import Database
from shared.errors import BusError, DependencyDown, Transient
from shared.telemetry import TRACEPARENT, begin, finish, inside, traceparent_of

_log = logging.getLogger(__name__)

BATCH_MAX: Final = 256
WAITING_MAX: Final = 10_000
ERROR: Final = "Sw-Error"
AWAY: Final = "away"

Handler = Callable[..., Awaitable["Answered"]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command handler returns: one reply per command in order, and events for the outbox."""

    replies: Sequence[Reply]
    events: Sequence[Event] = ()


@dataclass(slots=True)
class _Asked:
    message: Msg = field(repr=False)
    command: Command
    hop: Span


@dataclass(eq=False)
class Commanding:
    """Answers one kind of command, as one member of its service's queue group."""

    service: str
    row: CommandRow
    handler: Handler
    client: Client
    database: Database | None
    outbox: Outbox | None
    _asked: deque[_Asked] = field(default_factory=deque, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _stopping: bool = field(default=False, init=False)
    _subscription: Any = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.row.subject

    @property
    def problem(self) -> str | None:
        return "not started" if self._subscription is None else None

    async def run(self) -> None:
        """Answer until `stop`; then leave the queue group first and answer what has arrived."""
        self._subscription = await listen(
            self.client, self.row.subject, self._take, queue=self.service
        )
        while not self._stopping or self._asked:
            if not self._asked:
                self._wake.clear()
                await self._wake.wait()
                continue
            count = min(BATCH_MAX, len(self._asked))
            await self._answer([self._asked.popleft() for _ in range(count)])

    async def stop(self) -> None:
        """Leave the group: nothing new comes, nothing that came is lost."""
        if self._subscription is not None:
            await self._subscription.drain()
        self._stopping = True
        self._wake.set()

    async def _take(self, message: Msg) -> None:
        try:
            command = self.row.command.model_validate_json(message.data)
        except ValidationError:
            await self._reply(message, error=ErrorCode.INVALID_REQUEST.value)
            return
        if len(self._asked) >= WAITING_MAX:
            await self._reply(message, error=ErrorCode.QUEUE_FULL.value)
            return
        traceparent = (message.headers or {}).get(TRACEPARENT)
        hop = begin(
            f"{command.service} {command.verb}",
            SpanKind.SERVER,
            traceparent=traceparent,
            # Who looks a request up from outside is no part of it: each look would otherwise
            # become one more of its traces.
            request_id=getattr(command, "request_id", None) if traceparent else None,
            attributes={"messaging.system": "nats", "messaging.destination.name": self.row.subject},
        )
        self._asked.append(_Asked(message, command, hop))
        self._wake.set()

    async def _answer(self, asked: list[_Asked]) -> None:
        try:
            replies, messages = await self._handle(asked)
        except DependencyDown as error:
            await self._apologise(asked, AWAY, error)
        except BusError as error:
            await self._apologise(asked, ErrorCode.INTERNAL.value, error)
        except Exception as error:
            _log.exception("command failed", extra={"facts": {"subject": self.row.subject}})
            await self._apologise(asked, ErrorCode.INTERNAL.value, error)
        else:
            for one, reply in zip(asked, replies, strict=True):
                await self._reply(one.message, reply.model_dump_json(exclude_none=True).encode())
                finish(one.hop)
            if self.outbox is not None:
                await self.outbox.publish(messages)

    async def _handle(self, asked: list[_Asked]) -> tuple[Sequence[Reply], list[Outgoing]]:
        commands = [one.command for one in asked]
        if self.database is None or self.outbox is None:
            with inside(asked[0].hop):
                answered = await self.handler(commands)
                _check_complete(commands, answered)
                return answered.replies, []
        hops = {one.command.id: one.hop for one in asked}
        async with self.database.transaction() as tx:
            answered = await self.handler(commands, tx)
            _check_complete(commands, answered)
            messages = [self._effect(event, hops) for event in answered.events]
            await self.outbox.put(tx, messages)
        return answered.replies, messages

    def _effect(self, event: Event, hops: dict[Any, Span]) -> Outgoing:
        message = outgoing(event, self.service, None)
        hop = hops.get(event.cause)
        header = traceparent_of(hop) if hop else None
        headers = {TRACEPARENT: header} if header else {}
        return Outgoing(message.id, message.subject, message.payload, headers)

    async def _apologise(self, asked: list[_Asked], code: str, error: BaseException) -> None:
        for one in asked:
            await self._reply(one.message, error=code)
            finish(one.hop, error)

    async def _reply(self, message: Msg, payload: bytes = b"", error: str | None = None) -> None:
        # An answer that cannot be sent is asked for again, with the same effect.
        if message.reply:
            headers = {ERROR: error} if error else None
            with suppress(nats.errors.Error):
                await self.client.publish(message.reply, payload, headers=headers)


def _check_complete(commands: Sequence[Command], answered: Answered) -> None:
    """Raise before anything is committed if not every command has its reply, in order."""
    if [reply.id for reply in answered.replies] != [command.id for command in commands]:
        raise ValueError("a command handler must return one reply per command, in order")


async def ask(client: Client, command: Command, timeout_s: float) -> Reply:
    """Send a command and return its reply.

    Raises `DependencyDown` naming the service when it is not there, does not answer in time, or
    waits for something itself; asking again with the same command is safe. Raises `Transient` when
    the service says that it could not do it.
    """
    row = command_row_of(type(command))
    header = traceparent_of()
    try:
        message = await client.request(
            row.subject,
            command.model_dump_json(exclude_none=True).encode(),
            timeout=timeout_s,
            headers={TRACEPARENT: header} if header else None,
        )
    except (nats.errors.Error, TimeoutError) as error:
        raise DependencyDown(row.command.service) from error
    code = (message.headers or {}).get(ERROR)
    if code == AWAY:
        raise DependencyDown(row.command.service)
    if code is not None:
        raise Transient(f"{row.command.service} answered {code}")
    return row.reply.model_validate_json(message.data)
