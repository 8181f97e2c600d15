"""A text may be read in the house only, and no model there could: a person has to take over."""

from collections.abc import Iterable
from typing import Final

from services.watch.rules.base import Example, Facts, Sighting, Verdict, Window
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from shared.contracts.usage import UsageRecorded

NAME: Final = "needs_a_person"
SEVERITY: Final = Severity.WARNING
SEES: Final = UsageRecorded
WINDOW_MINUTES: Final = 24 * 60
EXPLAINED_BY: Final = ()
WHAT: Final = (
    "Requests of this app hold what may only be read in the house, and no model there could answer."
    " Nothing was sent elsewhere: a person has to handle them."
)
ADVICE: Final = (
    "Tell the owner of the app. The requests stand in `router.decisions_v1` with code "
    "`sensitivity_local_only`; `stellwerk explain` says why each model was left out, and what to "
    "do about it. Once people have them in hand, end this with `stellwerk incident resolve`; else "
    "it ends a day after the last of them."
)
ABOUT_MAX: Final = 128
USE_CASES_MAX: Final = 128
"""Characters that a label may have."""


def sightings(usage: UsageRecorded) -> Iterable[Sighting]:
    """Return the app whose request it was; which use case is the part."""
    if usage.code is ErrorCode.SENSITIVITY_LOCAL_ONLY:
        about = f"{usage.tenant}/{usage.app}"[:ABOUT_MAX]
        yield Sighting(about, is_good=False, part=(usage.use_case,), cause=usage.code.value)


def judged(window: Window) -> Verdict:
    """Return trouble for a whole day: that no more come does not mean that people took over."""
    return Verdict.TROUBLE if window.bad else Verdict.FINE


def facts(window: Window) -> Facts:
    """Return the use cases, and how many requests wait for people."""
    use_cases = " ".join(sorted(window.blamed))[:USE_CASES_MAX].strip()
    known: Facts = {"cause": ErrorCode.SENSITIVITY_LOCAL_ONLY.value, "requests": window.bad}
    return {**known, "use_cases": use_cases} if use_cases else known


EXAMPLES: Final = (
    Example(Window.of(good=0, bad=1), Verdict.TROUBLE, {"requests": 1, "use_cases": "scripted"}),
    Example(Window.of(good=0, bad=3, recovered=True), Verdict.TROUBLE),
    Example(Window.of(good=0, bad=0), Verdict.FINE),
)
