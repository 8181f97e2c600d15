"""A data processing agreement ends soon, or has ended: renew it, or its provider gets no texts."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import Example, Facts, Sighting, Verdict, Window
from shared.contracts.incidents import Severity
from shared.contracts.providers import ProviderChange, ProviderChanged

NAME: Final = "agreement_expiring"
SEVERITY: Final = Severity.WARNING
SEES: Final = ProviderChanged
WINDOW_MINUTES: Final = 2 * 24 * 60
"""The router says it once a day: with two days no night lies between two warnings."""
EXPLAINED_BY: Final = ()
WHAT: Final = (
    "The data processing agreement with this provider ends soon or has ended. From the day after "
    "its last on, the provider gets nothing above `internal`."
)
ADVICE: Final = (
    "Renew the agreement and write its new end under `dpa` in config/models.yaml, or take the "
    "provider out of config/policy.yaml. `stellwerk provider test` shows the days that are left. "
    "Once it is renewed, `stellwerk incident resolve` ends this at once; else it ends two days "
    "after the last warning."
)
EXPIRED: Final = "agreement_expired"


def sightings(fact: ProviderChanged) -> Iterable[Sighting]:
    """Return the provider; how many days are left, or over, is the part."""
    if fact.change in (ProviderChange.AGREEMENT_EXPIRING, ProviderChange.AGREEMENT_EXPIRED):
        days = () if fact.days_left is None else (str(abs(fact.days_left)),)
        yield Sighting(fact.provider, is_good=False, part=days, cause=fact.change.value)


def judged(window: Window) -> Verdict:
    """Return trouble as long as the router has warned of late; nobody tells of a renewal."""
    return Verdict.TROUBLE if window.bad else Verdict.FINE


def facts(window: Window) -> Facts:
    """Return the days as the latest warning counted them."""
    if window.worst is None:
        return {}
    part, count = window.worst
    days = int(part[0]) if part and part[0].isdecimal() else None
    name = "days_over" if count.cause == EXPIRED else "days_left"
    return {"cause": count.cause or NAME} | ({} if days is None else {name: days})


EXAMPLES: Final = (
    Example(Window.of(good=0, bad=1), Verdict.TROUBLE),
    Example(Window.of(good=0, bad=0), Verdict.FINE),
)
