"""The tables of schema `billing`: records that are only added, and the balances they lead to.

`budget` and `open_hold` are balances, kept because summing all records for each hold would be too
slow. The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

metadata = MetaData(naming_convention={"pk": "%(table_name)s_pkey"})


def _time(name: str, *, recorded: bool = False) -> Column[object]:
    default = text("now()") if recorded else None
    return Column(name, DateTime(timezone=True), nullable=False, server_default=default)


def _amount(name: str, *, starts_at_zero: bool = False) -> Column[object]:
    default = text("0") if starts_at_zero else None
    return Column(name, BigInteger, nullable=False, server_default=default)


def _text(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


# --- balances --------------------------------------------------------------------------

budget = Table(
    "budget",
    metadata,
    Column("key", Text, primary_key=True),
    _text("tenant"),
    _text("period"),
    _text("currency"),
    _amount("limit_nano"),
    _amount("pending_nano", starts_at_zero=True),
    _amount("posted_nano", starts_at_zero=True),
    _amount("overage_nano", starts_at_zero=True),
    _amount("exhausted_nano", starts_at_zero=True),
    _time("opened_at", recorded=True),
    # What was used above a limit when it was lowered. It only ever shrinks.
    _amount("over_limit_nano", starts_at_zero=True),
    CheckConstraint(
        "pending_nano + posted_nano <= limit_nano + over_limit_nano", name="budget_never_overspent"
    ),
    CheckConstraint(
        "limit_nano >= 0 AND pending_nano >= 0 AND posted_nano >= 0"
        " AND overage_nano >= 0 AND exhausted_nano >= 0 AND over_limit_nano >= 0",
        name="budget_never_negative",
    ),
    # Each movement is a new version of its row on the same page: no index has to change.
    postgresql_with={"fillfactor": "50"},
)

open_hold = Table(
    "open_hold",
    metadata,
    Column("request_id", Uuid, nullable=False),
    Column("hold_id", Uuid, nullable=False),
    _time("expires_at"),
    PrimaryKeyConstraint("request_id", "hold_id"),
)

# --- records ---------------------------------------------------------------------------

price = Table(
    "price",
    metadata,
    Column("id", Uuid, primary_key=True),
    _text("provider"),
    _text("model"),
    _text("currency"),
    _amount("input_token_nano"),
    _amount("output_token_nano"),
    _amount("request_nano", starts_at_zero=True),
    _text("source"),
    _time("valid_from"),
    _time("recorded_at", recorded=True),
    _amount("character_nano", starts_at_zero=True),
    CheckConstraint(
        "input_token_nano >= 0 AND output_token_nano >= 0 AND request_nano >= 0"
        " AND character_nano >= 0",
        name="price_never_negative",
    ),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Uuid, nullable=False),
    _text("tenant"),
    _text("app"),
    _text("use_case"),
    _text("user_id", nullable=True),
    Column("budget", Text, ForeignKey("budget.key", name="hold_budget_fkey"), nullable=False),
    _text("provider"),
    _text("model"),
    _amount("input_tokens_max"),
    _amount("output_tokens_max"),
    _amount("held_nano"),
    Column("price_id", Uuid, ForeignKey("price.id", name="hold_price_fkey"), nullable=False),
    _time("granted_at", recorded=True),
    _time("expires_at"),
    _amount("characters_max", starts_at_zero=True),
    CheckConstraint("held_nano >= 0", name="hold_never_negative"),
)

refusal = Table(
    "refusal",
    metadata,
    Column("hold_id", Uuid, primary_key=True),
    Column("request_id", Uuid, nullable=False),
    _text("tenant"),
    _text("app"),
    _text("use_case"),
    _text("user_id", nullable=True),
    _text("budget"),
    _text("provider"),
    _text("model"),
    _amount("asked_nano"),
    _text("code"),
    _time("refused_at", recorded=True),
)

resolution = Table(
    "resolution",
    metadata,
    Column("hold_id", Uuid, ForeignKey("hold.id", name="resolution_hold_fkey"), primary_key=True),
    _text("state"),
    _amount("posted_nano"),
    _amount("overage_nano"),
    Column("usage_id", Uuid),
    _time("resolved_at", recorded=True),
    CheckConstraint("state IN ('posted', 'voided', 'expired')", name="resolution_is_an_end"),
    CheckConstraint("posted_nano >= 0 AND overage_nano >= 0", name="resolution_never_negative"),
)

correction = Table(
    "correction",
    metadata,
    Column("usage_id", Uuid, primary_key=True),
    Column("hold_id", Uuid, ForeignKey("hold.id", name="correction_hold_fkey"), nullable=False),
    _amount("posted_nano"),
    _amount("overage_nano"),
    _text("reason"),
    _time("recorded_at", recorded=True),
    Index("correction_hold", "hold_id"),
)

usage = Table(
    "usage",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("request_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    _time("occurred_at"),
    _text("tenant"),
    _text("app"),
    _text("use_case"),
    _text("user_id", nullable=True),
    _text("model", nullable=True),
    _text("provider", nullable=True),
    _text("outcome"),
    _text("code", nullable=True),
    _text("sensitivity"),
    _text("language"),
    Column("stream", Boolean, nullable=False),
    _amount("input_tokens"),
    _amount("output_tokens"),
    _text("token_source"),
    Column("hold_id", Uuid),
    _amount("cost_nano"),
    _amount("overage_nano"),
    _text("currency"),
    _amount("queued_ms"),
    _amount("provider_ms"),
    _text("config_version"),
    _time("recorded_at", recorded=True),
    Column("operation", Text, nullable=False, server_default=text("'chat'")),
    _amount("characters", starts_at_zero=True),
    Index("usage_request", "request_id"),
    Index("usage_occurred", "occurred_at"),
    # Days arrive in order, so a block range index finds a month at almost no cost per row.
    Index("usage_day", "day", postgresql_using="brin"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("usage_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("ordinal", Integer, nullable=False),
    _text("provider"),
    _text("model"),
    _text("outcome"),
    _text("error_class", nullable=True),
    _amount("duration_ms"),
    Column("first_token_ms", BigInteger),
    _amount("input_tokens"),
    _amount("output_tokens"),
    Column("cost_nano", BigInteger),
    Column("price_id", Uuid),
    _text("currency"),
    _amount("characters", starts_at_zero=True),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    Index("attempt_day", "day", postgresql_using="brin"),
    Index("attempt_usage", "usage_id"),
)
