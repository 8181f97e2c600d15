"""How much one limit lets through: as stated, as the provider says, or as its refusals teach.

A limit comes back either bit by bit (a token bucket, as OpenAI and Anthropic have) or all at once
(so many in each window). Answers do not say which, but a refusal does: who must wait for as long as
the limit needs to be whole again has met a window.

Pure: the clock is the caller's, and nothing here waits.
"""

import math
from dataclasses import dataclass
from typing import Final

MINUTE_S: Final = 60.0
CLOSED_S_MIN: Final = 1.0
"""After a refusal that does not say for how long; doubled with each that follows."""
CLOSED_S_MAX: Final = 60.0
WAIT_S_MAX: Final = 3600.0
AT_ONCE_SHARE: Final = 0.5
"""A refusal for longer than this part of the time to the whole limit tells of a window."""
EDGE_SHARE: Final = 0.05
EDGE_S_MAX: Final = 0.25
"""So much longer a window is taken to be: who comes a moment too early is refused."""
RAISED_BY: Final = 1.25
RAISED_AFTER: Final = 4
"""What refusals taught is tried a little higher after so many full windows without one."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one answer says of one limit. `back_in_s` is how long until it is whole again."""

    limit: int | None = None
    left: int | None = None
    back_in_s: float | None = None


