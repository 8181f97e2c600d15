"""The spans of the last days."""

from alembic import op

from deploy.provision.migrations.inbox import create_inbox_and_outbox

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE span (
        trace_id uuid NOT NULL,
        span_id bytea NOT NULL,
        parent_span_id bytea,
        name text NOT NULL,
        service text NOT NULL,
        kind text NOT NULL,
        start_ns bigint NOT NULL,
        end_ns bigint NOT NULL,
        error text,
        request_id uuid,
        attributes jsonb NOT NULL,
        tenant text NOT NULL,
        app text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT span_pkey PRIMARY KEY (trace_id, span_id)
    )
    """,
    "CREATE INDEX span_request ON span (request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX span_recorded ON span USING brin (recorded_at)",
    "COMMENT ON TABLE span IS 'Finished spans: where the time of a request went. No content.'",
)


def upgrade() -> None:
    """Create the tables in the schema that the search path names."""
    for statement in _STATEMENTS:
        op.execute(statement)
    create_inbox_and_outbox(op)
