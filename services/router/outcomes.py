"""The events that tell how a request ended: one outcome, and one usage that settles its hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.router.attempts import Heard
from services.router.costs import Terms, cost_nano, total_usage
from services.router.domain import Model, Routing
from services.router.rows import End, Ending
from shared.contracts.catalog import known_types
from shared.contracts.completions import CompletionFailed, CompletionProduced, Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import (
    PAYLOAD_BYTES_MAX,
    Operation,
    RequestRedacted,
    RequestRefused,
)
from shared.contracts.usage import Attempt, AttemptOutcome, Decision, UsageRecorded
from shared.contracts.values import derived_id

SERVICE: Final = "router"
HOLD: Final = "hold"
ANSWER_BYTES_MAX: Final = 2 * PAYLOAD_BYTES_MAX - 16 * 1024
"""What an answer and its envelope may take of one message; the rest is for its headers."""
_OUTCOMES: Final = known_types(CompletionProduced, CompletionFailed, RequestRefused, UsageRecorded)


def hold_id_of(request_id: UUID) -> UUID:
    """Return the identifier of a request's hold: the same each time the request comes."""
    return derived_id(request_id, HOLD)


@dataclass(slots=True)
class Story:
    """All that happened to one request, as far as it has come."""

    event: RequestRedacted
    config_version: str
    routing: Routing
    models: Mapping[str, Model] = field(repr=False)
    arrived: datetime
    terms: Terms | None = None
    attempts: list[Attempt] = field(default_factory=list)
    heard: Heard | None = None
    """The last call of this process."""
    chunks: int = 0
    hold_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.hold_id = hold_id_of(self.event.request_id)

    def ended(self, code: ErrorCode | None) -> tuple[Event, UsageRecorded, End]:
        """Return the outcome, the usage, and both as the ledger keeps them.

        `code` is None when the last call has answered.
        """
        outcome, event = self._outcome(code)
        answer = encode(event, SERVICE)
        if len(answer) + len(self.event.sealed or "") > ANSWER_BYTES_MAX and not self.event.stream:
            # No message holds it. It is paid, and its caller hears what to do about it.
            code = ErrorCode.TOO_LARGE
            outcome, event = self._outcome(code)
            answer = encode(event, SERVICE)
        usage = self._usage(outcome, code)
        ending = Ending(answer, encode(usage, SERVICE))
        attempts = tuple(self.attempts)
        currency = self.terms.price.currency if self.terms is not None else None
        return event, usage, End(self.event.request_id, outcome, ending, attempts, currency)

    def _outcome(self, code: ErrorCode | None) -> tuple[Outcome, Event]:
        if code is None:
            return Outcome.COMPLETION, self._produced()
        common = _common(self.event, self.config_version) | {"code": code}
        uncalled = all(one.outcome is AttemptOutcome.CANCELLED for one in self.attempts)
        if uncalled and code.is_refusal:
            return Outcome.REFUSED, RequestRefused.following(self.event, **common)
        count = len(self.attempts)
        return Outcome.FAILED, CompletionFailed.following(self.event, attempts=count, **common)

    def _produced(self) -> CompletionProduced:
        heard, terms = self.heard, self.terms
        assert heard is not None
        assert heard.whole is not None
        assert terms is not None
        return CompletionProduced.following(
            self.event,
            text=heard.text,
            tool_calls=heard.whole.tool_calls,
            operation=self.event.operation,
            embeddings=heard.whole.vectors,
            translations=heard.whole.texts if self._translates else (),
            finish_reason=heard.whole.reason,
            model=heard.attempt.model,
            provider=heard.attempt.provider,
            usage=total_usage(self.attempts, estimated=heard.estimated),
            cost_nano=self._cost_nano(),
            currency=terms.price.currency,
            attempts=len(self.attempts),
            chunks=self.chunks,
            hold_id=self.hold_id,
            **_common(self.event, self.config_version),
        )

    def _usage(self, outcome: Outcome, code: ErrorCode | None) -> UsageRecorded:
        event, terms = self.event, self.terms
        answer = self.heard.attempt if code is None and self.heard is not None else None
        by_terms = terms is not None and answer is not None and answer.model == terms.model
        estimated = self.heard is not None and self.heard.estimated
        return UsageRecorded.following(
            event,
            config_version=self.config_version,
            outcome=outcome,
            code=code,
            decision=self.routing.decision,
            attempts=tuple(self.attempts),
            usage=total_usage(self.attempts, estimated=estimated),
            model=answer.model if answer is not None else None,
            provider=answer.provider if answer is not None else None,
            # No call is made before a hold stands, so an earlier process had one if it had a call.
            hold_id=self.hold_id if terms or self.attempts else None,
            price=terms.price if terms is not None and by_terms else None,
            cost_nano=self._cost_nano(),
            user=event.user,
            use_case=event.use_case,
            sensitivity=event.sensitivity,
            language=event.language,
            operation=event.operation,
            stream=event.stream,
            queued_ms=_ms_between(event.received_at, self.arrived),
            provider_ms=sum(one.duration_ms for one in self.attempts),
        )

    @property
    def _translates(self) -> bool:
        return self.event.operation is Operation.TRANSLATE

    def _cost_nano(self) -> int:
        return cost_nano(self.attempts, self.terms, self.models)


def events_in(ending: Ending) -> list[Event]:
    """Return the events that the ledger kept; they have the identifiers they had."""
    return [decode(ending.answer, _OUTCOMES), decode(ending.usage, _OUTCOMES)]


def refused(event: RequestRedacted, config_version: str, code: ErrorCode) -> RequestRefused:
    """Return a refusal that leaves no trace in the ledger."""
    return RequestRefused.following(event, code=code, **_common(event, config_version))


def released(attempt: Attempt) -> Attempt:
    """Return a call as it counts where nobody pays for one whose end is unknown."""
    if attempt.outcome is not AttemptOutcome.UNKNOWN:
        return attempt
    return attempt.model_copy(update={"released": True, "input_tokens": 0, "output_tokens": 0})


def lost(
    event: RequestRedacted, config_version: str, code: ErrorCode, *, releases: bool = False
) -> list[Event]:
    """Return the end of a request that was given up after a call may have been made.

    Its usage says so: then all that was held is charged, which is too much rather than too little,
    unless the policy `releases` it.
    """
    attempt = Attempt(
        id=derived_id(event.request_id, "lost"),
        model="unknown",
        provider="unknown",
        outcome=AttemptOutcome.UNKNOWN,
    )
    routing = Routing(Decision(candidates=(), rule="given-up"), (), code)
    attempts = [released(attempt) if releases else attempt]
    story = Story(event, config_version, routing, {}, event.received_at, attempts=attempts)
    outcome, usage, _ = story.ended(code)
    return [outcome, usage]


def _common(event: RequestRedacted, config_version: str) -> dict[str, Any]:
    return {
        "config_version": config_version,
        "language": event.language,
        "stream": event.stream,
        "redactor": event.redactor,
        "user": event.user,
    }


def _ms_between(start: datetime, end: datetime) -> int:
    # Two machines' clocks: the bus may have stamped the message in our future.
    return max(0, round((end - start).total_seconds() * 1000))
