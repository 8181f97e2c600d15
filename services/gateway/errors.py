"""What the door answers in place of a result.

    Exception
    ├── Problem       refused or failed; each dialect has its own form for it
    └── CallerLeft    the connection is closed: nobody is left to answer

No sentence holds a value of the request: it says which parameter is meant and what to do.
"""

from typing import Self

from shared.contracts.errors import ErrorCode
from stellwerk.errors import Failed, Refused, StellwerkError, StillWaiting


class Problem(Exception):
    """Why a request has no result, as its caller is told."""

    def __init__(
        self,
        code: ErrorCode,
        sentence: str = "",
        *,
        param: str | None = None,
        status: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(sentence or code.sentence())
        self.code = code
        self.param = param
        self.status = status or code.http_status
        self.retry_after_s = code.retry_after_s
        self.allow = allow

    @property
    def sentence(self) -> str:
        return str(self)

    @property
    def retryable(self) -> bool:
        return self.retry_after_s is not None

    @classmethod
    def of(cls, error: StellwerkError) -> Self:
        """Return what a caller is told of an error on the way to the bus or back."""
        code = error.code or ErrorCode.INTERNAL
        if isinstance(error, StillWaiting):
            return cls(ErrorCode.DEADLINE)
        if isinstance(error, Refused | Failed):
            told = cls(code, error.detail.message, status=error.detail.http_status)
            told.retry_after_s = error.detail.retry_after_s
            told.param = "model" if code is ErrorCode.UNKNOWN_MODEL else None
            return told
        return cls(code)


class CallerLeft(Exception):
    """Nobody is left to answer."""
