"""What a handler may raise, and what the bus does about it.

    BusError
    ├── Transient        tried again after a delay, then dead-lettered
    ├── Permanent        dead-lettered at once, and the caller gets a typed failure
    └── DependencyDown   fetching pauses until it is back; counts as no attempt
        └── Postponed    some messages wait; the others' effects go out, nothing pauses

Anything else a handler raises is a bug: it is tried again like a Transient, and its type and place
are logged, never its text, which could hold personal data.
"""

from collections.abc import Sequence
from uuid import UUID

from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event


class BusError(Exception):
    """The root of what a handler may raise on purpose."""


class Transient(BusError):
    """Raise when the same message may succeed later; `delay_s` overrides the usual backoff."""

    def __init__(self, reason: str, *, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class Permanent(BusError):
    """Raise when no retry can help; `code` is what the caller is told."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.value)
        self.code = code


class DependencyDown(BusError):
    """Raise when a service or server that the work needs is away; all work waits for it."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency)
        self.dependency = dependency


class Postponed(DependencyDown):
    """Raise when only some of a batch must wait: `effects` are those of the others.

    In a slot its one message waits. It comes again after `delay_s`, which may be set.
    """

    delay_s = 2.0  # Longer than what holds up all: others go on meanwhile.

    def __init__(self, dependency: str, effects: Sequence[Event], waiting: set[UUID]) -> None:
        super().__init__(dependency)
        self.effects, self.waiting = effects, waiting
