"""What goes wrong with a provider call, in the few words that matter for what comes next."""

from enum import StrEnum
from typing import Final

from shared.contracts.errors import ErrorCode


class ErrorClass(StrEnum):
    """Every provider's `classify` maps its errors to these, and nothing else looks at them."""

    UNREACHABLE = "unreachable"
    """No connection: nothing of the request has left."""
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    QUOTA_SPENT = "quota_spent"
    """The account there is out of money or of its monthly share; waiting a minute helps nobody."""
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    CONTEXT_TOO_LONG = "context_too_long"
    REJECTED = "rejected"

    @property
    def may_fall_back(self) -> bool:
        """Return whether another model may do better with the same request."""
        return self is not ErrorClass.REJECTED

    @property
    def may_have_cost(self) -> bool:
        """Return whether the provider may have worked, and may charge, unheard by us."""
        return self in (ErrorClass.TIMEOUT, ErrorClass.BROKEN)

    @property
    def may_be_retried(self) -> bool:
        """Return whether the same model may be asked again: it did not work, and may do so soon."""
        return self in (
            ErrorClass.UNREACHABLE,
            ErrorClass.RATE_LIMITED,
            ErrorClass.OVERLOADED,
            ErrorClass.SERVER_ERROR,
        )

    @property
    def opens_circuit(self) -> bool:
        """Return whether it says that the other side is unwell, rather than busy or asked badly."""
        return self in (
            ErrorClass.UNREACHABLE,
            ErrorClass.UNAUTHORISED,
            ErrorClass.QUOTA_SPENT,
            ErrorClass.OVERLOADED,
            ErrorClass.SERVER_ERROR,
            ErrorClass.TIMEOUT,
            ErrorClass.BROKEN,
        )


_CODES: Final = {
    ErrorClass.CONTEXT_TOO_LONG: ErrorCode.CONTEXT_TOO_LONG,
    ErrorClass.REJECTED: ErrorCode.PROVIDER_REJECTED,
}


def failure_code(
    last: ErrorClass, *, spoken: bool, late: bool, in_house: bool = False
) -> ErrorCode:
    """Return what a caller is told after the last attempt failed.

    `spoken`: part of an answer has reached the caller. `late`: the deadline has passed. `in_house`:
    the text may go nowhere else, so the caller hears that from the first fault on, not only once
    the circuit is open.
    """
    if spoken:
        return ErrorCode.STREAM_BROKEN
    if late:
        return ErrorCode.DEADLINE
    away = ErrorCode.SENSITIVITY_LOCAL_ONLY if in_house else ErrorCode.PROVIDER_UNAVAILABLE
    return _CODES.get(last, away)
