"""A limit is kept as it is stated, followed as it is told, and found out where nobody says it."""

import pytest

from services.router.limits import CLOSED_S_MIN, RAISED_AFTER, Allowance, Said

ROUND = 1e-6


def spent(allowance: Allowance, now: float, count: int) -> None:
    for _ in range(count):
        allowance.take(now)


def passing(allowance: Allowance, now: float) -> int:
    """Return how many would pass at once."""
    count = 0
    while allowance.wait_s(now) <= 0 and count < 1000:
        allowance.take(now)
        count += 1
    return count


def test_what_nobody_limits_always_passes() -> None:
    allowance = Allowance()

    assert passing(allowance, 0.0) == 1000
    assert allowance.room(0.0) == 1.0
    assert allowance.a_minute is None


def test_a_stated_limit_comes_back_bit_by_bit() -> None:
    allowance = Allowance(stated=60)

    assert passing(allowance, 0.0) == 60
    assert allowance.wait_s(0.0) == pytest.approx(1.0)
    assert allowance.room(0.0) == pytest.approx(0.0)
    assert passing(allowance, 10.0) == 10


def test_who_comes_later_waits_behind_those_before() -> None:
    allowance = Allowance(stated=60)
    spent(allowance, 0.0, 60)

    assert allowance.wait_s(0.0, 1.0, ahead=4) == pytest.approx(5.0)


def test_a_request_that_asks_for_more_than_there_ever_is_waits_for_all_of_it() -> None:
    tokens = Allowance(stated=600)
    tokens.take(0.0, 600)

    assert tokens.wait_s(0.0, 10_000) == pytest.approx(60.0)


def test_replicas_share_a_limit_and_each_has_at_least_one() -> None:
    assert passing(Allowance(stated=60, share=0.5), 0.0) == 30
    alone = Allowance(stated=1, share=0.25)

    assert passing(alone, 0.0) == 1
    # No faster together than the limit: each waits for its quarter.
    assert alone.wait_s(0.0) == pytest.approx(240.0)


def test_what_an_answer_says_is_followed_down_and_up() -> None:
    allowance = Allowance()
    allowance.hear(Said(limit=10, left=9, back_in_s=6.0), 0.0, in_flight=0)
    assert (allowance.a_minute, passing(allowance, 0.0)) == (10, 9)

    allowance.hear(Said(limit=5, left=5, back_in_s=0.0), 10.0, in_flight=0)
    assert (allowance.a_minute, passing(allowance, 10.0)) == (5, 5)

    allowance.hear(Said(limit=40, left=40, back_in_s=0.0), 20.0, in_flight=0)
    assert (allowance.a_minute, passing(allowance, 20.0)) == (40, 40)


def test_the_smaller_of_what_is_stated_and_told_counts() -> None:
    allowance = Allowance(stated=10)
    allowance.hear(Said(limit=100, left=100, back_in_s=0.0), 0.0, in_flight=0)

    assert (allowance.a_minute, passing(allowance, 0.0)) == (10, 10)


def test_calls_in_flight_may_not_be_counted_yet() -> None:
    allowance = Allowance()
    spent(allowance, 0.0, 10)
    allowance.hear(Said(limit=10, left=9, back_in_s=6.0), 0.0, in_flight=9)

    assert passing(allowance, 0.0) <= 9


def test_a_bucket_lets_the_next_pass_long_before_it_is_whole() -> None:
    allowance = Allowance()
    allowance.hear(Said(limit=60, left=0, back_in_s=60.0), 0.0, in_flight=0)

    assert allowance.wait_s(0.0) == pytest.approx(1.0)


def test_a_refusal_for_as_long_as_the_whole_limit_tells_of_a_window() -> None:
    allowance = Allowance()
    allowance.hear(Said(limit=10, left=0, back_in_s=30.0), 0.0, in_flight=0)
    allowance.refuse(Said(limit=10, left=0, back_in_s=30.0), 30.0, 0.0)

    assert allowance.at_once
    assert allowance.wait_s(29.0) == pytest.approx(1.0)
    assert passing(allowance, 30.0 + ROUND) == 10
    # The eleventh in the next window, the twenty-first in the one after.
    assert allowance.wait_s(30.0, 1.0, ahead=10) > allowance.wait_s(30.0, 1.0, ahead=9)


def test_a_short_refusal_leaves_a_bucket_a_bucket() -> None:
    allowance = Allowance()
    allowance.refuse(Said(limit=60, left=0, back_in_s=60.0), 1.0, 0.0)

    assert not allowance.at_once
    assert allowance.wait_s(0.0) == pytest.approx(1.0)


def test_nothing_passes_until_the_moment_that_a_refusal_names() -> None:
    allowance = Allowance()
    allowance.take(0.0)
    allowance.refuse(Said(), 7.0, 0.0)

    assert allowance.wait_s(0.0) == pytest.approx(7.0)
    assert allowance.room(3.0) == 0.0
    assert passing(allowance, 7.0 + ROUND) == 1


def test_refusals_without_a_word_are_waited_out_longer_each_time() -> None:
    allowance = Allowance()
    at, waits = 0.0, []
    for _ in range(4):
        allowance.take(at)
        allowance.refuse(Said(), None, at)
        waits.append(allowance.wait_s(at))
        at += waits[-1] + ROUND

    assert waits == pytest.approx([CLOSED_S_MIN, 2 * CLOSED_S_MIN, 4 * CLOSED_S_MIN, 8])


def test_a_limit_that_nobody_says_is_found_by_what_passed_before() -> None:
    allowance = Allowance()
    spent(allowance, 0.0, 50)
    for _ in range(40):
        allowance.refuse(Said(), 2.0, 0.1)

    assert passing(allowance, 2.2) == 10
    assert allowance.a_minute == 300


def test_what_was_found_is_tried_a_little_higher_after_some_full_windows() -> None:
    allowance = Allowance()
    spent(allowance, 0.0, 30)
    for _ in range(20):
        allowance.refuse(Said(), 1.0, 0.0)
    at, passed = 1.0 + ROUND, []
    for _ in range(RAISED_AFTER + 1):
        passed.append(passing(allowance, at))
        at += 1.1  # A window is taken to be a little longer than was said.

    assert passed == [10] * RAISED_AFTER + [12]


def test_a_window_that_comes_late_is_not_taken_for_a_smaller_one() -> None:
    allowance = Allowance()
    spent(allowance, 0.0, 30)
    for _ in range(20):
        allowance.refuse(Said(), 2.0, 0.0)
    allowance.take(2.0 + ROUND)
    allowance.refuse(Said(), 0.5, 2.1)

    assert allowance.found == 10
    assert passing(allowance, 3.2) == 10


def test_headers_make_guesses_void() -> None:
    allowance = Allowance()
    allowance.take(0.0)
    allowance.refuse(Said(), 1.0, 0.0)
    allowance.hear(Said(limit=600, left=600, back_in_s=0.0), 2.0, in_flight=0)

    assert allowance.a_minute == 600


def test_a_wait_is_never_more_than_an_hour() -> None:
    allowance = Allowance(stated=1)
    spent(allowance, 0.0, 500)

    assert allowance.wait_s(0.0) == 3600.0
