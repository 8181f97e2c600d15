"""What an error means for the next attempt, for the bill and for the caller."""

import pytest

from services.router.faults import ErrorClass, failure_code
from shared.contracts.errors import ErrorCode


@pytest.mark.parametrize(
    ("error_class", "verdict"),
    [
        (ErrorClass.UNREACHABLE, (True, False)),
        (ErrorClass.RATE_LIMITED, (True, False)),
        (ErrorClass.OVERLOADED, (True, False)),
        (ErrorClass.SERVER_ERROR, (True, False)),
        (ErrorClass.UNAUTHORISED, (True, False)),
        (ErrorClass.CONTEXT_TOO_LONG, (True, False)),
        (ErrorClass.TIMEOUT, (True, True)),
        (ErrorClass.BROKEN, (True, True)),
        (ErrorClass.REJECTED, (False, False)),
    ],
)
def test_an_error_says_whether_to_fall_back_and_whether_it_may_have_cost(
    error_class: ErrorClass, verdict: tuple[bool, bool]
) -> None:
    assert (error_class.may_fall_back, error_class.may_have_cost) == verdict


def test_an_answer_that_has_begun_never_ends_as_anything_but_broken() -> None:
    codes = {failure_code(one, spoken=True, late=True) for one in ErrorClass}

    assert codes == {ErrorCode.STREAM_BROKEN}


def test_a_late_failure_is_a_missed_deadline() -> None:
    assert failure_code(ErrorClass.TIMEOUT, spoken=False, late=True) is ErrorCode.DEADLINE


@pytest.mark.parametrize(
    ("last", "in_house", "code"),
    [
        (ErrorClass.UNREACHABLE, False, ErrorCode.PROVIDER_UNAVAILABLE),
        (ErrorClass.UNREACHABLE, True, ErrorCode.SENSITIVITY_LOCAL_ONLY),
        (ErrorClass.TIMEOUT, True, ErrorCode.SENSITIVITY_LOCAL_ONLY),
        (ErrorClass.REJECTED, True, ErrorCode.PROVIDER_REJECTED),
        (ErrorClass.CONTEXT_TOO_LONG, True, ErrorCode.CONTEXT_TOO_LONG),
    ],
)
def test_who_may_only_ask_the_house_model_hears_so_when_it_fails(
    last: ErrorClass, *, in_house: bool, code: ErrorCode
) -> None:
    assert failure_code(last, spoken=False, late=False, in_house=in_house) is code
