"""What can go wrong at this end, as one tree.

    StellwerkError
    ├── NotSent             the request did not get onto the bus; nothing was spent
    │   ├── InvalidRequest    a field breaks its rule
    │   ├── TooLarge          the payload is over the limit
    │   ├── QueueFull         this app has too many requests waiting
    │   ├── NotAllowed        the bus does not know this key, or forbids the subject
    │   └── BusUnavailable    no confirmation came; sending again with the same id is safe
    ├── NoAnswer            the request was accepted and has no answer to give
    │   ├── Refused           the platform decided against it
    │   ├── Failed            the platform tried and could not
    │   ├── Conflict          the idempotency key was used with another body
    │   ├── StreamBroken      what arrived of a stream is not the whole answer
    │   └── StillWaiting      no result yet; collect it later
    └── CommandError        the command line could not do what was asked
        ├── BadInput          what was typed or read; exit code 2
        ├── NotRunning        no platform runs here
        └── NotFound          the platform knows nothing by this id

The text of each is a sentence that says what was wrong and what to do, and holds no value of a
request. `code` is the contract's own code where it has one, `request_id` the request's.
"""

from uuid import UUID

from shared.contracts.errors import ErrorCode, ErrorDetail


class StellwerkError(Exception):
    code: ErrorCode | None = None

    def __init__(self, sentence: str = "", *, request_id: UUID | None = None) -> None:
        super().__init__(sentence or (self.code.sentence() if self.code else ""))
        self.request_id = request_id


class NotSent(StellwerkError):
    pass


class InvalidRequest(NotSent):
    code = ErrorCode.INVALID_REQUEST


class TooLarge(NotSent):
    code = ErrorCode.TOO_LARGE


class QueueFull(NotSent):
    code = ErrorCode.QUEUE_FULL


class NotAllowed(NotSent):
    pass


class BusUnavailable(NotSent):
    """No confirmation came; `unsure` says that the bus may have the request all the same."""

    code = ErrorCode.BUS_UNAVAILABLE

    def __init__(
        self, sentence: str = "", *, request_id: UUID | None = None, unsure: bool = False
    ) -> None:
        super().__init__(sentence, request_id=request_id)
        self.unsure = unsure


class NoAnswer(StellwerkError):
    pass


class Refused(NoAnswer):
    """The platform decided against the request; `detail` says why and whether to try again."""

    def __init__(self, detail: ErrorDetail, *, request_id: UUID | None = None) -> None:
        super().__init__(detail.message, request_id=request_id)
        self.detail = detail
        self.code = detail.code


class Failed(NoAnswer):
    """The platform tried and could not; `detail` says why and whether to try again."""

    def __init__(self, detail: ErrorDetail, *, request_id: UUID | None = None) -> None:
        super().__init__(detail.message, request_id=request_id)
        self.detail = detail
        self.code = detail.code


class Conflict(NoAnswer):
    code = ErrorCode.CONFLICT


class StreamBroken(NoAnswer):
    code = ErrorCode.STREAM_BROKEN


class StillWaiting(NoAnswer):
    pass


class CommandError(StellwerkError):
    pass


class BadInput(CommandError):
    pass


class NotRunning(CommandError):
    pass


class NotFound(CommandError):
    pass
