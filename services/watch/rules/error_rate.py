"""More than a tenth of the requests of the last ten minutes failed (ALERT-03)."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import (
    PLATFORM,
    Example,
    Facts,
    Part,
    Sighting,
    Verdict,
    Window,
    was_impatient,
)
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from shared.contracts.usage import Attempt, AttemptOutcome, UsageRecorded

NAME: Final = "error_rate"
SEVERITY: Final = Severity.CRITICAL
SEES: Final = UsageRecorded
WINDOW_MINUTES: Final = 10
EXPLAINED_BY: Final = ("error_rate", "fallback_active", "circuit_open")
WHAT: Final = "More than 10 % of the requests of the last 10 minutes failed."
ADVICE: Final = (
    "`stellwerk explain` a failed request to see where it stopped; look at /readyz of every "
    "service, first of the router and of billing."
)
PERCENT_MAX: Final = 10
SAMPLE_MIN: Final = 20
"""So that one of two requests at night wakes nobody."""
ERRORS: Final = frozenset(
    {
        *(ErrorCode.DEADLINE, ErrorCode.REDACTOR_UNAVAILABLE, ErrorCode.BILLING_UNAVAILABLE),
        *(ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_REJECTED, ErrorCode.STREAM_BROKEN),
        *(ErrorCode.BUS_UNAVAILABLE, ErrorCode.INTERNAL),
    }
)
"""What is ours or a provider's fault. Every other code is a decision, such as a budget's or the
policy's, a caller's mistake, or a caller who left: those requests are not counted at all."""

LEFT_ALONE: Final = "circuit_open"
"""Why a model was not even called, in the router's words."""


def sightings(usage: UsageRecorded) -> Iterable[Sighting]:
    """Return how the request went, for the platform and for the model that was called last."""
    is_good = usage.outcome is Outcome.COMPLETION
    if not is_good and (usage.code not in ERRORS or was_impatient(usage)):
        return
    last, cause = _last_call(usage.attempts), usage.code.value if usage.code else None
    # Only failures are put down to somebody: few parts make small windows.
    blamed = () if is_good else _blamed(usage, last)
    yield Sighting(PLATFORM, is_good, blamed, cause)
    if last is not None:
        yield Sighting(last.model, is_good, blamed[:1], cause)


def _blamed(usage: UsageRecorded, last: Attempt | None) -> Part:
    """Return who failed: whoever was called last, else those whom nobody calls since they fail."""
    if last is not None:
        return last.provider, last.model
    left_alone = [one for one in usage.decision.candidates if one.excluded_by == LEFT_ALONE]
    return tuple(dict.fromkeys(name for one in left_alone for name in (one.provider, one.model)))


def _last_call(attempts: tuple[Attempt, ...]) -> Attempt | None:
    ended = (AttemptOutcome.ANSWERED, AttemptOutcome.FAILED)
    return next((one for one in reversed(attempts) if one.outcome in ended), None)


def judged(window: Window) -> Verdict:
    """Return trouble above a tenth; too few requests say nothing, none at all that it is over."""
    total = window.good + window.bad
    if 0 < total < SAMPLE_MIN:
        return Verdict.UNCLEAR
    return Verdict.TROUBLE if 100 * window.bad > PERCENT_MAX * total else Verdict.FINE


def facts(window: Window) -> Facts:
    """Return the share and what it is a share of."""
    total = window.good + window.bad
    share = {"failed": window.bad, "requests": total, "window_minutes": WINDOW_MINUTES}
    percent = {"percent": round(100 * window.bad / total, 1) if total else 0.0}
    cause = {"cause": window.worst[1].cause or "unknown"} if window.worst else {}
    return {**share, **percent, **cause}


EXAMPLES: Final = (
    Example(Window.of(good=180, bad=20), Verdict.FINE, {"percent": 10.0}),
    Example(Window.of(good=179, bad=21), Verdict.TROUBLE, {"percent": 10.5, "requests": 200}),
    Example(Window.of(good=0, bad=19), Verdict.UNCLEAR),
    Example(Window.of(good=0, bad=20), Verdict.TROUBLE),
    Example(Window.of(good=0, bad=0), Verdict.FINE),
)
