"""One provider call: its time-outs, its span, what it said and how it ended."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from opentelemetry.trace import Span, SpanKind, StatusCode

from services.router.domain import ErrorClass, Leg, estimated_tokens
from services.router.outbound import ClearedBody
from services.router.providers.base import Finished, Provider, ProviderError, Stage
from services.router.wire.chat import sources
from shared.contracts.completions import FinishReason
from shared.contracts.requests import ToolCall
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.telemetry import span

# OpenTelemetry's names for generative AI are not stable yet: they stand here only.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
OUTPUT_TOKENS_MAX: Final = "gen_ai.request.max_tokens"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
FINISH_REASON: Final = "gen_ai.response.finish_reason"
FIRST_TEXT: Final = "stellwerk.first_token_ms"
ATTEMPT_ID: Final = "stellwerk.attempt.id"
ERROR: Final = "error.type"
STATUS: Final = "http.response.status_code"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may be silent, in seconds: before its answer, and in the middle of it."""

    first_token_s_max: float
    idle_s_max: float


class Leaving:
    """Whether a request's caller has left; breaks off the call that is open then."""

    def __init__(self) -> None:
        self.has_left = False
        self._limit: asyncio.Timeout | None = None

    def leave(self) -> None:
        """Say that nobody waits any more. Whatever answer is whole by now stays one."""
        self.has_left = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def watch(self, limit: asyncio.Timeout | None) -> None:
        """End this time limit at once when the caller leaves; None when the call is over."""
        self._limit = limit
        if limit is not None and self.has_left:
            limit.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to be made. `deadline` is on the event loop's clock."""

    id: UUID
    leg: Leg
    body: ClearedBody
    stream: bool
    deadline: float
    leaving: Leaving = field(default_factory=Leaving)


@dataclass(slots=True)
class Heard:
    """What became of a call. `reason` is None if it did not lead to a whole answer."""

    attempt: Attempt
    text: str = field(default="", repr=False)
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)
    reason: FinishReason | None = None
    error_class: ErrorClass | None = None
    estimated: bool = False

    @property
    def is_cancelled(self) -> bool:
        return self.attempt.outcome is AttemptOutcome.CANCELLED


@dataclass(slots=True)
class _Notes:
    """What a call has brought so far."""

    started: float = field(default_factory=time.perf_counter)
    texts: list[str] = field(default_factory=list, repr=False)
    unsaid: list[str] = field(default_factory=list, repr=False)
    """What came of tool calls: written for money, and passed on only when it is whole."""
    first_token_ms: int | None = None
    finished: Finished | None = None
    error: ProviderError | None = None
    may_be_sent: bool = True
    has_left: bool = False
    """The call was broken off, because nobody waited for it any more."""

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.started) * 1000)


async def make(
    call: Call, provider: Provider, patience: Patience, say: Callable[[str], None]
) -> Heard:
    """Make one call and return what became of it; text is passed to `say` as it comes.

    Never raises for what a provider does. Cancelling it closes the connection.
    """
    model = call.leg.model
    facts: dict[str, bool | int | float | str] = {
        OPERATION: "chat",
        PROVIDER: model.provider,
        MODEL: model.name,
        OUTPUT_TOKENS_MAX: call.leg.output_tokens_max,
        ATTEMPT_ID: str(call.id),
    }
    notes = _Notes()
    with span(f"chat {model.name}", kind=SpanKind.CLIENT, attributes=facts) as active:
        try:
            await _listen(call, provider, patience, say, notes)
        except TimeoutError:
            notes.error = ProviderError(ErrorClass.TIMEOUT)
        except ProviderError as error:
            notes.error = error
        notes.has_left = call.leaving.has_left and notes.finished is None
        if notes.finished is not None or notes.has_left:
            notes.error = None  # What follows a whole answer takes nothing from it.
        heard = _heard(call, notes)
        _describe(active, heard, notes)
    return heard


async def _listen(
    call: Call, provider: Provider, patience: Patience, say: Callable[[str], None], notes: _Notes
) -> None:
    loop = asyncio.get_running_loop()
    # An answer that is not streamed says nothing before it is whole.
    first_s = patience.first_token_s_max if call.stream else call.deadline - loop.time()
    limit_at = min(loop.time() + first_s, call.deadline)
    async with (
        asyncio.timeout_at(limit_at) as limit,
        aclosing(provider.call(call.body, call.id, stream=call.stream)) as pieces,
    ):
        call.leaving.watch(limit)
        try:
            async for piece in pieces:
                if isinstance(piece, Stage):
                    notes.may_be_sent = piece is Stage.SENDING
                    continue
                if isinstance(piece, Finished):
                    notes.finished = piece
                    continue
                if notes.first_token_ms is None:
                    notes.first_token_ms = notes.elapsed_ms()
                notes.texts.append(piece.text)
                notes.unsaid.append(piece.unsaid)
                if piece.text:
                    say(piece.text)
                if not call.leaving.has_left:
                    limit.reschedule(min(loop.time() + patience.idle_s_max, call.deadline))
        finally:
            call.leaving.watch(None)


def _heard(call: Call, notes: _Notes) -> Heard:
    """Count what the call used: as the provider says, else by estimate, never as nothing."""
    text = "".join(notes.texts)
    calls = notes.finished.tool_calls if notes.finished else ()
    written = text + ("".join(notes.unsaid) or sources(calls))
    error_class = notes.error.error_class if notes.error else None
    counted = notes.finished.usage if notes.finished else None
    if counted is not None:
        tokens = counted.input_tokens, counted.output_tokens
    elif notes.finished is not None or written or _may_have_cost(notes):
        tokens = call.leg.input_tokens_max, estimated_tokens(written)
    else:
        tokens = 0, 0
    attempt = Attempt(
        id=call.id,
        model=call.leg.model.name,
        provider=call.leg.model.provider,
        outcome=_outcome(notes),
        error_class=error_class,
        duration_ms=notes.elapsed_ms(),
        first_token_ms=notes.first_token_ms,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
    )
    reason = notes.finished.reason if notes.finished else None
    return Heard(attempt, text, calls, reason, error_class, counted is None and any(tokens))


def _may_have_cost(notes: _Notes) -> bool:
    """Return whether the provider may have had the request, and have read all of it."""
    unheard = notes.error is not None and notes.error.error_class.may_have_cost
    return notes.may_be_sent and (notes.has_left or unheard)


def _outcome(notes: _Notes) -> AttemptOutcome:
    if notes.has_left:
        return AttemptOutcome.CANCELLED
    return AttemptOutcome.FAILED if notes.finished is None else AttemptOutcome.ANSWERED


def _describe(active: Span, heard: Heard, notes: _Notes) -> None:
    attempt = heard.attempt
    facts: dict[str, bool | int | float | str] = {
        INPUT_TOKENS: attempt.input_tokens,
        OUTPUT_TOKENS: attempt.output_tokens,
    }
    if heard.reason is not None:
        facts[FINISH_REASON] = heard.reason.value
    if attempt.first_token_ms is not None:
        facts[FIRST_TEXT] = attempt.first_token_ms
    if notes.has_left:
        facts[ERROR] = AttemptOutcome.CANCELLED.value
    if notes.error is not None:
        active.set_status(StatusCode.ERROR)
        facts[ERROR] = notes.error.error_class.value
        if notes.error.status is not None:
            facts[STATUS] = notes.error.status
    active.set_attributes(facts)
