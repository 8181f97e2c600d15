"""When an episode begins, what it counts, what explains it, and when it is over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.watch import rules
from services.watch.episodes import (
    WATCH,
    Board,
    First,
    Patience,
    gathered,
    in_order,
    minute_of,
    window_start,
)
from services.watch.rules.base import Count, Fact, Part, Window
from shared.contracts.incidents import Incident, IncidentState, Severity
from shared.contracts.usage import UsageRecorded
from tests.unit.watch.usages import START, answered, failed, usage

RULES = rules.load()
PATIENCE = Patience(settled_s=20, quiet_s=900)


class World:
    """All that the database keeps between batches, in memory."""

    def __init__(self) -> None:
        self.known: list[Incident] = []
        self.counts: dict[tuple[str, str, datetime, Part], Count] = {}
        self.opened: list[str] = []
        self.resolved: list[str] = []

    def take(self, facts: Iterable[Fact] = (), at: datetime | None = None) -> None:
        facts = list(facts)
        batch = gathered(RULES, facts)
        at = at or max(one.time for one in facts)
        for key, new in batch.counts.items():
            old = self.counts.setdefault(key, Count())
            old.good, old.bad = old.good + new.good, old.bad + new.bad
            old.last_good_at = new.last_good_at or old.last_good_at
            old.last_bad_at = new.last_bad_at or old.last_bad_at
            old.cause = new.cause or old.cause
        board = Board(self.known, at, PATIENCE)
        keys = batch.keys if facts else board.open_keys
        for rule, about in in_order(RULES, keys):
            key2, since = (rule.NAME, about), window_start(at, rule.WINDOW_MINUTES)
            window = self.window(key2, since, at)
            board.judge(
                rule, about, Window(window, batch.fresh(key2, since)), batch.first.get(key2)
            )
        known = {one.incident_id: one for one in self.known} | board.changed
        self.known = list(known.values())
        self.opened += [f"{known[one].rule}/{known[one].about}" for one in board.opened]
        self.resolved += [f"{known[one].rule}/{known[one].about}" for one in board.resolved]

    def window(self, key: tuple[str, str], since: datetime, at: datetime) -> dict[Part, Count]:
        found: dict[Part, Count] = {}
        for (rule, about, minute, part), one in self.counts.items():
            if (rule, about) == key and since <= minute <= at:
                sum_ = found.setdefault(part, Count())
                sum_.good, sum_.bad = sum_.good + one.good, sum_.bad + one.bad
                sum_.last_good_at = latest(sum_.last_good_at, one.last_good_at)
                sum_.last_bad_at = latest(sum_.last_bad_at, one.last_bad_at)
                sum_.cause = one.cause or sum_.cause
        return found

    @property
    def last(self) -> Incident:
        return self.known[-1]


def latest(*times: datetime | None) -> datetime | None:
    return max((one for one in times if one), default=None)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rejected(at: datetime) -> UsageRecorded:
    return usage(failed(error_class="rejected"), at=at)


def away(at: datetime, model: str = "scripted") -> UsageRecorded:
    return usage(failed(model), at=at)


def fine(at: datetime, model: str = "scripted", provider: str = "scripted") -> UsageRecorded:
    return usage(answered(model, provider), at=at)


def test_500_more_failures_are_the_same_incident_with_a_counter() -> None:
    world = World()
    world.take([away(START)])
    for number in range(1, 501):
        world.take([away(after(number / 10))])

    assert world.opened == ["fallback_active/scripted"]
    assert world.last.count == 501
    assert world.last.opened_at == START
    assert world.last.facts["cause"] == "unreachable"


@pytest.mark.parametrize("helped_out", [True, False])
def test_a_dead_provider_is_one_incident_with_and_without_a_fallback(helped_out: bool) -> None:  # noqa: FBT001
    world = World()
    for number in range(100):
        calls = [failed(), *([answered("spare", "local")] if helped_out else [])]
        world.take([usage(*calls, at=after(number))])
    for number in range(100, 800, 10):
        world.take([fine(after(number))])

    assert world.opened == ["fallback_active/scripted"]
    assert world.resolved == ["fallback_active/scripted"]
    assert world.last.severity is (Severity.WARNING if helped_out else Severity.CRITICAL)


def test_all_in_one_batch_is_one_incident_too() -> None:
    world = World()
    world.take(away(after(number / 100)) for number in range(256))

    assert world.opened == ["fallback_active/scripted"]
    assert (world.last.count, world.last.severity) == (256, Severity.CRITICAL)


def test_two_dead_models_of_one_provider_are_one_incident() -> None:
    world = World()
    world.take(away(after(number), "large" if number % 2 else "small") for number in range(60))

    assert world.opened == ["fallback_active/scripted"]


def test_what_one_model_gets_wrong_is_not_told_of_the_platform_once_more() -> None:
    world = World()
    world.take(rejected(after(number)) for number in range(30))

    assert world.opened == ["error_rate/scripted"]
    assert world.last.severity is Severity.CRITICAL


def test_failures_beyond_the_explained_ones_are_an_incident_of_their_own() -> None:
    world = World()
    world.take([away(after(number / 10), "dead") for number in range(30)])
    world.take(
        usage(failed("odd", "other", "rejected"), at=after(10 + number / 10))
        for number in range(30)
    )

    assert world.opened == ["fallback_active/scripted", "error_rate/odd"]


def test_it_is_over_when_all_went_well_for_a_while_and_not_at_the_first_answer() -> None:
    world = World()
    world.take([away(START)])
    world.take([fine(after(1))])
    world.take([fine(after(19.9))])
    assert world.resolved == []

    world.take([fine(after(20))])

    assert world.resolved == ["fallback_active/scripted"]
    assert world.last.state is IncidentState.RESOLVED
    assert (world.last.resolved_by, world.last.resolved_at) == (WATCH, after(20))


def test_time_alone_ends_what_has_recovered_and_what_is_never_asked_again() -> None:
    recovered, forgotten = World(), World()
    recovered.take([away(START), fine(after(1))])
    forgotten.take([away(START)])

    for seconds in (19, 20, 899, 900):
        recovered.take(at=after(seconds))
        forgotten.take(at=after(seconds))
        assert bool(recovered.resolved) == (seconds >= 20)
        assert bool(forgotten.resolved) == (seconds >= 900)


def test_another_model_that_answers_does_not_end_the_trouble_of_the_first() -> None:
    world = World()
    world.take([usage(failed("large", "local"), answered("small", "local"), at=START)])
    for number in range(1, 60):
        world.take([fine(after(number), "small", "local")])

    assert world.resolved == []


def test_a_flapping_provider_has_to_go_well_for_longer_each_time() -> None:
    world = World()
    for minute in range(30):
        world.take([away(after(60 * minute))])
        for second in range(1, 60, 5):
            world.take([fine(after(60 * minute + second))])

    assert len(world.opened) <= 3


def test_what_came_late_opens_nothing_that_was_over() -> None:
    world = World()
    world.take([away(after(5)), fine(after(6))])
    world.take([fine(after(40))])
    assert world.resolved == ["fallback_active/scripted"]

    world.take([away(after(4))], at=after(41))

    assert world.opened == ["fallback_active/scripted"]


def test_trouble_that_goes_on_after_somebody_resolved_it_is_a_new_incident() -> None:
    world = World()
    world.take([away(START)])
    closed = {"state": IncidentState.RESOLVED, "resolved_at": after(5), "resolved_by": "mette"}
    world.known = [world.last.model_copy(update=closed)]

    world.take([away(after(6))])

    assert len(world.opened) == 2
    assert world.last.count == 1


def test_the_error_rate_ends_with_a_good_share_or_an_empty_window() -> None:
    by_share, by_time = World(), World()
    bad = [rejected(after(number / 10)) for number in range(30)]
    by_share.take(bad)
    by_time.take(bad)

    by_share.take(fine(after(30 + number / 10)) for number in range(269))
    assert by_share.resolved == []
    by_share.take([fine(after(60)), fine(after(61))])
    assert by_share.resolved == ["error_rate/scripted"]

    by_time.take(at=after(599))
    assert by_time.resolved == []
    by_time.take(at=after(600))
    assert by_time.resolved == ["error_rate/scripted"]


def test_after_the_provider_is_back_its_old_failures_ring_no_other_bell() -> None:
    world = World()
    world.take(away(after(number / 10)) for number in range(100))
    world.take([fine(after(40))])
    assert world.resolved == ["fallback_active/scripted"]

    world.take([fine(after(41)), rejected(after(42))])

    assert world.opened == ["fallback_active/scripted"]


def test_an_incident_of_a_rule_that_is_gone_is_left_to_people() -> None:
    world = World()
    world.take([away(START)])
    world.known = [world.last.model_copy(update={"rule": "uninstalled"})]

    world.take(at=after(10_000))

    assert world.resolved == []


@given(minutes=st.integers(1, 90), offset_s=st.floats(0, 86_400), age_s=st.floats(0, 7_200))
def test_the_window_slides_by_minutes_and_holds_nothing_older(
    minutes: int, offset_s: float, age_s: float
) -> None:
    at = after(offset_s)
    seen = at - timedelta(seconds=age_s)
    inside = minute_of(seen) >= window_start(at, minutes)

    if age_s <= 60 * (minutes - 1):
        assert inside
    if age_s >= 60 * minutes:
        assert not inside


@given(cut=st.integers(0, 60), order=st.randoms(use_true_random=False))
def test_however_a_stream_is_cut_into_batches_it_is_the_same_incident(
    cut: int,
    order: object,
) -> None:
    usages = [away(after(number / 10)) for number in range(60)]
    order.shuffle(usages)  # type: ignore[attr-defined]
    world = World()
    for part in (usages[:cut], usages[cut:]):
        if part:
            world.take(part, at=after(6))

    assert world.opened == ["fallback_active/scripted"]
    assert (world.last.count, world.last.severity) == (60, Severity.CRITICAL)


def test_a_clock_that_runs_ahead_is_held_to_the_buss() -> None:
    late = away(after(3_600)).as_received(START, None, b"")
    batch = gathered(RULES, [late])
    assert {minute for _, _, minute, _ in batch.counts} == {START}
    assert batch.first["fallback_active", "scripted"] == First(late.id, START)
