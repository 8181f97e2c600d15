"""Which requests count as errors, and where a tenth begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.watch.rules import error_rate
from services.watch.rules.base import PLATFORM, Verdict, Window
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from tests.unit.watch.usages import answered, failed, passed_by, usage

BUDGET_POLICY_AND_CALLERS = (
    *(ErrorCode.BUDGET_EXHAUSTED, ErrorCode.POLICY_RESIDENCY, ErrorCode.SENSITIVITY_LOCAL_ONLY),
    *(ErrorCode.CANCELLED, ErrorCode.INVALID_REQUEST, ErrorCode.QUEUE_FULL, ErrorCode.CONFLICT),
    *(ErrorCode.UNKNOWN_MODEL, ErrorCode.NO_CAPABLE_MODEL, ErrorCode.CONTEXT_TOO_LONG),
)


@given(total=st.integers(1, 5_000), bad=st.integers(0, 5_000))
def test_it_is_trouble_above_a_tenth_of_enough_requests_and_only_then(total: int, bad: int) -> None:
    bad = min(bad, total)
    verdict = error_rate.judged(Window.of(good=total - bad, bad=bad))

    assert (verdict is Verdict.TROUBLE) == (total >= 20 and bad / total > 0.1)
    assert (verdict is Verdict.UNCLEAR) == (total < 20)


@pytest.mark.parametrize(
    ("total", "bad", "verdict"),
    [
        (200, 20, Verdict.FINE),
        (200, 21, Verdict.TROUBLE),
        (1_000, 100, Verdict.FINE),
        (1_000, 101, Verdict.TROUBLE),
        (19, 19, Verdict.UNCLEAR),
        (20, 2, Verdict.FINE),
        (20, 3, Verdict.TROUBLE),
        (2, 1, Verdict.UNCLEAR),
    ],
)
def test_the_boundaries(total: int, bad: int, verdict: Verdict) -> None:
    assert error_rate.judged(Window.of(good=total - bad, bad=bad)) is verdict


@pytest.mark.parametrize("code", BUDGET_POLICY_AND_CALLERS)
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.FAILED])
def test_decisions_and_cancellations_are_not_counted(code: ErrorCode, outcome: Outcome) -> None:
    assert list(error_rate.sightings(usage(failed(), code=code, outcome=outcome))) == []


def test_every_code_is_either_an_error_or_not_counted() -> None:
    others = set(ErrorCode) - error_rate.ERRORS
    assert all(code.is_refusal or code is ErrorCode.CANCELLED for code in others)


def test_a_failure_counts_for_the_platform_and_for_the_model_called_last() -> None:
    sightings = list(error_rate.sightings(usage(failed("a", "one"), failed("b", "two"))))
    assert [(one.about, one.part) for one in sightings] == [
        (PLATFORM, ("two", "b")),
        ("b", ("two",)),
    ]
    assert {one.cause for one in sightings} == {"provider_unavailable"}


def test_a_request_that_another_model_answered_has_not_failed() -> None:
    sightings = list(error_rate.sightings(usage(failed("a", "one"), answered("b", "two"))))
    assert [(one.about, one.is_good) for one in sightings] == [(PLATFORM, True), ("b", True)]


def test_billing_that_cannot_be_reached_is_the_platforms_own_failure() -> None:
    lost = usage(code=ErrorCode.BILLING_UNAVAILABLE, outcome=Outcome.REFUSED)
    (one,) = error_rate.sightings(lost)
    assert (one.about, one.is_good, one.part) == (PLATFORM, False, ())


def test_a_request_that_no_model_was_left_for_is_put_down_to_those_that_are_left_alone() -> None:
    nobody = passed_by("large").model_copy(
        update={
            "attempts": (),
            "outcome": Outcome.FAILED,
            "code": ErrorCode.PROVIDER_UNAVAILABLE,
        }
    )
    (one,) = error_rate.sightings(nobody)
    assert (one.about, one.is_good, one.part) == (PLATFORM, False, ("hosted", "large"))
