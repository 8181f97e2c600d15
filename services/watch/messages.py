"""What people are told of an incident: only numbers, names of models and sentences of rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.watch.rules.base import Rule
from services.watch.store import Kind
from shared.contracts.incidents import Incident, Severity

SHORT_ID: Final = 8
UNKNOWN_WHAT: Final = "A rule that is not installed here any more found trouble."
UNKNOWN_ADVICE: Final = "Resolve it by hand: there is nothing left to end it."


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `severity` is None for good news."""

    title: str
    body: str
    severity: Severity | None


TEST: Final = Message(
    "Stellwerk: test message",
    "This channel works. Nothing is wrong, and nothing is to be done.",
    None,
)


def message(incident: Incident, kind: Kind, rules: Mapping[str, Rule]) -> Message:
    """Return what is said when an incident opens, and when it is over."""
    rule = rules.get(incident.rule)
    what = rule.WHAT if rule else UNKNOWN_WHAT
    is_over = kind is Kind.RESOLVED
    word = "resolved" if is_over else incident.severity.value
    lines = [f"What: {what}", f"About: {incident.about}", *_times(incident, is_over=is_over)]
    lines += [f"Counted: {incident.count}", f"Cause: {incident.facts.get('cause', 'unknown')}"]
    others = [f"{name} {value}" for name, value in incident.facts.items() if name != "cause"]
    lines += [f"Facts: {', '.join(others)}"] if others else []
    if not is_over:
        lines.append(f"What to do: {rule.ADVICE if rule else UNKNOWN_ADVICE}")
        short = str(incident.incident_id)[:SHORT_ID]
        lines.append(f"Say that you take care of it: stellwerk incident ack {short}")
    lines.append(f"Incident: {incident.incident_id}")
    title = f"Stellwerk {word}: {incident.rule} about {incident.about}"
    return Message(title, "\n".join(lines), None if is_over else incident.severity)


def _times(incident: Incident, *, is_over: bool) -> list[str]:
    since = f"Since: {_clock(incident.opened_at)}"
    if not is_over or incident.resolved_at is None:
        return [since]
    lasted_s = round((incident.resolved_at - incident.opened_at).total_seconds())
    by = "the facts themselves" if incident.resolved_by == "watch" else str(incident.resolved_by)
    return [since, f"Over: {_clock(incident.resolved_at)}, after {lasted_s} s, ended by {by}"]


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
