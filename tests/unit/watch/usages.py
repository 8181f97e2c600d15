"""Facts as watch is told of them, in the few ways that matter to rules."""

from datetime import UTC, datetime

from shared.contracts.completions import Outcome, TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.providers import ProviderChange, ProviderChanged
from shared.contracts.requests import LeakStopped
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision, UsageRecorded
from shared.contracts.values import Sensitivity, new_id

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
_NO_DECISION = Decision(candidates=(), rule="named")


def answered(model: str = "scripted", provider: str = "scripted") -> Attempt:
    """Return a call that was answered."""
    return Attempt(id=new_id(), model=model, provider=provider, outcome=AttemptOutcome.ANSWERED)


def failed(
    model: str = "scripted", provider: str = "scripted", error_class: str = "unreachable"
) -> Attempt:
    """Return a call that failed."""
    return Attempt(
        id=new_id(),
        model=model,
        provider=provider,
        outcome=AttemptOutcome.FAILED,
        error_class=error_class,
    )


def usage(
    *attempts: Attempt,
    at: datetime = START,
    code: ErrorCode | None = None,
    outcome: Outcome | None = None,
) -> UsageRecorded:
    """Return a request with these calls: answered if the last one was, else failed."""
    is_answered = bool(attempts) and attempts[-1].outcome is AttemptOutcome.ANSWERED
    if code is None and not is_answered:
        code = ErrorCode.PROVIDER_UNAVAILABLE
    return UsageRecorded(
        tenant="default",
        app="letters",
        time=at,
        request_id=new_id(),
        outcome=outcome or (Outcome.COMPLETION if code is None else Outcome.FAILED),
        code=code,
        decision=_NO_DECISION,
        attempts=attempts,
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        sensitivity=Sensitivity.PUBLIC,
    )


def leak(*types: str, app: str = "letters", at: datetime = START) -> LeakStopped:
    """Return a request that was refused because these kinds of values would have left."""
    return LeakStopped(
        tenant="default", app=app, time=at, request_id=new_id(), types=types or ("person",)
    )


def passed_by(model: str, at: datetime = START, provider: str = "hosted") -> UsageRecorded:
    """Return an answered request that did not go to a model, because its circuit was open."""
    out = Candidate(model=model, provider=provider, rank=1, excluded_by="circuit_open")
    decision = Decision(candidates=(out,), rule="named")
    return usage(answered(), at=at).model_copy(update={"decision": decision})


def changed(
    change: ProviderChange,
    *,
    at: datetime = START,
    model: str | None = None,
    error_class: str | None = None,
    days_left: int | None = None,
) -> ProviderChanged:
    """Return what the router tells of the provider `hosted`."""
    return ProviderChanged(
        tenant="default",
        app="router",
        time=at,
        provider="hosted",
        model=model,
        change=change,
        config_version="1",
        error_class=error_class,
        days_left=days_left,
    )
