"""The key that turns callers' names for their users into pseudonyms."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE pseudonym_key (
            id smallint PRIMARY KEY CHECK (id = 1),
            key bytea NOT NULL CHECK (length(key) = 32)
        )
        """
    )
