"""The tables of schema `router`: the ledger of requests and calls, and why each went where.

The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL

metadata = MetaData(naming_convention={"pk": "%(table_name)s_pkey"})

request_call = Table(
    "request_call",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("answer", LargeBinary),
    Column("usage", LargeBinary),
    CheckConstraint(
        "num_nulls(ended_at, outcome) IN (0, 2) AND (ended_at IS NOT NULL OR answer IS NULL)",
        name="request_call_ends_whole",
    ),
    # Requests come in the order of time, so a block range index finds old ones at almost no cost.
    Index("request_call_claimed_at", "claimed_at", postgresql_using="brin"),
    # Each row is changed once; with room in its page that costs no index entry.
    postgresql_with={"fillfactor": "70"},
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Uuid, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("input_tokens_max", Integer, nullable=False),
    Column("output_tokens_max", Integer, nullable=False),
    Column("outcome", Text),
    Column("error_class", Text),
    Column("duration_ms", Integer),
    Column("first_token_ms", Integer),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("deadline", DateTime(timezone=True)),
    Column("region", Text),
    Column("residency", Text),
    Column("cache_read_tokens", Integer),
    Column("cache_write_tokens", Integer),
    Column("reasoning_tokens", Integer),
    Column("characters", Integer),
    Column("usage_source", Text),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    Index("attempt_request", "request_id"),
    # The start of a call never changes and calls come in order of time, so this costs next to
    # nothing, and a call's end still touches no index.
    Index(
        "attempt_started",
        "started_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "32", "autosummarize": "on"},
    ),
    postgresql_with={"fillfactor": "70"},
)

# What is known of a request for as long as the platform runs: no text, and nobody's pseudonym.
# Written once, beside the ledger: its pages are rewritten when answers are forgotten.
decision = Table(
    "decision",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("ended_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("tenant", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("use_case", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("sensitivity", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("rule", Text, nullable=False),
    Column("reason", Text),
    Column("strategy", Text),
    Column("complexity", REAL),
    Column("duty", Text),
    Column("model", Text),
    Column("provider", Text),
    Column("region", Text),
    Column("residency", Text),
    Column("first_model", Text),
    Column("first_provider", Text),
    Column("fallback_cause", Text),
    Column("cost_nano", BigInteger, nullable=False),
    Column("currency", Text),
    Column("config_version", Text),
    Column("candidates", JSONB, nullable=False),
    # With what reports group by, so that they read this and not the candidates.
    Index(
        "decision_ended",
        "ended_at",
        postgresql_include=[
            *("sensitivity", "residency", "outcome", "tenant"),
            *("first_model", "first_provider", "fallback_cause"),
        ],
    ),
)
