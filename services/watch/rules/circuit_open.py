"""A model failed so often that it is left alone, and its requests go elsewhere or nowhere."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import Example, Facts, Sighting, Verdict, Window
from shared.contracts.incidents import Severity
from shared.contracts.providers import ProviderChange, ProviderChanged
from shared.contracts.usage import UsageRecorded

NAME: Final = "circuit_open"
SEVERITY: Final = Severity.WARNING
SEES: Final = (ProviderChanged, UsageRecorded)
WINDOW_MINUTES: Final = 60
EXPLAINED_BY: Final = ("fallback_active",)
WHAT: Final = (
    "This model failed so often that it is left alone; one request at a time tries whether it is "
    "well again."
)
ADVICE: Final = (
    "`stellwerk provider test` says how its provider answers. With cause unauthorised look at its "
    "key, with quota_spent at its account. If it stays away, take the model out of "
    "config/policy.yaml."
)
LEFT_OUT: Final = "left-out"
"""The second name of the part of requests that the model did not get."""


def sightings(fact: ProviderChanged | UsageRecorded) -> Iterable[Sighting]:
    """Return the model when its circuit opens or closes, and each request that it did not get.

    A router that dies with an open circuit never says that it closed; but requests that no longer
    pass the model by do.
    """
    if isinstance(fact, UsageRecorded):
        for one in fact.decision.candidates:
            if one.excluded_by == NAME:
                passed_by = (one.provider, LEFT_OUT)
                yield Sighting(one.model, is_good=False, part=passed_by, cause=NAME)
    elif fact.model is not None and fact.change is ProviderChange.CIRCUIT_OPENED:
        part = (fact.provider,)
        yield Sighting(fact.model, is_good=False, part=part, cause=fact.error_class)
    elif fact.model is not None and fact.change is ProviderChange.CIRCUIT_CLOSED:
        yield Sighting(fact.model, is_good=True, part=(fact.provider,))
        yield Sighting(fact.model, is_good=True, part=(fact.provider, LEFT_OUT))


def judged(window: Window) -> Verdict:
    """Return trouble for all that is new; fine once the circuit has closed."""
    recovered = all(count.has_recovered for count in window.parts.values())
    if recovered:
        return Verdict.FINE
    return Verdict.TROUBLE if window.fresh else Verdict.UNCLEAR


def facts(window: Window) -> Facts:
    """Return the fault that opened the circuit, and how many requests have passed it by."""
    if window.worst is None:
        return {}
    provider = window.worst[0][0]
    opened = window.parts.get((provider,))
    left_out = window.parts.get((provider, LEFT_OUT))
    cause = {"cause": opened.cause} if opened is not None and opened.cause else {}
    return cause | {"provider": provider, "left_out": left_out.bad if left_out else 0}


EXAMPLES: Final = (
    Example(Window.of(good=0, bad=1), Verdict.TROUBLE, {"cause": "unreachable"}),
    Example(Window.of(good=1, bad=3, recovered=True), Verdict.FINE),
    Example(Window.of(good=0, bad=0), Verdict.FINE),
)
