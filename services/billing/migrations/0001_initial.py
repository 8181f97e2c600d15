"""The first tables: price book, budgets, holds and their ends, usage and provider calls."""

from alembic import op

from deploy.provision.migrations.inbox import create_inbox_and_outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE budget (
        key text NOT NULL,
        tenant text NOT NULL,
        period text NOT NULL,
        currency text NOT NULL,
        limit_nano bigint NOT NULL,
        pending_nano bigint NOT NULL DEFAULT 0,
        posted_nano bigint NOT NULL DEFAULT 0,
        overage_nano bigint NOT NULL DEFAULT 0,
        exhausted_nano bigint NOT NULL DEFAULT 0,
        opened_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT budget_pkey PRIMARY KEY (key),
        CONSTRAINT budget_never_overspent CHECK (pending_nano + posted_nano <= limit_nano),
        CONSTRAINT budget_never_negative CHECK (
            limit_nano >= 0 AND pending_nano >= 0 AND posted_nano >= 0
            AND overage_nano >= 0 AND exhausted_nano >= 0)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE open_hold (
        request_id uuid NOT NULL,
        hold_id uuid NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT open_hold_pkey PRIMARY KEY (request_id, hold_id)
    )
    """,
    """
    CREATE TABLE price (
        id uuid NOT NULL,
        provider text NOT NULL,
        model text NOT NULL,
        currency text NOT NULL,
        input_token_nano bigint NOT NULL,
        output_token_nano bigint NOT NULL,
        request_nano bigint NOT NULL DEFAULT 0,
        source text NOT NULL,
        valid_from timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT price_pkey PRIMARY KEY (id),
        CONSTRAINT price_never_negative CHECK (
            input_token_nano >= 0 AND output_token_nano >= 0 AND request_nano >= 0)
    )
    """,
    """
    CREATE TABLE hold (
        id uuid NOT NULL,
        request_id uuid NOT NULL,
        tenant text NOT NULL,
        app text NOT NULL,
        use_case text NOT NULL,
        user_id text,
        budget text NOT NULL CONSTRAINT hold_budget_fkey REFERENCES budget (key),
        provider text NOT NULL,
        model text NOT NULL,
        input_tokens_max bigint NOT NULL,
        output_tokens_max bigint NOT NULL,
        held_nano bigint NOT NULL,
        price_id uuid NOT NULL CONSTRAINT hold_price_fkey REFERENCES price (id),
        granted_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        CONSTRAINT hold_pkey PRIMARY KEY (id),
        CONSTRAINT hold_never_negative CHECK (held_nano >= 0)
    )
    """,
    """
    CREATE TABLE refusal (
        hold_id uuid NOT NULL,
        request_id uuid NOT NULL,
        tenant text NOT NULL,
        app text NOT NULL,
        use_case text NOT NULL,
        user_id text,
        budget text NOT NULL,
        provider text NOT NULL,
        model text NOT NULL,
        asked_nano bigint NOT NULL,
        code text NOT NULL,
        refused_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT refusal_pkey PRIMARY KEY (hold_id)
    )
    """,
    """
    CREATE TABLE resolution (
        hold_id uuid NOT NULL CONSTRAINT resolution_hold_fkey REFERENCES hold (id),
        state text NOT NULL,
        posted_nano bigint NOT NULL,
        overage_nano bigint NOT NULL,
        usage_id uuid,
        resolved_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT resolution_pkey PRIMARY KEY (hold_id),
        CONSTRAINT resolution_is_an_end CHECK (state IN ('posted', 'voided', 'expired')),
        CONSTRAINT resolution_never_negative CHECK (posted_nano >= 0 AND overage_nano >= 0)
    )
    """,
    """
    CREATE TABLE correction (
        usage_id uuid NOT NULL,
        hold_id uuid NOT NULL CONSTRAINT correction_hold_fkey REFERENCES hold (id),
        posted_nano bigint NOT NULL,
        overage_nano bigint NOT NULL,
        reason text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT correction_pkey PRIMARY KEY (usage_id)
    )
    """,
    """
    CREATE TABLE usage (
        event_id uuid NOT NULL,
        request_id uuid NOT NULL,
        day date NOT NULL,
        occurred_at timestamptz NOT NULL,
        tenant text NOT NULL,
        app text NOT NULL,
        use_case text NOT NULL,
        user_id text,
        model text,
        provider text,
        outcome text NOT NULL,
        code text,
        sensitivity text NOT NULL,
        language text NOT NULL,
        stream boolean NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        token_source text NOT NULL,
        hold_id uuid,
        cost_nano bigint NOT NULL,
        overage_nano bigint NOT NULL,
        currency text NOT NULL,
        queued_ms bigint NOT NULL,
        provider_ms bigint NOT NULL,
        config_version text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT usage_pkey PRIMARY KEY (event_id)
    )
    """,
    """
    CREATE TABLE attempt (
        id uuid NOT NULL,
        usage_id uuid NOT NULL,
        day date NOT NULL,
        ordinal integer NOT NULL,
        provider text NOT NULL,
        model text NOT NULL,
        outcome text NOT NULL,
        error_class text,
        duration_ms bigint NOT NULL,
        first_token_ms bigint,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        cost_nano bigint,
        price_id uuid,
        currency text NOT NULL,
        CONSTRAINT attempt_pkey PRIMARY KEY (id)
    )
    """,
)

_INDEXES = (
    "CREATE INDEX correction_hold ON correction (hold_id)",
    "CREATE INDEX usage_request ON usage (request_id)",
    "CREATE INDEX usage_day ON usage USING brin (day)",
    "CREATE INDEX attempt_day ON attempt USING brin (day)",
)

# Statement triggers cost nothing where nothing is changed.
_REFUSE_CHANGES = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME
            || ' is a record: it is corrected by another record, never changed';
    END
    $$
"""
_RECORDS = ("price", "hold", "refusal", "resolution", "correction", "usage", "attempt")

_COMMENTS = {
    "budget": "Balances of one budget in one period; the row of a new period starts at zero.",
    "open_hold": "Holds that nothing has ended yet; a row goes when its resolution comes.",
    "price": "Price book: nano-units of a currency per token, with source and first day. "
    "Never changed; the id is derived from the content.",
    "hold": "Amounts set aside for the worst case of a request, under ids that callers made.",
    "refusal": "Holds that were not granted, so that asking again gets the same answer.",
    "resolution": "The one end of each hold: posted, voided or expired.",
    "correction": "Changes to resolved holds: a settlement after expiry, or a second one.",
    "usage": "One row a request: what was asked for and what it cost.",
    "attempt": "One row a provider call, under the id that was sent to the provider.",
}


def upgrade() -> None:
    """Create the tables in the schema that the search path names."""
    for statement in (*_TABLES, *_INDEXES):
        op.execute(statement)
    for table, comment in _COMMENTS.items():
        op.execute(f"COMMENT ON TABLE {table} IS '{comment}'")
    op.execute(_REFUSE_CHANGES)
    for table in _RECORDS:
        op.execute(
            f"CREATE TRIGGER {table}_is_a_record BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    create_inbox_and_outbox(op)
