"""One request on the bus and its result, heard live by this replica alone or looked up.

Each request has subscriptions of its own, so that of N gateways only the one that waits receives
an answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared.bus.connection import Connection
from shared.contracts.catalog import row_of
from shared.contracts.completions import ChunkRestored, CompletionRestored
from shared.contracts.event import Event, RequestEvent
from shared.contracts.requests import RequestCancelled, RequestSubmitted
from shared.errors import DependencyDown
from stellwerk.answer import Answer, Ticket
from stellwerk.connection import NoReply
from stellwerk.delivery import Mailbox, delivered
from stellwerk.errors import BusUnavailable
from stellwerk.exchange import look_up, publish
from stellwerk.stream import Streaming
from stellwerk.waiting import result_of

_log = logging.getLogger(__name__)

SERVICE: Final = "gateway"

Publish = Callable[[Sequence[Event]], Awaitable[None]]


class Heard:
    """A request that the bus has: wait for its `answer`, or read its `pieces` first."""

    def __init__(
        self, exchange: "Exchange", request: RequestSubmitted, ticket: Ticket, mailbox: Mailbox
    ) -> None:
        self._exchange = exchange
        self._request = request
        self._ticket = ticket
        self._mailbox = mailbox
        self._found: CompletionRestored | None = None

    async def publish(self, traceparent: str, wait_s_max: float) -> None:
        """Put the request on the bus for certain; raises a `NotSent`."""
        bus, request = self._exchange, self._request
        there = await publish(bus, request, traceparent, source=SERVICE, wait_s_max=wait_s_max)
        if there:
            self._found = await self.look_up()

    async def answer(self) -> Answer:
        """Return the answer; raises a `NoAnswer`."""
        result = self._found or await result_of(self._mailbox, self.look_up, self._ticket)
        return Answer.of(result, self._ticket.request_sha256)

    def streaming(self) -> Streaming | None:
        """Return the live stream of the answer; None if the whole answer is there already."""
        if self._found is not None:
            return None
        return Streaming(self._mailbox, self.look_up, self._ticket)

    async def look_up(self) -> CompletionRestored | None:
        request = self._request
        return await look_up(self._exchange, request.tenant, request.app, request.request_id)


class Exchange:
    """Asks over the connection of the service, in the name of whichever app has called."""

    def __init__(self, connection: Connection, publish: Publish) -> None:
        """Ask over `connection`; `publish` stores an event for certain."""
        self._connection = connection
        self._publish = publish
        self._mailboxes: set[Mailbox] = set()
        self._returned = asyncio.Event()
        self._linked = asyncio.Event()
        self._cancelling: set[asyncio.Task[None]] = set()
        connection.on_reconnect.append(self._returned)

    @asynccontextmanager
    async def hearing(self, request: RequestSubmitted, ticket: Ticket) -> AsyncIterator[Heard]:
        """Listen for the result of a request that is published inside the block."""
        mailbox = Mailbox()
        subscriptions: list[Subscription] = []
        self._mailboxes.add(mailbox)
        try:
            subscriptions.append(await self._result(request, mailbox))
            if request.stream:
                subscriptions.append(await self._chunks(request, mailbox))
            yield Heard(self, request, ticket, mailbox)
        except nats.errors.ConnectionClosedError:
            raise BusUnavailable(request_id=request.request_id) from None
        finally:
            self._mailboxes.discard(mailbox)
            for subscription in subscriptions:
                # Whose link is away is subscribed to nothing.
                with suppress(nats.errors.Error):
                    await subscription.unsubscribe()

    async def _result(self, request: RequestSubmitted, mailbox: Mailbox) -> Subscription:
        """Listen for the one result: a future costs less than the task of a callback."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: _put(mailbox, done.result()))
        # A second message would be set on a future that is done, and end the connection's reading.
        return await self._connection.client.subscribe(
            _place(CompletionRestored, request), future=future, max_msgs=1
        )

    async def _chunks(self, request: RequestSubmitted, mailbox: Mailbox) -> Subscription:
        async def take(message: Msg) -> None:
            _put(mailbox, message)

        return await self._connection.client.subscribe(_place(ChunkRestored, request), cb=take)

    async def linked(self, wait_s: float) -> bool:
        """Return whether the link is up, now or within `wait_s`."""
        if not self._connection.is_up:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._linked.wait()
        return self._connection.is_up

    async def ask(
        self, subject: str, payload: bytes, wait_s: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """Return the reply to a message; raise `NoReply` if none came."""
        try:
            return await self._connection.client.request(
                subject, payload, timeout=wait_s, headers=headers
            )
        except (nats.errors.Error, TimeoutError) as error:
            raise NoReply from error

    async def cancel(self, event: RequestCancelled) -> None:
        """Say that nobody waits for a request any more; what the bus does not take is let go."""
        try:
            await self._publish([event])
        except DependencyDown:
            # Without a bus the call is not broken off; its answer is kept for an hour and paid.
            facts = {"request_id": str(event.request_id)}
            _log.warning("a cancellation was not sent", extra={"facts": facts})

    def cancel_soon(self, event: RequestCancelled) -> None:
        """Say it as soon as that can be, while the caller hears why."""
        task = asyncio.create_task(self.cancel(event))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def follow(self) -> None:
        """Have whoever waits look its result up after each return of the link, until cancelled."""
        while True:
            await self._returned.wait()
            self._returned.clear()
            linked, self._linked = self._linked, asyncio.Event()
            linked.set()
            for mailbox in self._mailboxes:
                mailbox.put(None)


def _place(event: type[RequestEvent], request: RequestSubmitted) -> str:
    """Return the subject of an event of this request alone."""
    return f"{row_of(event).prefix}.{request.tenant}.{request.app}.{request.request_id}"


def _put(mailbox: Mailbox, message: Msg) -> None:
    event = delivered(message)
    if event is not None:
        mailbox.put(event)
