"""Group commit: what concurrent requests want written down is written in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from shared.db import Database, Transaction

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_MAX: Final = 256


class GroupCommit(Generic[Item, Result]):
    """Collects what concurrent callers want written and commits it together.

    `write` is called with each group and returns one result per item, in order. While one
    transaction runs, the next group gathers, so its size follows the load and an idle caller waits
    for nobody. All of a group succeeds or fails as one.
    """

    def __init__(
        self,
        database: Database,
        write: Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result]]],
    ) -> None:
        self._database = database
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result for `item` once its group is committed.

        Raises `DependencyDown` if PostgreSQL is away, and whatever `write` raises.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._commit_all())
        return await future

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            try:
                async with self._database.transaction() as tx:
                    results = await self._write(tx, [item for item, _ in group])
            except BaseException as error:
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
                if isinstance(error, asyncio.CancelledError):
                    raise
                continue
            for (_, future), result in zip(group, results, strict=True):
                if not future.done():
                    future.set_result(result)
