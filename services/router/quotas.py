"""What a provider lets us ask for, for one model or for all that share it, and who waits for it.

Pure: the clock is the caller's.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.router.limits import Allowance, Said
from services.router.providers.base import Limits
from shared.contracts.routing import StatedLimits

CALL_S_UNKNOWN: Final = 1.0
CALL_S_WEIGHT: Final = 0.2
"""How much the last call counts in how long calls take."""
OVERDUE_S: Final = 0.3
"""Who has not come back by then has come to another replica, or never will."""
_NOTHING: Final = Said()


@dataclass(slots=True)
class Quota:
    """Requests, tokens and calls side by side: all three must have room."""

    requests: Allowance = field(default_factory=Allowance)
    tokens: Allowance = field(default_factory=Allowance)
    side_by_side: int | None = None
    share: float = 1.0
    in_flight: int = 0
    call_s: float = CALL_S_UNKNOWN
    _waiting: dict[UUID, tuple[float, float]] = field(default_factory=dict)
    """By request: when it came to us first, and when it is to be back."""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def stated(self, limits: StatedLimits | None) -> None:
        """Take over what models.yaml says now."""
        self.requests.stated = limits.requests_per_minute if limits else None
        self.tokens.stated = limits.tokens_per_minute if limits else None
        self.side_by_side = limits.side_by_side if limits else None

    def shared(self, share: float) -> None:
        """Use this part of the limits from now on; the others have theirs."""
        self.share = self.requests.share = self.tokens.share = share

    def wait_s(self, now: float, tokens: int, arrived: float) -> float:
        """Return how long a request must wait that came at `arrived`; who came before goes first.

        `arrived` is on any clock, as long as it is the same for all. Who came before but is not
        due before this one could pass holds up nobody: what sleeps on the bus cannot be woken.
        """
        wait_s = self._wait_s(now, tokens, 0)
        if not self._waiting:
            return wait_s
        dues = sorted(
            due for came, due in self._waiting.values() if came < arrived and due + OVERDUE_S > now
        )
        ahead = 0
        later_s = wait_s
        while (before := bisect_right(dues, self.requests.until(now, later_s))) > ahead:
            ahead = before
            later_s = self._wait_s(now, tokens, ahead)
        if wait_s <= 0 and later_s > OVERDUE_S:
            # It would pass if those did not come that are due now: by then they have, or will not.
            overdue = bisect_right(dues, now + OVERDUE_S)
            if self._wait_s(now, tokens, ahead - overdue) <= 0:
                return OVERDUE_S
        return later_s

    def _wait_s(self, now: float, tokens: int, ahead: int) -> float:
        wait_s = self.requests.wait_s(now, 1.0, ahead)
        if self.tokens.limit is not None or self.tokens.closed_until:
            wait_s = max(wait_s, self.tokens.wait_s(now, tokens, ahead * tokens))
        if self.side_by_side is not None:
            side_by_side = max(1.0, self.side_by_side * self.share)
            over = self.in_flight + ahead + 1 - side_by_side
            if over > 0:
                wait_s = max(wait_s, self.call_s * over / side_by_side)
        return wait_s

    def room(self, now: float) -> float:
        """Return from 0 to 1 how much is free."""
        room = min(self.requests.room(now), self.tokens.room(now))
        if self.side_by_side is not None:
            side_by_side = max(1.0, self.side_by_side * self.share)
            room = min(room, max(0.0, 1 - self.in_flight / side_by_side))
        return room

    def take(self, now: float, tokens: int) -> None:
        """Let one request pass."""
        self.in_flight += 1
        self.requests.take(now)
        self.tokens.take(now, tokens)

    def give_back(self, now: float, tokens: int) -> None:
        """Take back a request that was never sent."""
        self.in_flight -= 1
        self.requests.give_back(now)
        self.tokens.give_back(now, tokens)

    def end(self, now: float, took_s: float, unused_tokens: int) -> None:
        """Note that a call is over, and used less, or more, than it was let pass with."""
        self.in_flight -= 1
        self.call_s += CALL_S_WEIGHT * (took_s - self.call_s)
        self.tokens.give_back(now, unused_tokens)

    def hear(self, limits: Limits, now: float) -> None:
        """Believe what an answer says."""
        requests, tokens = _requests(limits), _tokens(limits)
        if requests != _NOTHING:
            self.requests.hear(requests, now, self.in_flight)
        if tokens != _NOTHING:
            self.tokens.hear(tokens, now, 0)

    def refuse(self, limits: Limits | None, retry_after_s: float | None, now: float) -> None:
        """Let nothing pass for a while; the limit that is used up is the one that is adjusted."""
        limits = limits or Limits()
        tokens = _tokens(limits)
        if tokens.left == 0 and limits.requests_left != 0:
            self.tokens.refuse(tokens, retry_after_s, now)
        else:
            self.requests.refuse(_requests(limits), retry_after_s, now)

    # --- who waits ---------------------------------------------------------------------------

    def queue(self, request_id: UUID, arrived: float, due: float) -> None:
        """Note that a request waits."""
        self._waiting[request_id] = arrived, due

    def leave(self, request_id: UUID) -> None:
        """Note that a request is back, or waits no more."""
        self._waiting.pop(request_id, None)

    def forget_overdue(self, now: float) -> None:
        """Forget who has come back to somebody else."""
        late = [one for one, (_, due) in self._waiting.items() if due + OVERDUE_S < now]
        for request_id in late:
            self.leave(request_id)


def _requests(limits: Limits) -> Said:
    return Said(limits.requests_a_minute, limits.requests_left, limits.requests_back_in_s)


def _tokens(limits: Limits) -> Said:
    return Said(limits.tokens_a_minute, limits.tokens_left, limits.tokens_back_in_s)
