"""What the pages show: amounts, durations, states, the waterfall, and what a role may see."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from shared.contracts.access import RIGHTS, Right, Role
from shared.contracts.catalog import APP
from shared.contracts.incidents import Incident, IncidentState, Severity
from shared.contracts.traces import Span, lines_of

DASH: Final = "–"
_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60 * _SECOND_MS
_COMPACT_FROM: Final = 10_000
_UNITS: Final = ("k", "M", "G")
_BAR_MIN: Final = 0.4
"""A bar in percent of the width: what was too short for one is still to be seen."""


# --- amounts for people -------------------------------------------------------------------------


def amount(cost: Decimal | None, currency: str) -> str:
    """Return a cost as short as it can be read: of a small one, two digits that are not zero."""
    if cost is None:
        return DASH
    if cost == 0:
        return f"0 {currency}"
    places = 2 if cost >= 1 else min(9, max(4, 1 - cost.adjusted()))
    return f"{cost:,.{places}f} {currency}"


def exact(cost: Decimal | None, currency: str) -> str:
    """Return a cost to the last nano-unit."""
    return DASH if cost is None else f"{cost:f} {currency}"


def duration(ms: float | None) -> str:
    """Return a duration with the two digits that matter."""
    if ms is None:
        return DASH
    if ms < 1:
        return f"{ms:.1f} ms"
    if ms < _SECOND_MS:
        return f"{ms:.0f} ms"
    if ms < _MINUTE_MS:
        return f"{ms / _SECOND_MS:.1f} s"
    minutes, rest = divmod(round(ms / _SECOND_MS), 60)
    return f"{minutes} min {rest} s"


def count(number: int | None) -> str:
    """Return a number; a large one is rounded to three digits."""
    if number is None:
        return DASH
    if number < _COMPACT_FROM:
        return f"{number:,}"
    power = 1
    # What would round to a thousand belongs to the next unit.
    while power < len(_UNITS) and round(number / 1000**power) >= 1000:  # noqa: PLR2004
        power += 1
    return f"{number / 1000**power:.3g} {_UNITS[power - 1]}"


def share(part: int, whole: int) -> str:
    """Return a part of a whole in percent; of nothing there is no part."""
    return DASH if not whole else f"{100 * part / whole:.1f} %"


# --- the last hours -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Numbers:
    """What ended in the last 24 hours. A refusal is no error, nor is a caller that left."""

    requests: int
    failed: int
    refused: int
    input_tokens: int
    output_tokens: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    costs: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """How many requests ended, by outcome, in the time that begins at `start`."""

    start: datetime
    completed: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.completed + self.refused + self.failed


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of the chart, in percent of its height; the parts stand on each other."""

    slice: Slice
    completed: float
    refused: float
    failed: float


def slices(
    found: Iterable[Slice], first: datetime, width: timedelta, number: int
) -> tuple[Slice, ...]:
    """Return one slice for each step, those in which nothing ended too."""
    by_start = {one.start: one for one in found}
    starts = [first + width * step for step in range(number)]
    return tuple(by_start.get(start, Slice(start)) for start in starts)


def chart(parts: Sequence[Slice]) -> tuple[Column, ...]:
    """Return the bars of the chart; the highest one fills it."""
    most = max((part.total for part in parts), default=0) or 1
    return tuple(
        Column(
            part,
            *(100 * one / most for one in (part.completed, part.refused, part.failed)),
        )
        for part in parts
    )


# --- providers ----------------------------------------------------------------------------------

_ANSWERED: Final = "answered"
_IN_A_ROW: Final = 3
_SHAKY_SHARE: Final = 0.1
_FAILING_SHARE: Final = 0.5


class Health(StrEnum):
    """How a model does, judged by its latest calls."""

    ANSWERING = "answering"
    SHAKY = "shaky"
    FAILING = "failing"
    SLOW = "slow"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """The calls of one model; `latest` are the outcomes of the last few, the newest first."""

    provider: str
    model: str
    calls: int
    recent: int
    failed: int
    p95_ms: float | None
    last_at: datetime
    last_error: str | None = None
    latest: tuple[str, ...] = ()

    @property
    def health(self) -> Health:
        """Return how the model does: `recent` calls, and the last ones most of all."""
        if not self.recent:
            return Health.QUIET
        last = self.latest[:_IN_A_ROW]
        if len(last) == _IN_A_ROW and _ANSWERED not in last:
            return Health.FAILING
        bad = self.failed / self.recent
        if bad > _FAILING_SHARE:
            return Health.FAILING
        doubtful = bad > _SHAKY_SHARE or (last and last[0] != _ANSWERED)
        return Health.SHAKY if doubtful else Health.ANSWERING


