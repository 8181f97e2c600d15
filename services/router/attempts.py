"""One provider call: its time-outs, its span, what it said and how it ended."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from opentelemetry.trace import Span, SpanKind, StatusCode

from services.router.answer import Answer, BrokenAnswerError, Whole
from services.router.domain import Leg
from services.router.faults import ErrorClass
from services.router.providers.base import (
    ClearedRequest,
    Ended,
    Limits,
    Provider,
    ProviderError,
    Stage,
)
from services.router.sizing import estimated_tokens
from shared.contracts.completions import TokenUsage, UsageSource
from shared.contracts.requests import Operation
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


FIRST_SHARE: Final = 0.6
"""Of the time that is left, for a model that has others behind it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may be silent, in seconds: before its answer, and in the middle of it."""

    first_token_s_max: float
    idle_s_max: float

    def first_s(self, left_s: float, *, stream: bool, others: int) -> float:
        """Return how long to wait for the beginning of an answer.

        With `others` still to try, one model gets no more than its share of the time that is left:
        a fallback that begins at the deadline helps nobody. An answer that is not streamed says
        nothing before it is whole, so alone it gets all the time there is.
        """
        share_s = left_s if others == 0 else left_s * FIRST_SHARE
        return min(self.first_token_s_max, share_s) if stream else share_s


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

    async def rest(self, seconds: float) -> None:
        """Sleep so long, or until the caller leaves."""
        if seconds <= 0 or self.has_left:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                self.watch(limit)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self.watch(None)

    def watch(self, limit: asyncio.Timeout | None) -> None:
        """End this time limit at once when the caller leaves; None when the call is over."""
        self._limit = limit
        if limit is not None and self.has_left:
            limit.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to be made. `deadline` is on the event loop's clock.

    `others` is how many models could still be tried after it, `messages` how many it answers.
    """

    id: UUID
    leg: Leg
    request: ClearedRequest
    deadline: float
    others: int = 0
    operation: Operation = Operation.CHAT
    messages: int = 1
    leaving: Leaving = field(default_factory=Leaving)


@dataclass(slots=True)
class Heard:
    """What became of a call. `whole` is None if it did not lead to a whole answer."""

    attempt: Attempt
    text: str = field(default="", repr=False)
    whole: Whole | None = field(default=None, repr=False)
    error_class: ErrorClass | None = None
    limits: Limits | None = None
    retry_after_s: float | None = None

    @property
    def is_cancelled(self) -> bool:
        return self.attempt.outcome is AttemptOutcome.CANCELLED

    @property
    def estimated(self) -> bool:
        return self.attempt.usage_source is UsageSource.ESTIMATED


@dataclass(slots=True)
class _Notes:
    """What a call has brought so far."""

    answer: Answer
    started: float = field(default_factory=time.perf_counter)
    first_token_ms: int | None = None
    whole: Whole | None = field(default=None, repr=False)
    error: ProviderError | None = None
    limits: Limits | None = None
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
        OPERATION: call.operation.value,
        PROVIDER: model.provider,
        MODEL: model.name,
        OUTPUT_TOKENS_MAX: call.leg.output_tokens_max,
        ATTEMPT_ID: str(call.id),
    }
    notes = _Notes(Answer(call.operation, call.messages))
    with span(f"{call.operation} {model.name}", kind=SpanKind.CLIENT, attributes=facts) as active:
        try:
            await _listen(call, provider, patience, say, notes)
        except TimeoutError:
            notes.error = ProviderError(ErrorClass.TIMEOUT)
        except BrokenAnswerError:
            notes.error = ProviderError(ErrorClass.BROKEN)
        except ProviderError as error:
            notes.error = error
        notes.has_left = call.leaving.has_left and notes.whole is None
        if notes.whole is not None or notes.has_left:
            notes.error = None  # What follows a whole answer takes nothing from it.
        heard = _heard(call, notes)
        _describe(active, heard, notes)
    return heard


