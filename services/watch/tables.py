"""The tables of schema `watch`: the spans of the last days.

The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

span = Table(
    "span",
    metadata,
    # A trace's identifier has the 16 bytes of a UUID, and a UUID is the smallest way to keep them.
    Column("trace_id", Uuid, nullable=False),
    Column("span_id", LargeBinary, nullable=False),
    Column("parent_span_id", LargeBinary),
    Column("name", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("error", Text),
    Column("request_id", Uuid),
    Column("attributes", JSONB, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("trace_id", "span_id", name="span_pkey"),
    Index("span_request", "request_id", postgresql_where=text("request_id IS NOT NULL")),
    # Spans arrive in order of time, so a block range index finds the old ones at almost no cost.
    Index("span_recorded", "recorded_at", postgresql_using="brin"),
)
