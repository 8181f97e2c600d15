"""The tables of schema `gateway`: apps, their keys, the configuration's versions, answers.

The migrations build these tables, and a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_NOW = text("now()")
_TIME = DateTime(timezone=True)

app = Table(
    "app",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("disabled_at", _TIME),
    # Replicas look for what has changed, so every change of an app or a key moves this.
    Column("changed_at", _TIME, nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("tenant", "app", name="app_pkey"),
)

key = Table(
    "key",
    metadata,
    Column("id", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("app", Text, nullable=False),
    # A key's secret has 256 random bits, so its plain hash cannot be guessed back.
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=_NOW),
    Column("expires_at", _TIME),
    PrimaryKeyConstraint("id", name="key_pkey"),
    ForeignKeyConstraint(["tenant", "app"], ["app.tenant", "app.app"], name="key_tenant_app_fkey"),
    CheckConstraint("length(secret_sha256) = 32", name="key_secret_sha256_check"),
    Index("key_of_app", "tenant", "app"),
)

config_version = Table(
    "config_version",
    metadata,
    Column("number", BigInteger, nullable=False, autoincrement=False),
    Column("version", Text, nullable=False),
    Column("documents", JSONB, nullable=False),
    Column("replaces", Text),
    Column("applied_at", _TIME, nullable=False, server_default=_NOW),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("number", name="config_version_pkey"),
    Index("config_version_name", "version"),
)

command = Table(
    "command",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("reply", JSONB, nullable=False),
    Column("answered_at", _TIME, nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("id", name="command_pkey"),
    Index("command_answered", "answered_at", postgresql_using="brin"),
)

pseudonym_key = Table(
    "pseudonym_key",
    metadata,
    # One row for ever: with another key every user would become another one.
    Column("id", SmallInteger, nullable=False, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="pseudonym_key_pkey"),
    CheckConstraint("id = 1", name="pseudonym_key_id_check"),
    CheckConstraint("length(key) = 32", name="pseudonym_key_key_check"),
)
