"""Decides when what rules see becomes an incident, what counts towards it, and when it is over.

Pure: time, counts and what is known come in; incidents that were opened or changed come out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final
from uuid import UUID

from services.watch.rules.base import PLATFORM, Count, Fact, Part, Rule, Verdict, Window
from shared.contracts.incidents import Incident, IncidentState, Severity
from shared.contracts.values import derived_id

WATCH: Final = "watch"
RECENT: Final = timedelta(hours=1)
"""Incidents that ended within this time still explain trouble, and make the next one patient."""
MINUTE: Final = timedelta(minutes=1)

Key = tuple[str, str]
"""A rule, and what its trouble is about."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When an episode is over, in seconds.

    `settled_s`: it went well for so long. `quiet_s`: nothing new was seen for so long.
    """

    settled_s: float
    quiet_s: float


@dataclass(frozen=True, slots=True)
class First:
    """The first bad sighting of a thing in a batch: since when, and by which event."""

    event_id: UUID
    at: datetime


@dataclass(slots=True)
class Batch:
    """What one batch of facts shows: counts by rule, thing, minute and part."""

    counts: dict[tuple[str, str, datetime, Part], Count] = field(default_factory=dict)
    first: dict[Key, First] = field(default_factory=dict)

    @property
    def keys(self) -> set[Key]:
        return {(rule, about) for rule, about, _, _ in self.counts}

    def fresh(self, key: Key, since: datetime) -> int:
        """Return how many new bad sightings of a thing are not older than its window."""
        return sum(
            count.bad
            for (rule, about, minute, _), count in self.counts.items()
            if (rule, about) == key and minute >= since
        )


def seen_at(fact: Fact) -> datetime:
    """Return when it happened; a clock that runs ahead of the bus's must not empty windows."""
    return min(fact.time, fact.received_at)


def gathered(rules: Sequence[Rule], facts: Iterable[Fact]) -> Batch:
    """Return what these facts show to these rules."""
    batch = Batch()
    for at, fact in sorted(((seen_at(one), one) for one in facts), key=itemgetter(0)):
        minute = minute_of(at)
        for rule in (one for one in rules if isinstance(fact, one.SEES)):
            for about, is_good, part, cause in rule.sightings(fact):
                place = (rule.NAME, about, minute, part)
                count = batch.counts.get(place)
                if count is None:
                    count = batch.counts[place] = Count()
                if is_good:
                    count.good += 1
                    count.last_good_at = at
                else:
                    count.bad += 1
                    count.last_bad_at, count.cause = at, cause
                    batch.first.setdefault((rule.NAME, about), First(fact.id, at))
    return batch


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def window_start(at: datetime, minutes: int) -> datetime:
    """Return the first minute of a window: nothing older than `minutes` is in it."""
    return minute_of(at) - (minutes - 1) * MINUTE


