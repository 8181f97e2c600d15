"""Which calls are a provider's trouble, and which are not."""

import pytest

from services.watch.rules import error_rate, fallback_active
from services.watch.rules.base import Sighting, Verdict, Window
from shared.contracts.errors import ErrorCode
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import new_id
from tests.unit.watch.usages import answered, failed, usage


def seen(*attempts: Attempt, code: ErrorCode | None = None) -> list[Sighting]:
    return list(fallback_active.sightings(usage(*attempts, code=code)))


def test_another_model_answered_because_the_first_one_failed() -> None:
    bad, good = seen(failed("large", "hosted", "rate_limited"), answered("small", "local"))
    assert (bad.about, bad.part, bad.cause, bad.is_good) == (
        "hosted",
        ("large",),
        "rate_limited",
        False,
    )
    assert (good.about, good.is_good) == ("local", True)


@pytest.mark.parametrize(
    "error_class", ["unreachable", "overloaded", "timeout", "server_error", "broken"]
)
def test_a_provider_that_is_away_is_trouble_though_nobody_helps_out(error_class: str) -> None:
    assert [one.is_good for one in seen(failed(error_class=error_class))] == [False]


@pytest.mark.parametrize("error_class", ["rejected", "rate_limited", "unauthorised"])
def test_other_failures_without_a_fallback_are_left_to_the_error_rate(error_class: str) -> None:
    assert seen(failed(error_class=error_class)) == []


def test_a_text_too_long_for_one_model_is_no_trouble_of_its_provider() -> None:
    sightings = seen(failed("short", "local", "context_too_long"), answered("long", "hosted"))
    assert [one.is_good for one in sightings] == [True]


@pytest.mark.parametrize(("spent_ms", "told"), [(50, []), (9_999, []), (10_000, [False])])
def test_a_caller_in_a_hurry_is_no_trouble_of_the_provider(spent_ms: int, told: list[bool]) -> None:
    late = usage(failed(error_class="timeout"), code=ErrorCode.DEADLINE)
    late = late.model_copy(update={"queued_ms": 1, "provider_ms": spent_ms - 1})
    assert [one.is_good for one in fallback_active.sightings(late)] == told
    assert [one.is_good for one in error_rate.sightings(late)] == told * 2


def test_a_provider_that_breaks_under_a_hurried_caller_is_trouble_all_the_same() -> None:
    late = usage(failed(error_class="server_error"), code=ErrorCode.DEADLINE)
    assert [one.is_good for one in fallback_active.sightings(late)] == [False]


@pytest.mark.parametrize("outcome", [AttemptOutcome.CANCELLED, AttemptOutcome.UNKNOWN])
def test_a_call_that_was_broken_off_says_nothing(outcome: AttemptOutcome) -> None:
    call = Attempt(id=new_id(), model="scripted", provider="scripted", outcome=outcome)
    assert seen(call, code=ErrorCode.CANCELLED) == []


def test_a_provider_is_well_again_only_when_every_model_that_failed_has_answered() -> None:
    (count,) = Window.of(good=1, bad=1, recovered=True).parts.values()
    (still_bad,) = Window.of(good=0, bad=1).parts.values()

    both = Window({("large",): count, ("small",): still_bad})

    assert fallback_active.judged(both) is Verdict.UNCLEAR
    assert fallback_active.judged(Window({("large",): count})) is Verdict.FINE
