"""The keys of all apps in memory, so that no request waits for the database.

While the database is away the keys that are known go on working, as they were. That is on purpose:
a request needs no database until it is billed, and billing decides for itself.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from datetime import datetime
from typing import Final

from services.gateway import store
from services.gateway.domain import Denials, KnownKey, Presented, denial, may_ask, presented
from shared.contracts.access import Denial, Right
from shared.contracts.values import now
from shared.db import Database
from shared.errors import DependencyDown

_log = logging.getLogger(__name__)

LOOK_BACK_S: Final = 60.0
"""Twice as long as a statement may run: what was changed before and committed since is seen."""
NEXT_LOOK_S_MAX: Final = 1.5
REFUSED_S: Final = 2.0
"""So long a key that was refused is refused again without a look: a client that goes on trying."""
REFUSED_MAX: Final = 4_096
WAITING_MAX: Final = 256
"""So many keys that open nothing wait for the next look. A flood of made-up keys is turned away,
and no key that is known ever waits here."""
DOOR: Final = "gateway"


class Keyring:
    """Opens the door to known keys; `follow` keeps them up to date."""

    def __init__(self, database: Database, denials: Denials, every_s: float) -> None:
        self._database = database
        self._denials = denials
        self._every_s = every_s
        self._keys: dict[str, KnownKey] = {}
        self._since: datetime | None = None
        self._next_look = asyncio.Event()
        self._waiting = 0
        self._refused: OrderedDict[Presented, float] = OrderedDict()

    async def load(self) -> None:
        """Read all keys; raise `DependencyDown` while the database is away."""
        await self._look()

    async def follow(self) -> None:
        """Look for what has changed again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._look()
            except DependencyDown:
                # What comes back may be another server, which had not heard the last of this one.
                self._since = None

    async def admit(self, text: str) -> KnownKey | Denial | None:
        """Return whose key this is, or why it opens nothing; None if too many wait to hear that.

        A key that opens nothing is tried once more after the next look: it may have been made a
        moment ago, at another replica. All of them wait alike, so that the time tells nothing.
        """
        shown = presented(text)
        if shown is None:
            self._denials.note(DOOR, Denial.UNKNOWN_KEY, None)
            return Denial.UNKNOWN_KEY
        known, why = self._judge(shown)
        if why is not None and not self._was_refused(shown):
            if self._waiting >= WAITING_MAX:
                return None
            await self._looked_again()
            known, why = self._judge(shown)
            if why is not None:
                self._refuse(shown)
        if known is not None and why is None:
            return self._with_right(known)
        assert why is not None
        self._denials.note(DOOR, why, known)
        return why

    def _judge(self, shown: Presented) -> tuple[KnownKey | None, Denial | None]:
        known = self._keys.get(shown.key_id)
        return known, denial(known, shown.secret_sha256, now())

    def _with_right(self, known: KnownKey) -> KnownKey | Denial:
        if may_ask(known):
            return known
        self._denials.note(DOOR, Denial.ROLE, known, Right.ASK)
        return Denial.ROLE

    def _was_refused(self, shown: Presented) -> bool:
        at = self._refused.get(shown)
        return at is not None and at > time.monotonic() - REFUSED_S

    def _refuse(self, shown: Presented) -> None:
        self._refused[shown] = time.monotonic()
        self._refused.move_to_end(shown)
        if len(self._refused) > REFUSED_MAX:
            self._refused.popitem(last=False)

    async def _looked_again(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(NEXT_LOOK_S_MAX):
                await self._next_look.wait()
        except TimeoutError:
            return  # The database is away: what is not known by now opens nothing.
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        # Whoever begins to wait from here on waits for the next look, which sees all until then.
        looked, self._next_look = self._next_look, asyncio.Event()
        since = self._since
        try:
            async with self._database.transaction() as tx:
                found, self._since = await store.read_keys(tx, since, LOOK_BACK_S)
        finally:
            looked.set()
        if since is None:
            self._keys = {key.key_id: key for key in found}
            _log.info("keys loaded", extra={"facts": {"keys": len(found)}})
        else:
            self._keys.update((key.key_id, key) for key in found)
