"""The tables of the evals schema: what waits for its other half, scores given, experiments run."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData()

waiting: Final = Table(
    "waiting",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    # Facts only, never text: see Metric.asked and Metric.found.
    Column("asked", JSONB),
    Column("answered", JSONB),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("waiting_since", "since"),
)

score: Final = Table(
    "score",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("value", Double),
    Column("unscored", Text),
    Column("expected", Text),
    Column("found", Text),
    CheckConstraint("value BETWEEN 0 AND 1", name="score_value_is_a_share"),
    CheckConstraint("(value IS NULL) <> (unscored IS NULL)", name="score_or_reason"),
    Index("score_by_request", "request_id"),
    Index("score_by_time", "at"),
)

experiment: Final = Table(
    "experiment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("suite", Text, nullable=False),
    Column("suite_sha256", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("temperature", Double),
    Column("max_tokens", Integer),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("experiment_by_suite", "suite", "started_at"),
)

experiment_run: Final = Table(
    "experiment_run",
    metadata,
    Column("experiment_id", Uuid, ForeignKey("experiment.id"), primary_key=True),
    Column("request_id", Uuid, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("code", Text),
    Index("experiment_run_by_request", "request_id"),
)