class Board:
    """The incidents that are open or were a moment ago, and what becomes of them now."""

    def __init__(self, known: Iterable[Incident], at: datetime, patience: Patience) -> None:
        self.changed: dict[UUID, Incident] = {}
        """Every incident to be written."""
        self.opened: dict[UUID, UUID] = {}
        """Those that are new, with the event that opened each."""
        self.resolved: list[UUID] = []
        self._at = at
        self._patience = patience
        self._known = {incident.incident_id: incident for incident in known}

    @property
    def open_keys(self) -> list[Key]:
        open_ones = (one for one in self._known.values() if _is_open(one))
        return [(one.rule, one.about) for one in open_ones]

    def judge(self, rule: Rule, about: str, window: Window, first: First | None = None) -> None:
        """Open, carry on or end the episode of one thing."""
        verdict = rule.judged(window)
        episode = self._open_one(rule.NAME, about)
        if episode is not None:
            self._carry_on(rule, episode, window, verdict)
        elif verdict is Verdict.TROUBLE and first is not None and self._is_new(rule, about, window):
            self._open(rule, about, window, first)

    def _open(self, rule: Rule, about: str, window: Window, first: First) -> None:
        explaining = self._explaining(rule, about, window)
        names = frozenset(incident.about for incident in explaining)
        if names and rule.judged(window.without(names)) is not Verdict.TROUBLE:
            for incident in filter(_is_open, explaining):
                self._aggravate(rule, incident, window)
            return
        incident = Incident(
            incident_id=derived_id(first.event_id, f"{rule.NAME}/{about}"),
            rule=rule.NAME,
            severity=rule.SEVERITY,
            about=about,
            opened_at=first.at,
            last_seen_at=window.last_bad_at or first.at,
            # What an earlier episode of the hour had is not counted again.
            count=window.fresh if self._earlier(rule.NAME, about) else window.bad,
            facts=dict(rule.facts(window)),
        )
        self.opened[incident.incident_id] = first.event_id
        self._note(incident)

    def _carry_on(self, rule: Rule, episode: Incident, window: Window, verdict: Verdict) -> None:
        """Count what is new, then end the episode if it is over."""
        changes: dict[str, object] = {}
        if window.fresh:
            changes["count"] = episode.count + window.fresh
            changes["facts"] = episode.facts | dict(rule.facts(window))
        if verdict is Verdict.TROUBLE and window.last_bad_at is not None:
            changes["last_seen_at"] = max(episode.last_seen_at, window.last_bad_at)
        episode = episode.model_copy(update=changes)
        if self._is_over(episode, verdict):
            self.resolved.append(episode.incident_id)
            changes["state"] = IncidentState.RESOLVED
            episode = episode.model_copy(
                update={
                    "state": IncidentState.RESOLVED,
                    "resolved_at": max(self._at, episode.last_seen_at),
                    "resolved_by": WATCH,
                }
            )
        if changes:
            self._note(episode)

    def _is_over(self, episode: Incident, verdict: Verdict) -> bool:
        """Return whether it went well for long enough, or nothing was seen for longer still.

        What comes back again and again within the hour has to go well for twice as long each
        time, so that a flapping provider does not send two messages a minute.
        """
        if verdict is Verdict.TROUBLE:
            return False
        before = len(self._earlier(episode.rule, episode.about))
        calm_s = (self._at - episode.last_seen_at).total_seconds()
        settled_s = min(self._patience.settled_s * 2**before, self._patience.quiet_s)
        return calm_s >= (settled_s if verdict is Verdict.FINE else self._patience.quiet_s)

    def _is_new(self, rule: Rule, about: str, window: Window) -> bool:
        """Return whether there is anything bad that no earlier episode has had."""
        if not window.fresh or window.last_bad_at is None:
            return False
        ends = [one.resolved_at for one in self._earlier(rule.NAME, about) if one.resolved_at]
        return not ends or window.last_bad_at > max(ends)

    def _explaining(self, rule: Rule, about: str, window: Window) -> list[Incident]:
        """Return the incidents about whatever this window's bad sightings are put down to."""
        since = window_start(self._at, rule.WINDOW_MINUTES)
        blamed = window.blamed
        return [
            one
            for one in self._known.values()
            if one.rule in rule.EXPLAINED_BY
            and one.about in blamed
            and one.last_seen_at >= since
            and (one.rule, one.about) != (rule.NAME, about)
        ]

    def _aggravate(self, rule: Rule, incident: Incident, window: Window) -> None:
        """Give the greater severity to the incident that is the cause, and no second message."""
        order = list(Severity)
        severity = max(incident.severity, rule.SEVERITY, key=order.index)
        if severity is not incident.severity:
            facts = dict(rule.facts(window)) | incident.facts
            self._note(incident.model_copy(update={"severity": severity, "facts": facts}))

    def _earlier(self, rule: str, about: str) -> list[Incident]:
        """Return the episodes of a thing that ended within the hour."""
        return [
            one
            for one in self._known.values()
            if (one.rule, one.about) == (rule, about) and not _is_open(one)
        ]

    def _open_one(self, rule: str, about: str) -> Incident | None:
        open_ones = (one for one in self._known.values() if _is_open(one))
        return next((one for one in open_ones if (one.rule, one.about) == (rule, about)), None)

    def _note(self, incident: Incident) -> None:
        self._known[incident.incident_id] = self.changed[incident.incident_id] = incident


def in_order(rules: Sequence[Rule], keys: Iterable[Key]) -> list[tuple[Rule, str]]:
    """Return what is to be judged: what may explain other trouble before what it may explain."""
    position = {rule.NAME: number for number, rule in enumerate(rules)}
    named = {rule.NAME: rule for rule in rules}
    # An incident of a rule that is gone has nothing to be judged by: a person ends it.
    known = [key for key in keys if key[0] in named]
    known.sort(key=lambda key: (position[key[0]], key[1] == PLATFORM, key[1]))
    return [(named[rule], about) for rule, about in known]


def _is_open(incident: Incident) -> bool:
    return incident.state is not IncidentState.RESOLVED
