"""The tables of schema `router`: the ledger of requests and of the provider calls they led to.

The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
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
    Index("attempt_request", "request_id"),
    postgresql_with={"fillfactor": "70"},
)
