"""The tables of schema `watch`: the spans of the last days, and incidents with their counts.

The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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

# One row. Whoever counts or changes incidents locks it first, so that replicas take turns.
turn = Table(
    "turn",
    metadata,
    Column("id", SmallInteger, nullable=False, server_default=text("1"), autoincrement=False),
    Column("event_at", DateTime(timezone=True), nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("id", name="turn_pkey"),
    CheckConstraint("id = 1", name="turn_one_row"),
)

# What rules saw, by minute and by whose doing it was (names with blanks between them).
tally = Table(
    "tally",
    metadata,
    Column("rule", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("minute", DateTime(timezone=True), nullable=False),
    Column("part", Text, nullable=False),
    Column("good", BigInteger, nullable=False),
    Column("bad", BigInteger, nullable=False),
    Column("last_good_at", DateTime(timezone=True)),
    Column("last_bad_at", DateTime(timezone=True)),
    Column("cause", Text),
    PrimaryKeyConstraint("rule", "about", "minute", "part", name="tally_pkey"),
    Index("tally_minute", "minute"),
)

incident = Table(
    "incident",
    metadata,
    Column("incident_id", Uuid, nullable=False),
    Column("rule", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Text),
    Column("acknowledged_reason", Text),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Text),
    Column("resolved_reason", Text),
    PrimaryKeyConstraint("incident_id", name="incident_pkey"),
    # The same trouble is never open twice, whatever the code believes.
    Index(
        "incident_open",
        "rule",
        "about",
        unique=True,
        postgresql_where=text("state <> 'resolved'"),
    ),
    Index("incident_resolved_at", "resolved_at"),
    Index("incident_opened_at", "opened_at"),
)

# `taken_by` holds marks of channels, not their addresses: those are secrets.
notification = Table(
    "notification",
    metadata,
    Column("incident_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("taken_by", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("incident_id", "kind", name="notification_pkey"),
    ForeignKeyConstraint(
        ["incident_id"],
        ["incident.incident_id"],
        name="notification_incident_id_fkey",
        ondelete="CASCADE",
    ),
    Index("notification_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
)

# The answers to commands that must not be done twice.
command = Table(
    "command",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("reply", JSONB, nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("id", name="command_pkey"),
)
