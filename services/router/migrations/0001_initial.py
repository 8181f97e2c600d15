"""The call ledger: one row a request, one a provider call."""

from alembic import op

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE request_call (
        request_id uuid PRIMARY KEY,
        fingerprint bytea NOT NULL,
        claimed_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz,
        outcome text,
        answer bytea,
        usage bytea,
        CONSTRAINT request_call_ends_whole CHECK (
            num_nulls(ended_at, outcome) IN (0, 2) AND (ended_at IS NOT NULL OR answer IS NULL)
        )
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX request_call_claimed_at ON request_call USING brin (claimed_at)",
    """
    CREATE TABLE attempt (
        id uuid PRIMARY KEY,
        request_id uuid NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        model text NOT NULL,
        provider text NOT NULL,
        input_tokens_max integer NOT NULL,
        output_tokens_max integer NOT NULL,
        outcome text,
        error_class text,
        duration_ms integer,
        first_token_ms integer,
        input_tokens integer,
        output_tokens integer
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX attempt_request ON attempt (request_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
