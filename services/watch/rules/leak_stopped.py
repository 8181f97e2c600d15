"""A masked value was about to leave once more, and the redactor refused the request."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import Example, Facts, Sighting, Verdict, Window
from shared.contracts.incidents import Severity
from shared.contracts.requests import LeakStopped

NAME: Final = "leak_stopped"
SEVERITY: Final = Severity.CRITICAL
SEES: Final = LeakStopped
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
TYPES_MAX: Final = 128
"""Characters that a label may have."""


def sightings(leak: LeakStopped) -> Iterable[Sighting]:
    """Return the app whose request it was; what kinds of values they were is the part."""
    about = f"{leak.tenant}/{leak.app}"[:ABOUT_MAX]
    yield Sighting(about, is_good=False, part=tuple(sorted(set(leak.types))), cause="leak_check")


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
