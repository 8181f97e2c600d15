"""Who sits at the other end: keys, sealed cookies, the gateway's word on them, and denials.

A session lies in the cookie alone, encrypted and signed, so any replica can read it. It holds what
the gateway is asked again every few seconds: whoever cannot be confirmed is shown nothing.
"""

import base64
import hashlib
import re
import secrets
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
from cryptography.fernet import Fernet, InvalidToken

from services.console.domain import Visitor
from shared.contracts.access import (
    AccessCheck,
    AccessDenied,
    AccessReply,
    Denial,
    Right,
)
from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event
from shared.errors import DependencyDown

DOOR: Final = "console"
KEY: Final = re.compile(r"sw-([a-z0-9]{12})-([A-Za-z0-9]{43})")
CHECKS_KEPT_MAX: Final = 1_000
ADDRESSES_MAX: Final = 10_000
WINDOW_S: Final = 300.0

Ask = Callable[[Command], Awaitable[Reply]]
Clock = Callable[[], float]
Publish = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie holds: whose key it was, and the token that its forms carry."""

    key_id: str
    secret_sha256: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def of_key(cls, text: str) -> "Session | None":
        """Return a new session for a key; None for what is no key."""
        found = KEY.fullmatch(text.strip())
        if found is None:
            return None
        digest = hashlib.sha256(found[2].encode("ascii")).hexdigest()
        return cls(found[1], digest, secrets.token_urlsafe(24))


class Seal:
    """Turns sessions into cookies and back."""

    def __init__(self, key: bytes, seconds_max: float) -> None:
        self.seconds_max = int(seconds_max)
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def sealed(self, session: Session) -> str:
        return self._fernet.encrypt(orjson.dumps(asdict(session))).decode("ascii")

    def opened(self, cookie: str | None, now: float | None = None) -> Session | None:
        """Return the session; None if it is too old, or not one of ours."""
        if not cookie:
            return None
        at = int(time.time() if now is None else now)
        try:
            sealed = self._fernet.decrypt_at_time(cookie, ttl=self.seconds_max, current_time=at)
            return Session(**orjson.loads(sealed))
        except (InvalidToken, TypeError, ValueError):
            return None


class Gatekeeper:
    """Asks the gateway whose key it is, and believes the answer for a few seconds."""

    def __init__(self, ask: Ask, believed_s: float, clock: Clock = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._believed_s = believed_s
        self._known: OrderedDict[tuple[str, str], tuple[Visitor, float]] = OrderedDict()

    async def visitor(self, session: Session) -> Visitor | None:
        """Return who it is; None if the key opens nothing any more, which the gateway records.

        Fails closed: raises `DependencyDown` while the gateway cannot be asked, also for a key that
        was good before. Somebody may have disabled it since.
        """
        key = (session.key_id, session.secret_sha256)
        visitor, asked_at = self._known.get(key, (None, 0.0))
        now = self._clock()
        if visitor is not None and now - asked_at < self._believed_s:
            return visitor
        self._known.pop(key, None)
        reply = await self._ask(
            AccessCheck(
                key_id=session.key_id,
                secret_sha256=session.secret_sha256,
                actor=DOOR,
                reason="sign-in",
            )
        )
        assert isinstance(reply, AccessReply)
        if reply.code is not None or reply.app is None or reply.role is None:
            return None
        visitor = Visitor(reply.tenant, reply.app, reply.role)
        self._known[key] = (visitor, now)
        if len(self._known) > CHECKS_KEPT_MAX:
            self._known.popitem(last=False)
        return visitor


class Attempts:
    """Counts refused keys by address, so that nobody tries many."""

    def __init__(self, failures_max: int, clock: Clock = time.monotonic) -> None:
        self._failures_max = failures_max
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """Return how many seconds an address has to wait; 0 if it may try."""
        failed = self._recent(address)
        if len(failed) < self._failures_max:
            return 0
        return max(1, int(failed[0] + WINDOW_S - self._clock()) + 1)

    def failed(self, address: str) -> None:
        self._failures.setdefault(address, deque()).append(self._clock())
        self._failures.move_to_end(address)
        if len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> Sequence[float]:
        failed = self._failures.get(address, deque())
        while failed and failed[0] < self._clock() - WINDOW_S:
            failed.popleft()
        return failed


class Denials:
    """Gathers pages that stayed shut to a role: a page that asks again and again is one event.

    What is wrong with a key itself, the gateway records when it is asked.
    """

    def __init__(self) -> None:
        self._counted: Counter[tuple[Visitor, str, Right]] = Counter()

    def note(self, visitor: Visitor, key_id: str, right: Right) -> None:
        self._counted[visitor, key_id, right] += 1

    async def publish(self, publish: Publish) -> None:
        """Publish what has gathered; what the bus does not take is counted again."""
        counted, self._counted = self._counted, Counter()
        events = [
            AccessDenied(
                tenant=visitor.tenant,
                app=visitor.app,
                door=DOOR,
                why=Denial.ROLE,
                key_id=key_id,
                right=right,
                count=number,
            )
            for (visitor, key_id, right), number in counted.items()
        ]
        try:
            await publish(events)
        except DependencyDown:
            self._counted.update(counted)
            raise