@dataclass(slots=True)
class Allowance:
    """One limit, as far as this replica may use it."""

    stated: int | None = None
    """A minute, by models.yaml."""
    told: int | None = None
    """By the provider's last answer that said so."""
    found: int | None = None
    """By refusals of a provider that says nothing: so many in `window_s`."""
    share: float = 1.0
    """This replica's part, where several use the same limit."""
    level: float = math.inf
    window_s: float = MINUTE_S
    at_once: bool = False
    closed_until: float = 0.0
    _rate: float | None = None
    _whole_at: float | None = None
    _at: float = 0.0
    _taken: int = 0
    _refused: int = 0
    _closings: int = 0
    _unrefused: int = 0

    @property
    def limit(self) -> int | None:
        """Return the smallest limit that is known, of all replicas together."""
        known = [one for one in (self.stated, self.told, self.found) if one is not None]
        return min(known, default=None)

    @property
    def is_unknown(self) -> bool:
        """Return whether there is no limit that anybody knows."""
        return self.stated is None and self.told is None and self.found is None

    @property
    def a_minute(self) -> int | None:
        """Return the limit as others are told of it; windows of our own finding are scaled."""
        limit = self.limit
        if limit is None or limit != self.found or self.told is not None:
            return limit
        return max(1, round(limit * MINUTE_S / self.window_s))

    @property
    def capacity(self) -> float:
        """Return how much there can be at most; never less than one, or nobody would ever pass."""
        limit = self.limit
        return math.inf if limit is None else max(1.0, limit * self.share)

    def room(self, now: float) -> float:
        """Return from 0 to 1 how much is left."""
        if now < self.closed_until:
            return 0.0
        if self.is_unknown:
            return 1.0
        self._refill(now)
        return min(max(self.level / self.capacity, 0.0), 1.0)

    def wait_s(self, now: float, amount: float = 1.0, ahead: float = 0.0) -> float:
        """Return how long until `amount` may pass when `ahead` passes first; 0 means now."""
        closed_s = max(0.0, self.closed_until - now)
        if self.is_unknown:
            return closed_s
        capacity = self.capacity
        self._refill(now)
        lacks = min(amount, capacity) + ahead - self.level
        if lacks <= 0:
            return closed_s
        return min(max(closed_s, self._back_in_s(lacks, now)), WAIT_S_MAX)

    def until(self, now: float, wait_s: float) -> float:
        """Return until when others take of what is there after `wait_s`."""
        if not self.at_once:
            return now + wait_s
        # Who is due when the next window begins takes of that one.
        whole_at = self._whole_at if self._whole_at is not None else now + self.window_s
        ends = whole_at if wait_s <= 0 else now + wait_s + self.window_s
        return ends - EDGE_SHARE * self.window_s

    def take(self, now: float, amount: float = 1.0) -> None:
        """Let something pass."""
        if not self.is_unknown:
            self._refill(now)
            self.level -= min(amount, self.capacity)
        if now >= self.closed_until and self._refused:
            self._taken = self._refused = 0
        self._taken += 1
        if self.at_once and self._whole_at is None:
            self._whole_at = now + self.window_s + min(EDGE_SHARE * self.window_s, EDGE_S_MAX)

    def give_back(self, now: float, amount: float = 1.0) -> None:
        """Take back what did not pass, or was counted too high."""
        if self.is_unknown:
            return
        self._refill(now)
        self.level = min(self.level + amount, self.capacity)

    def hear(self, said: Said, now: float, in_flight: int) -> None:
        """Believe what an answer says; calls in flight may or may not be counted in it."""
        self._refill(now)
        self._closings = 0
        if said.limit is not None and said.limit > 0:
            self.told, self.found = said.limit, None
        if said.left is not None and self.told is not None:
            left = said.left * self.share
            self.level = min(max(self.level, left - in_flight), left, self.capacity)
        if said.back_in_s is None:
            return
        if said.left == 0 and self.told is None:
            self.closed_until = max(self.closed_until, now + said.back_in_s)
        self._whole_at = now + said.back_in_s
        if self.at_once:
            self.window_s = max(self.window_s, said.back_in_s)
        gone = (self.limit or 0) - (said.left or 0)
        if said.left is not None and gone > 0 and said.back_in_s > 0:
            self._rate = gone * self.share / said.back_in_s

    def refuse(self, said: Said, retry_after_s: float | None, now: float) -> None:
        """Let nothing pass for a while: the provider has answered 429."""
        self._refill(now)
        again = now < self.closed_until
        self._refused += 1
        if said.limit is not None:
            self.told, self.found = said.limit, None
        if retry_after_s is not None and said.back_in_s is not None:
            self._learn_shape(retry_after_s, said.back_in_s)
        wait_s = retry_after_s if retry_after_s is not None else said.back_in_s
        if wait_s is None:
            # Others were on their way when the first was refused.
            wait_s = 0.0 if again else min(CLOSED_S_MIN * 2**self._closings, CLOSED_S_MAX)
        if not again:
            self._closings += 1
        self.closed_until = max(self.closed_until, now + wait_s)
        self.level = min(self.level, 0.0)
        if self.told is None:
            self._learn_size(again=again, now=now)
        elif self.at_once:
            self._whole_at = self.closed_until

    def _learn_shape(self, retry_after_s: float, back_in_s: float) -> None:
        self.at_once = retry_after_s >= AT_ONCE_SHARE * back_in_s
        if self.at_once:
            self.window_s = max(retry_after_s, back_in_s)

    def _learn_size(self, *, again: bool, now: float) -> None:
        """Take what passed before the refusals for what passes: nobody says any better."""
        # Of this replica's own calls; the others let pass as many.
        passed = max(1, round((self._taken - self._refused) / self.share))
        self._unrefused = 0
        if self.found is None:
            self.found = passed
        elif self._taken > self._refused:
            self.found = passed if again else min(self.found, passed)
        # Else none has passed in this window yet: it is later than was thought, not smaller.
        self.at_once = True
        self.window_s = max(self.closed_until - now, CLOSED_S_MIN)
        self._whole_at = self.closed_until
        self.level = 0.0

    def _refill(self, now: float) -> None:
        capacity = self.capacity
        if self._whole_at is not None and now >= self._whole_at:
            self._try_higher(now)
            capacity = self.capacity
            self.level, self._whole_at, self._rate = capacity, None, None
        elif not self.at_once and capacity != math.inf:
            self.level += self._rate_now(capacity) * max(0.0, now - self._at)
        self.level = min(self.level, capacity)
        self._at = now

    def _try_higher(self, now: float) -> None:
        """Look whether a window that is over was full, and let more pass if several were."""
        if self.found is None or self._refused or now < self.closed_until:
            return
        self._unrefused += self._taken >= self.found * self.share
        self._taken = 0
        if self._unrefused >= RAISED_AFTER:
            self.found = max(self.found + 1, int(self.found * RAISED_BY))
            self._unrefused = 0

    def _back_in_s(self, lacks: float, now: float) -> float:
        """Return how long until so much more is there."""
        capacity = self.capacity
        if not self.at_once:
            return lacks / self._rate_now(capacity)
        whole_at = self._whole_at if self._whole_at is not None else now + self.window_s
        windows = math.ceil(lacks / capacity) - 1
        return whole_at - now + windows * self.window_s

    def _rate_now(self, capacity: float) -> float:
        limit = self.limit
        by_limit = capacity / MINUTE_S if limit is None else limit * self.share / MINUTE_S
        return self._rate if self._rate is not None else by_limit
