"""A provider fails, and another model answers in its place or nobody does (ALERT-08)."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import (
    Example,
    Facts,
    Sighting,
    Verdict,
    Window,
    was_impatient,
)
from shared.contracts.completions import Outcome
from shared.contracts.incidents import Severity
from shared.contracts.usage import Attempt, AttemptOutcome, UsageRecorded

NAME: Final = "fallback_active"
SEVERITY: Final = Severity.WARNING
SEES: Final = UsageRecorded
WINDOW_MINUTES: Final = 60
EXPLAINED_BY: Final = ()
WHAT: Final = "Calls to this provider fail; another model answers in its place, or none does."
ADVICE: Final = (
    "See whether the provider is up, and whether its address and key are right (config/models.yaml,"
    " /readyz of the router). If it stays away, take it out of config/policy.yaml."
)
AWAY: Final = frozenset({"unreachable", "overloaded", "timeout", "server_error", "broken"})
"""Classes of error that are the provider's trouble, whether or not another model helps out. One
that is killed breaks the answers that it is giving before it cannot be reached."""
NOT_ITS_FAULT: Final = frozenset({"context_too_long", "rejected"})
"""Classes of error that lie in the request: another model that can answer it is no trouble."""


def sightings(usage: UsageRecorded) -> Iterable[Sighting]:
    """Return each call that was answered, and each that failed through its provider."""
    rescued = usage.outcome is Outcome.COMPLETION
    for attempt in usage.attempts:
        part = (attempt.model,)
        if attempt.outcome is AttemptOutcome.ANSWERED:
            yield Sighting(attempt.provider, is_good=True, part=part)
        elif _is_trouble(attempt, rescued=rescued) and not _ended_by_caller(attempt, usage):
            yield Sighting(attempt.provider, is_good=False, part=part, cause=attempt.error_class)


def _is_trouble(attempt: Attempt, *, rescued: bool) -> bool:
    if attempt.outcome is not AttemptOutcome.FAILED:
        return False
    return attempt.error_class in AWAY or (rescued and attempt.error_class not in NOT_ITS_FAULT)


def _ended_by_caller(attempt: Attempt, usage: UsageRecorded) -> bool:
    return attempt.error_class == "timeout" and was_impatient(usage)


def judged(window: Window) -> Verdict:
    """Return trouble for any new failure; all is fine once every model that failed has answered."""
    if window.fresh:
        return Verdict.TROUBLE
    recovered = all(count.has_recovered for count in window.parts.values())
    return Verdict.FINE if recovered else Verdict.UNCLEAR


def facts(window: Window) -> Facts:
    """Return the latest failure's cause and model."""
    if window.worst is None:
        return {}
    part, count = window.worst
    return {"cause": count.cause or "unknown", "model": part[0]}


EXAMPLES: Final = (
    Example(Window.of(good=0, bad=1), Verdict.TROUBLE, {"cause": "unreachable"}),
    Example(Window.of(good=500, bad=1), Verdict.TROUBLE),
    Example(Window.of(good=1, bad=500, recovered=True), Verdict.FINE),
    Example(Window.of(good=1, bad=0), Verdict.FINE),
)
