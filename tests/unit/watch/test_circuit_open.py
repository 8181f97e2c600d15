"""When a model that is left alone is an incident of its own, and when it is over."""

from services.watch.rules import circuit_open
from services.watch.rules.base import Sighting
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Severity
from shared.contracts.providers import ProviderChange
from tests.unit.watch.test_episodes import World, after
from tests.unit.watch.usages import answered, changed, failed, passed_by, usage

OPENED, CLOSED = ProviderChange.CIRCUIT_OPENED, ProviderChange.CIRCUIT_CLOSED


def test_an_open_circuit_is_an_incident_about_its_model_and_names_the_fault() -> None:
    world = World()

    world.take([changed(OPENED, model="large", error_class="unauthorised")])

    assert world.opened == ["circuit_open/large"]
    assert world.last.facts == {"cause": "unauthorised", "provider": "hosted", "left_out": 0}


def test_requests_that_pass_it_by_are_counted_and_keep_it_open() -> None:
    world = World()
    world.take([changed(OPENED, model="large", error_class="quota_spent")])

    for minute in range(1, 31):
        world.take([passed_by("large", after(60 * minute))])
    world.take(at=after(60 * 30 + 800))

    assert (world.opened, world.resolved) == (["circuit_open/large"], [])
    assert world.last.facts == {"cause": "quota_spent", "provider": "hosted", "left_out": 30}


def test_it_is_over_once_the_circuit_has_closed() -> None:
    world = World()
    world.take([changed(OPENED, model="large", error_class="unauthorised")])
    world.take([passed_by("large", after(30))])

    world.take([changed(CLOSED, model="large", at=after(40))])
    world.take(at=after(61))

    assert world.resolved == ["circuit_open/large"]


def test_a_router_that_died_with_an_open_circuit_leaves_no_incident_behind() -> None:
    world = World()
    world.take([changed(OPENED, model="large", error_class="unauthorised")])

    world.take([usage(answered(), at=after(600))])
    world.take(at=after(901))

    assert world.resolved == ["circuit_open/large"]


def test_a_dead_provider_stays_one_incident() -> None:
    world = World()
    world.take([usage(failed("large", "hosted"))])

    world.take([changed(OPENED, model="large", error_class="unreachable", at=after(5))])

    assert world.opened == ["fallback_active/hosted"]


def test_a_model_that_is_left_alone_and_alone_in_its_plan_is_one_critical_incident() -> None:
    world = World()
    world.take([changed(OPENED, model="large", error_class="unauthorised")])

    for second in range(1, 41):
        nobody = {"attempts": (), "outcome": Outcome.FAILED, "code": ErrorCode.PROVIDER_UNAVAILABLE}
        world.take([passed_by("large", after(second)).model_copy(update=nobody)])

    assert world.opened == ["circuit_open/large"]
    assert world.last.severity is Severity.CRITICAL


def test_other_news_of_a_provider_say_nothing_of_a_circuit() -> None:
    for change in set(ProviderChange) - {OPENED, CLOSED}:
        assert list(circuit_open.sightings(changed(change, model="large"))) == []
    assert list(circuit_open.sightings(changed(OPENED))) == []
    (one,) = circuit_open.sightings(passed_by("large"))
    assert one == Sighting("large", False, ("hosted", "left-out"), "circuit_open")  # noqa: FBT003
