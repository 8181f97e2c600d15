"""One request of a caller, from its body to its answer, whole or streamed."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import Counter, Histogram

from services.gateway import store
from services.gateway.calls import Call, EventStream, Headers, WhileCallerStays
from services.gateway.dialects.base import Dialect, Incoming, Wanted
from services.gateway.domain import KnownKey
from services.gateway.errors import CallerLeft, Problem
from services.gateway.exchange import Exchange, Heard
from services.gateway.settings import Settings
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import RequestCancelled
from shared.contracts.values import keyed_request_id
from shared.db import Database
from shared.telemetry import TRACEPARENT, begin, finish, inside, traceparent_of
from stellwerk.answer import Answer, Ticket
from stellwerk.asking import GRACE_S, ticket_of
from stellwerk.errors import BusUnavailable, StellwerkError

# The names that the router's spans have too; see services/router/attempts.py.
OPERATION: Final = "gen_ai.operation.name"
MODEL: Final = "gen_ai.request.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
FIRST_TEXT: Final = "stellwerk.first_token_ms"
ERROR: Final = "error.type"

IDEMPOTENCY_KEY: Final = b"idempotency-key"
IDEMPOTENCY_KEY_LENGTH_MAX: Final = 255
CALLER_LEFT: Final = "caller-left"
STOPPED: Final = "gateway-stopped"
GIVEN_UP: Final = "bus-away"
PSEUDONYM_KEY_BYTES: Final = 32
_ANSWERED: Final = "answered"

REQUESTS: Final = Counter(
    "stellwerk_gateway_requests_total",
    "Requests by dialect and outcome. A rising code names its cure in docs/events.md.",
    ["dialect", "outcome"],
)
SECONDS: Final = Histogram(
    "stellwerk_gateway_request_duration_seconds",
    "From the head of a request to the end of its reply. Compare with the router's calls.",
    ["dialect"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)


@dataclass(slots=True)
class _Measure:
    """The span that is the root of a request's trace, and how the request has ended."""

    hop: Span = field(repr=False)
    started: float = field(default_factory=time.perf_counter)
    outcome: str | None = None

    def note_first_text(self) -> None:
        self.hop.set_attribute(FIRST_TEXT, round((time.perf_counter() - self.started) * 1000))

    def answered(self, answer: Answer) -> None:
        self.hop.set_attribute(INPUT_TOKENS, answer.usage.input_tokens)
        self.hop.set_attribute(OUTPUT_TOKENS, answer.usage.output_tokens)

    def fail(self, code: ErrorCode) -> None:
        self.outcome = code.value
        self.hop.set_attribute(ERROR, code.value)
        self.hop.set_status(StatusCode.ERROR)


@dataclass(slots=True)
class _Asked:
    """A request in hand. `sent` says that the bus may have it by now."""

    call: Call
    dialect: Dialect
    wanted: Wanted
    keyed: bool
    measure: _Measure
    sent: bool = False

    def cancelled(self, reason: str) -> RequestCancelled:
        return RequestCancelled.following(self.wanted.request, actor="gateway", reason=reason)


