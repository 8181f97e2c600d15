"""What people are told holds all they need, and nothing that a person wrote."""

from services.watch import rules
from services.watch.messages import message
from services.watch.store import Kind
from shared.contracts.incidents import Incident, IncidentState, Severity
from shared.contracts.values import new_id
from tests.unit.watch.usages import START

RULES = {rule.NAME: rule for rule in rules.load()}
INCIDENT = Incident(
    incident_id=new_id(),
    rule="fallback_active",
    severity=Severity.WARNING,
    about="scripted",
    opened_at=START,
    last_seen_at=START,
    count=7,
    facts={"cause": "unreachable", "model": "scripted-503"},
)


def test_the_message_says_what_since_when_how_often_why_and_what_to_do() -> None:
    told = message(INCIDENT, Kind.OPENED, RULES)

    assert told.title == "Stellwerk warning: fallback_active about scripted"
    assert told.severity is Severity.WARNING
    assert told.body.splitlines()[:7] == [
        f"What: {RULES['fallback_active'].WHAT}",
        "About: scripted",
        "Since: 2026-11-24 09:00:00 UTC",
        "Counted: 7",
        "Cause: unreachable",
        "Facts: model scripted-503",
        f"What to do: {RULES['fallback_active'].ADVICE}",
    ]


def test_the_end_says_how_long_it_was_and_who_ended_it() -> None:
    ended = {"state": IncidentState.RESOLVED, "resolved_at": START, "resolved_by": "karla"}
    told = message(INCIDENT.model_copy(update=ended), Kind.RESOLVED, RULES)

    assert told.severity is None
    assert "Over: 2026-11-24 09:00:00 UTC, after 0 s, ended by karla" in told.body
    assert "What to do" not in told.body


def test_an_incident_of_a_rule_that_is_gone_is_told_all_the_same() -> None:
    told = message(INCIDENT, Kind.OPENED, {})
    assert "not installed here any more" in told.body
    assert "Resolve it by hand" in told.body
