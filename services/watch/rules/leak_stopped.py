"""Personal data was about to leave: the last look of the redactor or the router stopped it."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import Example, Facts, Part, Sighting, Verdict, Window
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from shared.contracts.requests import LeakStopped
from shared.contracts.usage import UsageRecorded

NAME: Final = "leak_stopped"
SEVERITY: Final = Severity.CRITICAL
SEES: Final = (LeakStopped, UsageRecorded)
WINDOW_MINUTES: Final = 60
EXPLAINED_BY: Final = ()
WHAT: Final = (
    "Personal data was still in a request of this app after masking. Nothing was sent: the request "
    "was refused."
)
ADVICE: Final = (
    "Look up the app's requests that were refused with `leak_check` in the audit record, have its "
    "owner try the text with `stellwerk redact`, and see whether the app puts personal data where "
    "nothing is masked, such as `user` or `use_case`. If the text is at fault, masking has a gap: "
    "report it."
)
ABOUT_MAX: Final = 128
ROUTER_FOUND: Final = "identifier"
"""The router looks for numbers with check digits, and does not tell which kind it found."""
TYPES_MAX: Final = 128
"""Characters that a label may have."""


def sightings(fact: LeakStopped | UsageRecorded) -> Iterable[Sighting]:
    """Return the app whose request it was; what kinds of values they were is the part."""
    types = _types_of(fact)
    if types:
        about = f"{fact.tenant}/{fact.app}"[:ABOUT_MAX]
        yield Sighting(about, is_good=False, part=types, cause="leak_check")


def _types_of(fact: LeakStopped | UsageRecorded) -> Part:
    if isinstance(fact, LeakStopped):
        return tuple(sorted(set(fact.types)))
    return (ROUTER_FOUND,) if fact.code is ErrorCode.LEAK_CHECK else ()


def judged(window: Window) -> Verdict:
    """Return trouble for any new leak: one is too many. That no more come proves nothing."""
    if window.fresh:
        return Verdict.TROUBLE
    return Verdict.UNCLEAR if window.bad else Verdict.FINE


def facts(window: Window) -> Facts:
    """Return the kinds of values, never a value."""
    types = " ".join(sorted(window.blamed))[:TYPES_MAX].strip()
    return {"cause": "leak_check"} | ({"types": types} if types else {})


EXAMPLES: Final = (
    Example(Window.of(good=0, bad=1), Verdict.TROUBLE, {"types": "scripted"}),
    Example(Window.of(good=0, bad=3, recovered=True), Verdict.UNCLEAR),
    Example(Window.of(good=0, bad=0), Verdict.FINE),
)
