"""The Python client: ask over the bus, wait for the answer, stream it, or collect it later."""

import ssl
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack
from uuid import UUID

from shared.contracts.catalog import row_of
from shared.contracts.completions import ChunkRestored, CompletionRestored
from shared.contracts.requests import RequestSubmitted
from stellwerk.answer import Answer, Ticket
from stellwerk.asking import Messages, Options, request_of, ticket_of
from stellwerk.batches import embedded, translated
from stellwerk.connection import Connection, Identity
from stellwerk.delivery import Delivery
from stellwerk.errors import StellwerkError
from stellwerk.exchange import look_up, publish
from stellwerk.rootspan import RootSpan
from stellwerk.spans import SpanSender
from stellwerk.stream import AnswerStream, Streaming
from stellwerk.waiting import LookUp, result_of


class Client:
    """One internal app on the bus. Open it once with `async with`, and share it between tasks.

    `seed_file` holds the app's NKEY seed. The connection comes back by itself after any outage,
    and no accepted request is lost meanwhile; `connect_wait_s` limits the first one only.
    """

    def __init__(
        self,
        address: str = "nats://127.0.0.1:4222",
        *,
        app: str,
        tenant: str = "default",
        seed_file: Path | str | None = None,
        tls: ssl.SSLContext | None = None,
        connect_wait_s: float = 5.0,
    ) -> None:
        self._tenant = tenant
        self._app = app
        self._delivery = Delivery()
        self._connection = Connection(
            Identity(
                address=address,
                seed_file=Path(seed_file) if seed_file is not None else None,
                inbox=f"_INBOX.app-{tenant}-{app}",
                tls=tls,
                connect_wait_s=connect_wait_s,
            ),
            self._delivery.wake_all,
        )
        self._spans = SpanSender(self._connection, tenant, app)

    async def __aenter__(self) -> Self:
        """Connect; raise `BusUnavailable` or `NotAllowed` if that cannot be."""
        await self._connection.open()
        try:
            for event in (CompletionRestored, ChunkRestored):
                subject = f"{row_of(event).prefix}.{self._tenant}.{self._app}.*"
                await self._connection.subscribe(subject, self._delivery.message)
        except StellwerkError:
            await self._connection.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send what is waiting and disconnect."""
        await self._spans.end()
        await self._connection.close()

    async def complete(self, messages: Messages, **options: Unpack[Options]) -> Answer:
        """Ask and return the answer.

        Raises a `NotSent` when the request did not get onto the bus, `Refused` or `Failed` with
        the platform's reason, `Conflict` when the idempotency key was used with another body, and
        `StillWaiting` when there is no result in time: `collect` takes it later.
        """
        request = self._request(messages, stream=False, options=options)
        root = RootSpan.begin("complete", request.request_id, options.get("traceparent"))
        ticket = ticket_of(request)
        with self._traced(root, request), self._delivery.mailbox(ticket.request_id) as mailbox:
            find = self._finder(ticket)
            already_there = await publish(self._connection, request, root.traceparent)
            result = await find() if already_there else None
            return Answer.of(
                result or await result_of(mailbox, find, ticket), ticket.request_sha256
            )

    async def embed(
        self, texts: Sequence[str], *, purpose: str = "document", **options: Unpack[Options]
    ) -> list[list[float]]:
        """Return one vector for each text, all made by one model.

        Texts are masked like any others. More than one answer has room for go in several requests;
        an idempotency key stands for all of them. Raises what `complete` raises, and `NoAnswer` if
        two models shared the work: name one by `model`, for their vectors cannot be compared.
        """
        return await embedded(self.complete, texts, {**options, "embedding_purpose": purpose})

    async def translate(
        self, texts: Sequence[str], into: str, **options: Unpack[Options]
    ) -> list[str]:
        """Return each text in the language `into`, such as `de`, with the real names in it.

        Many texts go in several requests, and one by one to a model that only chats. Raises what
        `complete` raises.
        """
        return await translated(self.complete, texts, {**options, "target_language": into})

    def stream(self, messages: Messages, **options: Unpack[Options]) -> AnswerStream:
        """Ask, and return the answer as a stream; the first step of iterating publishes."""
        request = self._request(messages, stream=True, options=options)
        root = RootSpan.begin("stream", request.request_id, options.get("traceparent"))
        return AnswerStream(ticket_of(request), self._pieces(request, root), self.collect)

    async def submit(self, messages: Messages, **options: Unpack[Options]) -> Ticket:
        """Ask without waiting; once this returns, the request cannot be lost."""
        request = self._request(messages, stream=False, options=options)
        root = RootSpan.begin("submit", request.request_id, options.get("traceparent"))
        with self._traced(root, request):
            await publish(self._connection, request, root.traceparent)
        return ticket_of(request)

    async def collect(self, ticket: Ticket | UUID) -> Answer:
        """Return the answer of an earlier request, up to an hour after it was given.

        Raises what `complete` raises after publishing. From a bare id it cannot tell a `Conflict`.
        """
        if isinstance(ticket, UUID):
            ticket = Ticket(ticket)
        find = self._finder(ticket)
        with self._delivery.mailbox(ticket.request_id) as mailbox:
            result = await find() or await result_of(mailbox, find, ticket)
        return Answer.of(result, ticket.request_sha256)

    async def _pieces(self, request: RequestSubmitted, root: RootSpan) -> AsyncGenerator[str]:
        ticket = ticket_of(request)
        with self._traced(root, request), self._delivery.mailbox(ticket.request_id) as mailbox:
            find = self._finder(ticket)
            already_there = await publish(self._connection, request, root.traceparent)
            found = await find() if already_there else None
            if found is not None:
                yield Answer.of(found, ticket.request_sha256).text
                return
            async for text in Streaming(mailbox, find, ticket).pieces():
                yield text

    def _request(self, messages: Messages, *, stream: bool, options: Options) -> RequestSubmitted:
        return request_of(messages, self._tenant, self._app, stream=stream, **options)

    def _finder(self, ticket: Ticket) -> LookUp:
        return lambda: look_up(self._connection, self._tenant, self._app, ticket.request_id)

    @contextmanager
    def _traced(self, root: RootSpan, request: RequestSubmitted) -> Iterator[None]:
        """Send the client's own span when the operation ends, with the code of its error."""
        error: str | None = None
        try:
            yield
        except StellwerkError as caught:
            error = str(caught.code or "not_sent")
            raise
        finally:
            attributes = {"sw.app": self._app, "gen_ai.request.model": request.model}
            self._spans.add(root.finished(error, {**attributes, "sw.stream": request.stream}))
