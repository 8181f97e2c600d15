"""What was run on which models, so that it can be run again and compared."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    """
    CREATE TABLE experiment (
        id uuid PRIMARY KEY,
        suite text NOT NULL,
        suite_sha256 text NOT NULL,
        seed bigint NOT NULL,
        temperature double precision,
        max_tokens integer,
        started_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        reason text NOT NULL
    )
    """,
    "CREATE INDEX experiment_by_suite ON experiment (suite, started_at)",
    """
    CREATE TABLE experiment_run (
        experiment_id uuid NOT NULL REFERENCES experiment (id),
        request_id uuid NOT NULL,
        case_id text NOT NULL,
        model text NOT NULL,
        latency_ms integer NOT NULL,
        code text,
        PRIMARY KEY (experiment_id, request_id)
    )
    """,
    "CREATE INDEX experiment_run_by_request ON experiment_run (request_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
