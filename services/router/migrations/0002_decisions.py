"""Decisions that outlast their answers, and all that a call tells of itself."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    # Written once and never changed, beside the ledger and not in it: the ledger's pages are
    # rewritten when answers are forgotten, and reports would read all that room.
    """
    CREATE TABLE decision (
        request_id uuid PRIMARY KEY,
        ended_at timestamptz NOT NULL DEFAULT now(),
        tenant text NOT NULL,
        app text NOT NULL,
        use_case text NOT NULL,
        operation text NOT NULL,
        sensitivity text NOT NULL,
        outcome text NOT NULL,
        code text,
        rule text NOT NULL,
        reason text,
        strategy text,
        complexity real,
        duty text,
        model text,
        provider text,
        region text,
        residency text,
        first_model text,
        first_provider text,
        fallback_cause text,
        cost_nano bigint NOT NULL,
        currency text,
        config_version text,
        candidates jsonb NOT NULL
    )
    """,
    # With what reports group by, so that they read this and not the candidates.
    """
    CREATE INDEX decision_ended ON decision (ended_at) INCLUDE (
        sensitivity, residency, outcome, tenant, first_model, first_provider, fallback_cause
    )
    """,
    """
    ALTER TABLE attempt
        ADD COLUMN deadline timestamptz,
        ADD COLUMN region text,
        ADD COLUMN residency text,
        ADD COLUMN cache_read_tokens integer,
        ADD COLUMN cache_write_tokens integer,
        ADD COLUMN reasoning_tokens integer,
        ADD COLUMN characters integer,
        ADD COLUMN usage_source text,
        ADD COLUMN released boolean NOT NULL DEFAULT false
    """,
    # The start of a call never changes and calls come in order of time, so this costs next to
    # nothing, and a call's end still touches no index.
    """
    CREATE INDEX attempt_started ON attempt USING brin (started_at)
        WITH (pages_per_range = 32, autosummarize = on)
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
