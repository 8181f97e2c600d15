"""The first tables: halves of requests that wait for each other, and scores."""

from alembic import op

from deploy.provision.migrations.inbox import create_inbox_and_outbox

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE waiting (
        request_id uuid PRIMARY KEY,
        asked jsonb,
        answered jsonb,
        since timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX waiting_since ON waiting (since)",
    """
    CREATE TABLE score (
        event_id uuid NOT NULL,
        metric text NOT NULL,
        version integer NOT NULL,
        request_id uuid NOT NULL,
        tenant text NOT NULL,
        app text NOT NULL,
        model text NOT NULL,
        provider text NOT NULL,
        language text NOT NULL,
        at timestamptz NOT NULL,
        value double precision CONSTRAINT score_value_is_a_share CHECK (value BETWEEN 0 AND 1),
        unscored text,
        expected text,
        found text,
        PRIMARY KEY (event_id, metric),
        CONSTRAINT score_or_reason CHECK ((value IS NULL) <> (unscored IS NULL))
    )
    """,
    "CREATE INDEX score_by_request ON score (request_id)",
    "CREATE INDEX score_by_time ON score (at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    create_inbox_and_outbox(op)
