"""The call ledger as handlers see it: what waits is committed together, an outage is sat out."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Final, Protocol, TypeVar

from services.router import store
from services.router.commits import GroupCommit
from services.router.rows import Claim, End, Ending
from services.router.store import Claimed, Step
from shared.contracts.stores import MASKED_RETENTION_S
from shared.contracts.values import now
from shared.db import Database
from shared.errors import DependencyDown

RETRY_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
DATABASE: Final = "postgresql"
AWAY: Final = "the database is away: requests wait for it"
FORGET_EVERY_S: Final = 600.0
KEPT_S: Final = MASKED_RETENTION_S + 24 * 3600
Result = TypeVar("Result")


class Ledger(Protocol):
    """Remembers every call before it is made and every end before it is published."""

    async def claim(self, claim: Claim, deadline: datetime) -> Claimed:
        """Begin a request. Raises `DependencyDown` if that is not possible before `deadline`."""

    async def step(self, step: Step, deadline: datetime) -> None:
        """Go from one call to the next. Raises `DependencyDown` as `claim` does."""

    async def end(self, end: End) -> Ending:
        """End a request and return how it has ended: as said here, or as somebody else wrote."""


class DatabaseLedger:
    """The ledger in PostgreSQL.

    While the database is away the same write is tried again with the same identifiers, so that one
    which was committed before the connection broke is recognised.
    """

    def __init__(self, database: Database, notes: MutableMapping[str, str]) -> None:
        """Remember the database; an outage stands in `notes`, so that readiness knows of it."""
        self._database = database
        self._notes = notes
        self._claims = GroupCommit(database, store.claim)
        self._steps = GroupCommit(database, store.step)
        self._ends = GroupCommit(database, store.end)

    async def claim(self, claim: Claim, deadline: datetime) -> Claimed:
        return await self._until(deadline, lambda: self._claims.submit(claim))

    async def step(self, step: Step, deadline: datetime) -> None:
        await self._until(deadline, lambda: self._steps.submit(step))

    async def end(self, end: End) -> Ending:
        # The answer exists only here and has been paid for: it waits as long as it takes.
        return await self._until(None, lambda: self._ends.submit(end))

    async def forget(self) -> tuple[()]:
        """Erase answers that are older than the stream of questions."""
        async with self._database.transaction() as tx:
            await store.forget(tx, KEPT_S)
        return ()

    async def _until(
        self, deadline: datetime | None, write: Callable[[], Awaitable[Result]]
    ) -> Result:
        tries = 0
        while True:
            try:
                written = await write()
            except DependencyDown as error:
                self._notes[error.dependency] = AWAY
                if deadline is not None and now() >= deadline:
                    raise
            else:
                self._notes.pop(DATABASE, None)
                return written
            await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
