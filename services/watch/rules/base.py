"""What a rule is; every other module of this folder is one, found by `shared.plugins`.

A rule says what one fact shows, and what many such sights together mean. Counting, windows,
episodes, notifications and the database are watch's: a rule is pure and knows none of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, Self

from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from shared.contracts.providers import ProviderChanged
from shared.contracts.requests import LeakStopped
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import Label, ModelName, Token

PATIENCE_MS: Final = 10_000
"""Large models need some seconds for a letter; few callers wait less than this on purpose."""
PLATFORM: Final = "platform"
"""What trouble is about when it is about everything."""

Fact = UsageRecorded | LeakStopped | ProviderChanged
"""What watch is told; each rule looks at one class of it."""
Part = tuple[ModelName, ...]
"""Whose doing it was: the models or providers behind what was seen; empty if nobody's."""
Facts = Mapping[Token, int | float | Label]
_EXAMPLE_TIME: Final = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Verdict(StrEnum):
    """What a window means. `unclear` neither opens an incident nor ends one."""

    TROUBLE = "trouble"
    FINE = "fine"
    UNCLEAR = "unclear"


class Sighting(NamedTuple):
    """What one fact shows of one thing: that it works, or that it does not."""

    about: ModelName
    is_good: bool
    part: Part = ()
    cause: Token | None = None
    """The class of error; only bad sightings have one."""


@dataclass(slots=True)
class Count:
    """The sightings of one part of a thing, added up."""

    good: int = 0
    bad: int = 0
    last_good_at: datetime | None = None
    last_bad_at: datetime | None = None
    cause: Token | None = None
    """Of the latest bad sighting."""

    @property
    def has_recovered(self) -> bool:
        """Return whether the latest sighting was a good one, or none was bad."""
        if self.last_bad_at is None:
            return True
        return self.last_good_at is not None and self.last_good_at > self.last_bad_at


@dataclass(frozen=True, slots=True)
class Window:
    """All that was seen of one thing in the last minutes; `fresh` of it, bad, is new just now."""

    parts: Mapping[Part, Count]
    fresh: int = 0

    @classmethod
    def of(cls, *, good: int, bad: int, recovered: bool = False) -> Self:
        """Return the window of an example: bad sightings that are new, or good ones after them."""
        later = _EXAMPLE_TIME + timedelta(seconds=1)
        count = Count(
            good=good,
            bad=bad,
            last_good_at=(later if recovered else _EXAMPLE_TIME) if good else None,
            last_bad_at=(_EXAMPLE_TIME if recovered else later) if bad else None,
            cause="unreachable" if bad else None,
        )
        return cls({("scripted",): count}, fresh=0 if recovered else bad)

    @property
    def good(self) -> int:
        return sum(count.good for count in self.parts.values())

    @property
    def bad(self) -> int:
        return sum(count.bad for count in self.parts.values())

    @property
    def worst(self) -> tuple[Part, Count] | None:
        """Return the part that was bad last, or None if none was."""
        bad = [(part, count) for part, count in self.parts.items() if count.last_bad_at]
        return max(bad, key=lambda one: one[1].last_bad_at or _EXAMPLE_TIME, default=None)

    @property
    def last_bad_at(self) -> datetime | None:
        return self.worst[1].last_bad_at if self.worst else None

    @property
    def blamed(self) -> frozenset[ModelName]:
        """Return everything that bad sightings are put down to."""
        return frozenset(name for part, count in self.parts.items() if count.bad for name in part)

    def without(self, names: frozenset[ModelName]) -> "Window":
        """Return the window as it were without what is put down to any of `names`."""
        kept = {part: count for part, count in self.parts.items() if names.isdisjoint(part)}
        return Window(kept, self.fresh)


@dataclass(frozen=True, slots=True)
class Example:
    """A window and the verdict that the rule must give on it; the test suite runs all."""

    window: Window
    verdict: Verdict
    facts: Facts = field(default_factory=dict)
    """Those that the rule must state among others."""


def was_impatient(usage: UsageRecorded) -> bool:
    """Return whether a caller allowed less time than a model may well need.

    That such a request met its deadline says nothing about a provider or the platform: one app
    that is in a hurry must not wake anybody.
    """
    spent_ms = usage.queued_ms + usage.provider_ms
    return usage.code is ErrorCode.DEADLINE and spent_ms < PATIENCE_MS


class Rule(Protocol):
    """The names that a rule's module must have."""

    NAME: Token
    SEVERITY: Severity
    SEES: type[Fact] | tuple[type[Fact], ...]
    """The classes of facts that it is shown; it never gets another."""
    WINDOW_MINUTES: int
    """How far back it looks: the minute that runs, and those before it."""
    EXPLAINED_BY: Sequence[Token]
    """Rules whose incidents may be the reason for this one's trouble: then none is opened, and
    theirs takes over the greater severity. One cause is one incident."""
    WHAT: str
    """What is wrong, for the message: a sentence without names."""
    ADVICE: str
    """What to do about it."""
    EXAMPLES: Sequence[Example]

    def sightings(self, fact: Any) -> Iterable[Sighting]:  # noqa: ANN401  As `SEES` says.
        """Return what one fact shows; nothing if it shows nothing to this rule."""

    def judged(self, window: Window) -> Verdict:
        """Return what the sightings of one thing mean together."""

    def facts(self, window: Window) -> Facts:
        """Return what a person should know of them: numbers and names, at most eight."""
