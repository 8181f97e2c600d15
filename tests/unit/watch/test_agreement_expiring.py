"""An agreement that ends is one incident from its first warning on, and not one a day."""

from datetime import timedelta

from services.watch import rules
from services.watch.messages import message
from services.watch.rules import agreement_expiring
from services.watch.store import Kind
from shared.contracts.incidents import Severity
from shared.contracts.providers import ProviderChange
from tests.unit.watch.test_episodes import World
from tests.unit.watch.usages import START, changed

RULES = {rule.NAME: rule for rule in rules.load()}
EXPIRING, EXPIRED = ProviderChange.AGREEMENT_EXPIRING, ProviderChange.AGREEMENT_EXPIRED
DAY = timedelta(days=1)


def test_thirty_days_of_warnings_are_one_incident_that_counts_down() -> None:
    world = World()

    for day in range(33):
        left = 30 - day
        change = EXPIRING if left >= 0 else EXPIRED
        # A router that was started anew may say it some hours earlier or later.
        at = START + day * DAY + timedelta(hours=5 * (day % 3))
        world.take([changed(change, at=at, days_left=left)])
        world.take(at=at + timedelta(hours=12))
        if day == 0:
            assert world.last.facts == {"cause": "agreement_expiring", "days_left": 30}

    assert (world.opened, world.resolved) == (["agreement_expiring/hosted"], [])
    assert world.last.severity is Severity.WARNING
    assert (world.last.count, world.last.facts["cause"]) == (33, "agreement_expired")
    assert world.last.facts["days_over"] == 2


def test_it_is_over_two_days_after_the_last_warning() -> None:
    world = World()
    world.take([changed(EXPIRING, days_left=12)])

    world.take(at=START + DAY + timedelta(hours=23))
    assert world.resolved == []

    world.take(at=START + 2 * DAY + timedelta(minutes=1))
    assert world.resolved == ["agreement_expiring/hosted"]


def test_people_are_told_how_many_days_are_left_and_what_to_do() -> None:
    world = World()
    world.take([changed(EXPIRING, days_left=12)])

    told = message(world.last, Kind.OPENED, RULES)

    assert told.title == "Stellwerk warning: agreement_expiring about hosted"
    assert "Facts: days_left 12" in told.body
    assert f"What to do: {agreement_expiring.ADVICE}" in told.body