_SLOW_TIMES: Final = 2.0
_SLOW_ANSWERS_MIN: Final = 5
_STUCK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast and how well one model answered in a period."""

    calls: int
    answered: int
    failed: int
    failed_percent: Decimal | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """What one model has to do just now."""

    in_flight: int
    oldest_s: Decimal | None
    calls_a_minute: int
    tokens_a_minute: int


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """How often another model had to help one out in the last day, and why most of the time."""

    requests: int
    fallbacks: int
    cause: str | None


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model in one place: in the last five minutes, in the last day, and just now."""

    model: str
    provider: str
    region: str | None
    residency: str | None
    recent: Speed | None
    day: Speed | None
    load: Load | None
    fallbacks: Fallbacks | None

    @property
    def health(self) -> Health:
        """Return how it does now, beside how it does on any other hour of the day."""
        if self.load is not None and (self.load.oldest_s or 0) > _STUCK_S:
            return Health.SLOW
        if self.recent is None:
            return Health.QUIET
        share = float(self.recent.failed_percent or 0) / 100
        if share > _FAILING_SHARE:
            return Health.FAILING
        if self._is_slow:
            return Health.SLOW
        return Health.SHAKY if share > _SHAKY_SHARE else Health.ANSWERING

    @property
    def _is_slow(self) -> bool:
        if self.recent is None or self.day is None or self.recent.answered < _SLOW_ANSWERS_MIN:
            return False
        now, usual = self.recent.duration_p50_ms, self.day.duration_p50_ms
        return now is not None and usual is not None and now > _SLOW_TIMES * usual


# --- incidents ----------------------------------------------------------------------------------


class Mood(StrEnum):
    """The one word for the state of everything."""

    CALM = "calm"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


def mood(incidents: Sequence[Incident] | None, models: Sequence[ModelCalls] | None) -> Mood:
    """Return the state of the platform; what cannot be read is unknown, never calm."""
    unresolved = [one for one in incidents or () if one.state is not IncidentState.RESOLVED]
    if any(one.severity is Severity.CRITICAL for one in unresolved):
        return Mood.CRITICAL
    failing = any(one.health is Health.FAILING for one in models or ())
    if unresolved or failing:
        return Mood.WARNING
    return Mood.UNKNOWN if incidents is None or models is None else Mood.CALM


# --- one request --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """One span as it is drawn: where it begins and how wide it is, in percent."""

    span: Span
    depth: int
    start_ms: float
    duration_ms: float
    left: float
    width: float


def waterfall(spans: Sequence[Span]) -> tuple[Bar, ...]:
    """Return the bars of a trace. What apps send of their own side counts as the client's."""
    lines = lines_of(spans)
    total_ms = max((line.start_ms + line.duration_ms for line in lines), default=0.0) or 1.0
    bars = []
    for line in lines:
        left = min(100 - _BAR_MIN, 100 * line.start_ms / total_ms)
        width = min(100 - left, max(_BAR_MIN, 100 * line.duration_ms / total_ms))
        mine = line.span.service == APP
        span = line.span.model_copy(update={"service": "client"}) if mine else line.span
        bars.append(
            Bar(span, line.depth, line.start_ms, line.duration_ms, round(left, 3), round(width, 3))
        )
    return tuple(bars)


# --- masked text --------------------------------------------------------------------------------

_REDACTED: Final = "eu.stellwerk.request.redacted.v1"
_PRODUCED: Final = "eu.stellwerk.completion.produced.v1"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; `masked` if it is a placeholder that stands for a person's value."""

    text: str = field(repr=False)
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Who said what, with placeholders in place of values."""

    role: str
    pieces: tuple[Piece, ...] = field(repr=False)


def turns(envelopes: Iterable[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Return the conversation that the record holds of one request: masked, in order."""
    found: list[tuple[str, str]] = []
    placeholders: set[str] = set()
    for envelope in envelopes:
        data = envelope.get("data") or {}
        if envelope.get("type") == _REDACTED:
            placeholders |= {one["placeholder"] for one in data.get("subjects") or ()}
            found += [(one["role"], one["content"]) for one in data.get("messages") or ()]
        elif envelope.get("type") == _PRODUCED:
            found.append(("assistant", data.get("text") or ""))
    return tuple(Turn(role, _pieces(text, placeholders)) for role, text in found)


def _pieces(text: str, placeholders: set[str]) -> tuple[Piece, ...]:
    if not placeholders:
        return (Piece(text),)
    longest_first = sorted(placeholders, key=len, reverse=True)
    pattern = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
    parts = pattern.split(text)
    return tuple(Piece(part, masked=place % 2 == 1) for place, part in enumerate(parts) if part)


def facts_of(incident: Incident) -> str:
    """Return an incident's facts in one line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in incident.facts.items())


# --- who sees what ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose key opened the door, as the gateway said within the last half minute."""

    tenant: str
    app: str
    role: Role

    def may(self, right: Right) -> bool:
        """Return whether the role has a right; unknown rights are nobody's."""
        return right in RIGHTS[self.role]

    @property
    def may_acknowledge(self) -> bool:
        return self.may(Right.ACT_ON_INCIDENTS)

    @property
    def may_see_text(self) -> bool:
        return self.may(Right.READ_AUDIT)


_REFERENCE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
REASONS: Final = ("incident", "complaint", "access-request", "quality-check")


def reason_of(kind: str, reference: str) -> str | None:
    """Return the reason for a look as the record keeps it; None if it is not one.

    It is a token: whoever looks cannot write a person's name or a sentence into the record.
    """
    reference = reference.strip().lower()
    if kind not in REASONS or (reference and _REFERENCE.fullmatch(reference) is None):
        return None
    return f"{kind}-{reference}" if reference else kind
