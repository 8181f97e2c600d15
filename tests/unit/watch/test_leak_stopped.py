"""What watch says of a stopped leak: which app and which kinds of values, and nothing else."""

from services.watch import rules
from services.watch.messages import message
from services.watch.rules import leak_stopped
from services.watch.rules.base import Verdict
from services.watch.store import Kind
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from tests.unit.watch.test_episodes import World, after
from tests.unit.watch.usages import answered, leak, usage

RULES = {rule.NAME: rule for rule in rules.load()}


def test_one_leak_opens_a_critical_incident_about_its_app() -> None:
    world = World()

    world.take([leak("phone", "person"), leak("cpr", app="crm")])

    assert sorted(world.opened) == ["leak_stopped/default/crm", "leak_stopped/default/letters"]
    assert {one.severity for one in world.known} == {Severity.CRITICAL}
    facts = {one.about: one.facts["types"] for one in world.known}
    assert facts == {"default/crm": "cpr", "default/letters": "person phone"}


def test_what_the_router_stops_is_a_leak_too() -> None:
    world = World()

    world.take([usage(code=ErrorCode.LEAK_CHECK, outcome=Outcome.REFUSED), usage(answered())])

    assert world.opened == ["leak_stopped/default/letters"]
    assert world.last.facts["types"] == "identifier"


def test_more_leaks_of_an_episode_count_and_add_their_kinds() -> None:
    world = World()

    world.take([leak("phone")])
    world.take([leak("iban", at=after(60)), leak("phone", at=after(61))])

    (incident,) = world.known
    assert (incident.count, incident.facts["types"]) == (3, "iban phone")


def test_requests_that_go_well_do_not_end_it_but_a_quiet_quarter_of_an_hour_does() -> None:
    world = World()
    world.take([leak()])

    world.take([usage(answered(), at=after(600))])
    world.take(at=after(899))
    assert world.resolved == []

    world.take(at=after(901))
    assert world.resolved == ["leak_stopped/default/letters"]


def test_people_are_told_the_app_the_kinds_and_what_to_do() -> None:
    world = World()
    world.take([leak("person", "cpr")])

    told = message(world.last, Kind.OPENED, RULES)

    assert told.title == "Stellwerk critical: leak_stopped about default/letters"
    assert "Facts: types cpr person" in told.body
    assert f"What to do: {leak_stopped.ADVICE}" in told.body


def test_the_longest_names_still_make_an_incident() -> None:
    world = World()
    world.take([leak(*(f"{'kind' * 15}-{number}" for number in range(9)), app="a" * 64)])
    assert world.last.about.startswith("default/a")
    assert leak_stopped.judged(leak_stopped.EXAMPLES[0].window) is Verdict.TROUBLE
