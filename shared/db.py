"""PostgreSQL for one service: its schema only, one transaction per batch, inbox and outbox in it.

Nothing but this module begins or ends a transaction.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from shared.errors import DependencyDown


class Transaction(Protocol):
    """A connection inside one open transaction, as a store sees it: it cannot end it."""

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement and return its status line."""

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return all rows; each answers `row["column"]`."""

    async def fetchrow(self, query: str, *args: object) -> Any | None:  # noqa: ANN401
        """Return the first row, or None."""

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401
        """Return the first column of the first row, or None."""

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> str:
        """Write many rows by COPY."""


CONNECTIONS_MAX: Final = 8
STATEMENT_S_MAX: Final = 30.0
_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


class Database:
    """A pool of connections that see one schema. Opened by the service, closed after it."""

    def __init__(
        self, url: SecretStr | None, schema: str, *, connections_max: int = CONNECTIONS_MAX
    ) -> None:
        """Remember where the database is; `connect` opens it.

        Raises `ValueError` when no address is set: there is nothing that a service with data could
        do without one.
        """
        if url is None:
            raise ValueError("no database address: set SW_<SERVICE>_DATABASE_URL")
        self.schema = schema
        self._dsn = url.get_secret_value()
        self._connections_max = connections_max
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def connect(self) -> None:
        """Open the pool. Raises `DependencyDown` while PostgreSQL is away: try again later."""
        async with self._opening:
            if self._pool is not None:
                return
            with _away_is_down():
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=1,
                    max_size=self._connections_max,
                    command_timeout=STATEMENT_S_MAX,
                    # The stock reset costs a round trip per use; transactions leave nothing behind.
                    reset=_keep_as_is,
                    server_settings={
                        "search_path": self.schema,
                        "application_name": f"stellwerk-{self.schema}",
                    },
                )

    async def close(self) -> None:
        """Close all connections, those in use too."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run a block in one transaction: committed at its end, rolled back by an exception.

        Raises `DependencyDown` when the connection is lost. Then the work may have been committed
        or not: whatever runs again must find out by its own ids.
        """
        await self.connect()
        with _away_is_down():
            async with self._pool.acquire() as connection, connection.transaction():
                try:
                    yield connection
                except asyncpg.InterfaceError as error:
                    if connection.is_closed():
                        raise
                    # asyncpg calls a wrong call the same; waiting would not mend that.
                    raise TypeError("a statement was called wrongly") from error

    async def is_up(self) -> bool:
        """Return whether a statement succeeds now."""
        try:
            async with self.transaction() as tx:
                await tx.execute("SELECT 1")
        except DependencyDown:
            return False
        return True


async def _keep_as_is(_connection: object) -> None:
    """Leave a returned connection alone."""


@contextlib.contextmanager
def _away_is_down() -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        raise DependencyDown("postgresql") from error


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that a transaction has decided to send."""

    id: UUID
    subject: str
    payload: bytes = field(repr=False)
    traceparent: str | None = None


async def unseen(tx: Transaction, event_ids: Sequence[UUID]) -> set[UUID]:
    """Note these events in the inbox and return those that were not there: the rest is done."""
    rows = await tx.fetch(
        "INSERT INTO inbox (event_id) SELECT unnest($1::uuid[])"
        " ON CONFLICT DO NOTHING RETURNING event_id",
        event_ids,
    )
    return {row["event_id"] for row in rows}


async def put_in_outbox(tx: Transaction, messages: Sequence[OutboxMessage]) -> None:
    """Keep messages until they are published; they become visible with the transaction."""
    if messages:
        await tx.execute(
            "INSERT INTO outbox (id, subject, payload, traceparent)"
            " SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[])"
            " ON CONFLICT DO NOTHING",
            [message.id for message in messages],
            [message.subject for message in messages],
            [message.payload for message in messages],
            [message.traceparent for message in messages],
        )


async def forget_published(tx: Transaction, message_ids: Sequence[UUID]) -> None:
    """Remove messages that the bus has confirmed."""
    if message_ids:
        await tx.execute("DELETE FROM outbox WHERE id = ANY($1::uuid[])", message_ids)


async def left_in_outbox(tx: Transaction, older_than_s: float, limit: int) -> list[OutboxMessage]:
    """Return messages that should long be out: their process died, or the bus was away."""
    rows = await tx.fetch(
        "SELECT id, subject, payload, traceparent FROM outbox"
        " WHERE created_at <= now() - make_interval(secs => $1) ORDER BY position LIMIT $2",
        older_than_s,
        limit,
    )
    return [OutboxMessage(**dict(row)) for row in rows]


async def forget_inbox(tx: Transaction, older_than_s: int) -> None:
    """Remove inbox entries that no stream could deliver again."""
    await tx.execute(
        "DELETE FROM inbox WHERE received_at < now() - make_interval(secs => $1)",
        float(older_than_s),
    )
