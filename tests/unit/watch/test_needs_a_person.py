"""What may only be read in the house and could not be, is told to people at once and once."""

from datetime import timedelta

from services.watch import rules
from services.watch.messages import message
from services.watch.rules import needs_a_person
from services.watch.store import Kind
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.usage import UsageRecorded
from tests.unit.watch.test_episodes import World, after
from tests.unit.watch.usages import START, answered, usage

RULES = {rule.NAME: rule for rule in rules.load()}


def refused(
    code: ErrorCode = ErrorCode.SENSITIVITY_LOCAL_ONLY, after_s: float = 0, use_case: str = "notes"
) -> UsageRecorded:
    one = usage(at=after(after_s), code=code, outcome=Outcome.REFUSED)
    return one.model_copy(update={"use_case": use_case})


def test_one_such_request_is_enough_and_its_app_is_named() -> None:
    world = World()

    world.take([refused(), refused(use_case="intake"), usage(answered())])

    assert world.opened == ["needs_a_person/default/letters"]
    told = message(world.last, Kind.OPENED, RULES)
    assert "Facts: requests 2, use_cases intake notes" in told.body
    assert f"What to do: {needs_a_person.ADVICE}" in told.body


def test_other_refusals_are_nobodys_work() -> None:
    world = World()
    codes = set(ErrorCode) - {ErrorCode.SENSITIVITY_LOCAL_ONLY}
    world.take([refused(code) for code in codes])
    assert not any(one.startswith("needs_a_person") for one in world.opened)


def test_answers_to_others_do_not_end_it_and_a_day_does() -> None:
    world = World()
    world.take([refused()])

    world.take([usage(answered(), at=after(3_600))])
    world.take(at=START + timedelta(hours=23))
    assert world.resolved == []

    world.take(at=START + timedelta(hours=24, minutes=1))
    assert world.resolved == ["needs_a_person/default/letters"]


def test_more_of_them_on_the_same_day_are_counted_and_not_told_again() -> None:
    world = World()
    for hour in range(6):
        world.take([refused(after_s=3_600 * hour)])

    assert world.opened == ["needs_a_person/default/letters"]
    assert world.last.count == 6