class Asking:
    """Asks for callers and tells them, each in its dialect."""

    def __init__(self, settings: Settings, exchange: Exchange) -> None:
        self._settings = settings
        self._exchange = exchange
        self._pseudonym_key = b""

    async def open(self, database: Database) -> None:
        """Read the key for pseudonyms, or make it; raises `DependencyDown`."""
        async with database.transaction() as tx:
            fresh = secrets.token_bytes(PSEUDONYM_KEY_BYTES)
            self._pseudonym_key = await store.pseudonym_key(tx, fresh)

    async def serve(self, call: Call, dialect: Dialect, known: KnownKey) -> None:
        """Answer a call; raises `Problem` while nothing is sent, and `CallerLeft`."""
        keyed = IDEMPOTENCY_KEY in call.headers
        if keyed:
            call.request_id = _keyed_id(call.headers[IDEMPOTENCY_KEY], known)
        with self._measured(call, dialect, known) as measure:
            body = await call.body(self._settings.body_bytes_max, self._settings.body_s_max)
            incoming = Incoming(
                body, call.headers, known.tenant, known.app, call.request_id, self._pseudonym_key
            )
            wanted = dialect.read(incoming)
            measure.hop.set_attribute(MODEL, wanted.request.model)
            measure.hop.set_attribute(OPERATION, wanted.request.operation.value)
            await self._ask(_Asked(call, dialect, wanted, keyed, measure))

    async def _ask(self, asked: _Asked) -> None:
        request = asked.wanted.request
        # The digest finds out that a key was used for another body; without a key none can.
        ticket = (
            ticket_of(request)
            if asked.keyed
            else Ticket(request.request_id, None, request.timeout_ms / 1000 + GRACE_S)
        )
        try:
            async with self._exchange.hearing(request, ticket) as heard:
                await (self._stream(asked, heard) if request.stream else self._whole(asked, heard))
        except StellwerkError as error:
            if isinstance(error, BusUnavailable) and error.unsure:
                self._give_up(asked)
            raise Problem.of(error) from error
        except CallerLeft:
            await self._let_go(asked, CALLER_LEFT)
            raise
        except asyncio.CancelledError:
            await self._let_go(asked, STOPPED)
            raise

    async def _whole(self, asked: _Asked, heard: Heard) -> None:
        async with WhileCallerStays(asked.call):
            await self._publish(asked, heard)
            answer = await heard.answer()
        asked.measure.answered(answer)
        body = asked.dialect.answer(asked.wanted, answer, int(time.time()))
        await asked.call.reply(200, _facts(answer), body)

    async def _stream(self, asked: _Asked, heard: Heard) -> None:
        out = EventStream(asked.call)
        writer = asked.dialect.stream(asked.wanted, int(time.time()))
        async with WhileCallerStays(asked.call):
            async with out.alive(self._settings.alive_every_s):
                try:
                    await self._publish(asked, heard)
                    streaming = heard.streaming()
                    if streaming is not None:
                        async with aclosing(streaming.pieces()) as pieces:
                            async for piece in pieces:
                                if not out.begun:
                                    asked.measure.note_first_text()
                                await out.write(writer.text(piece))
                        answer = await streaming.answer()
                    else:
                        answer = await heard.answer()
                        out.headers += _facts(answer)
                        if answer.text:
                            await out.write(writer.text(answer.text))
                except StellwerkError as error:
                    if not out.begun:
                        raise
                    if isinstance(error, BusUnavailable) and error.unsure:
                        self._give_up(asked)
                    problem = Problem.of(error)
                    asked.measure.fail(problem.code)
                    last = writer.failed(problem)
                else:
                    asked.measure.answered(answer)
                    last = writer.end(answer)
            await out.write(last)
        await out.close()

    async def _publish(self, asked: _Asked, heard: Heard) -> None:
        asked.sent = True
        await heard.publish(traceparent_of(asked.measure.hop) or "", self._settings.bus_wait_s_max)

    async def _let_go(self, asked: _Asked, reason: str) -> None:
        """Tell the router that nobody waits; who has a key may come back for the answer."""
        if asked.sent and not asked.keyed:
            with inside(asked.measure.hop):
                await self._exchange.cancel(asked.cancelled(reason))

    def _give_up(self, asked: _Asked) -> None:
        """Take back what the bus may have: its caller is told that it was not sent."""
        if not asked.keyed:
            with inside(asked.measure.hop):
                self._exchange.cancel_soon(asked.cancelled(GIVEN_UP))

    @contextmanager
    def _measured(self, call: Call, dialect: Dialect, known: KnownKey) -> Iterator[_Measure]:
        """Begin and end the span that is the root of a request's trace, and count the outcome."""
        hop = begin(
            f"{call.method} {call.path}",
            SpanKind.SERVER,
            traceparent=_traceparent(call),
            request_id=call.request_id,
            attributes={OPERATION: "chat", "sw.app": known.app},
        )
        measure, ended = _Measure(hop), False
        try:
            yield measure
            ended = True
        except Problem as problem:
            measure.fail(problem.code)
            raise
        except CallerLeft:
            measure.fail(ErrorCode.CANCELLED)
            raise
        except asyncio.CancelledError:
            measure.fail(ErrorCode.BUS_UNAVAILABLE)  # The end of a stop: see `Door`.
            raise
        finally:
            if not ended and measure.outcome is None:
                measure.fail(ErrorCode.INTERNAL)
            finish(hop)
            REQUESTS.labels(dialect.NAME, measure.outcome or _ANSWERED).inc()
            SECONDS.labels(dialect.NAME).observe(time.perf_counter() - measure.started)


def _keyed_id(key: bytes, known: KnownKey) -> UUID:
    if not 0 < len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX:
        param = IDEMPOTENCY_KEY.decode()
        sentence = f"`{param}` has 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} characters."
        raise Problem(ErrorCode.INVALID_REQUEST, sentence, param=param)
    return keyed_request_id(known.tenant, known.app, key.decode("latin-1"))


def _traceparent(call: Call) -> str | None:
    value = call.headers.get(TRACEPARENT.encode())
    return value.decode("latin-1") if value else None


def _facts(answer: Answer) -> Headers:
    facts = [
        (b"x-stellwerk-masked", str(answer.masked_count).encode()),
        (b"x-stellwerk-model", answer.model.encode()),
    ]
    if answer.masked_tools:
        facts.append((b"x-stellwerk-masked-tools", ",".join(answer.masked_tools).encode()))
    return facts