async def _listen(
    call: Call, provider: Provider, patience: Patience, say: Callable[[str], None], notes: _Notes
) -> None:
    loop, answer = asyncio.get_running_loop(), notes.answer
    left_s = call.deadline - loop.time()
    first_s = patience.first_s(left_s, stream=call.request.stream, others=call.others)
    async with (
        asyncio.timeout_at(loop.time() + first_s) as limit,
        aclosing(provider.call(call.request, call.id)) as pieces,
    ):
        call.leaving.watch(limit)
        try:
            async for piece in pieces:
                if isinstance(piece, Stage):
                    notes.may_be_sent = piece is Stage.SENDING
                    continue
                if isinstance(piece, Limits):
                    notes.limits = piece
                    continue
                if text := answer.add(piece):
                    say(text)
                if isinstance(piece, Ended):
                    # Counted now: what a slow farewell brings takes nothing from a whole answer.
                    notes.whole = answer.whole()
                if notes.first_token_ms is None and answer.has_begun:
                    notes.first_token_ms = notes.elapsed_ms()
                if not call.leaving.has_left:
                    limit.reschedule(min(loop.time() + patience.idle_s_max, call.deadline))
            notes.whole = notes.whole or answer.whole()
        finally:
            call.leaving.watch(None)


def _heard(call: Call, notes: _Notes) -> Heard:
    """Count what the call used: as the provider says, else by estimate, never as nothing."""
    usage = _usage(call, notes)
    model = call.leg.model
    attempt = Attempt(
        id=call.id,
        model=model.name,
        provider=model.provider,
        outcome=_outcome(notes),
        error_class=notes.error.error_class.value if notes.error else None,
        duration_ms=notes.elapsed_ms(),
        first_token_ms=notes.first_token_ms,
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        cache_read_tokens=usage.cache_read_tokens if usage else 0,
        cache_write_tokens=usage.cache_write_tokens if usage else 0,
        reasoning_tokens=usage.reasoning_tokens if usage else 0,
        characters=usage.characters if usage else 0,
        usage_source=usage.source if usage else None,
        region=model.region,
        residency=model.residency,
    )
    error = notes.error
    return Heard(
        attempt=attempt,
        text=notes.answer.text,
        whole=notes.whole,
        error_class=error.error_class if error else None,
        limits=(error.limits if error else None) or notes.limits,
        retry_after_s=error.retry_after_s if error else None,
    )


def _usage(call: Call, notes: _Notes) -> TokenUsage | None:
    """Return what is counted; None where nothing was used."""
    if notes.whole is not None and notes.whole.usage is not None:
        return notes.whole.usage
    written = notes.answer.written
    if notes.whole is None and not written and not _may_have_cost(notes):
        return None
    leg = call.leg
    return TokenUsage(
        input_tokens=leg.input_tokens_max,
        # Never more than was held: what a model can write was limited in the request.
        output_tokens=min(estimated_tokens(written), leg.output_tokens_max),
        characters=leg.characters_max,
        source=UsageSource.ESTIMATED,
    )


def _may_have_cost(notes: _Notes) -> bool:
    """Return whether the provider may have had the request, and have read all of it."""
    unheard = notes.error is not None and notes.error.error_class.may_have_cost
    return notes.may_be_sent and (notes.has_left or unheard)


def _outcome(notes: _Notes) -> AttemptOutcome:
    if notes.has_left:
        return AttemptOutcome.CANCELLED
    return AttemptOutcome.FAILED if notes.whole is None else AttemptOutcome.ANSWERED


def _describe(active: Span, heard: Heard, notes: _Notes) -> None:
    attempt = heard.attempt
    facts: dict[str, bool | int | float | str] = {
        INPUT_TOKENS: attempt.input_tokens,
        OUTPUT_TOKENS: attempt.output_tokens,
    }
    if heard.whole is not None:
        facts[FINISH_REASON] = heard.whole.reason.value
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
