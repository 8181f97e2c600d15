"""The inbox and the outbox, two tables that every service with events in its database has."""

from typing import Protocol


class MigrationOperations(Protocol):
    """What is needed of Alembic's `op`."""

    def execute(self, sqltext: str) -> object:
        """Run one statement."""


def create_inbox_and_outbox(op: MigrationOperations) -> None:
    """Create the two tables of a service that takes events into its database (for migrations)."""
    op.execute(
        "CREATE TABLE inbox (event_id uuid PRIMARY KEY,"
        " received_at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute("CREATE INDEX inbox_received_at ON inbox (received_at)")
    op.execute(
        "CREATE TABLE outbox (id uuid PRIMARY KEY,"
        " position bigint GENERATED ALWAYS AS IDENTITY,"
        " subject text NOT NULL, payload bytea NOT NULL, traceparent text,"
        " created_at timestamptz NOT NULL DEFAULT now())"
    )
