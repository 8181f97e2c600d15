"""The tables of the vault schema.

Values of cases and conversations are kept encrypted, each under a key of its own; of a single
request nothing is kept but the key of its hour.
"""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData()
_NOW: Final = text("now()")


def _created() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW)


epoch_key: Final = Table(
    "epoch_key",
    metadata,
    # Hours since 1970 (UTC).
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    # Encrypted under the master key, which is in a secret file and in no database.
    Column("wrapped", LargeBinary, nullable=False),
    _created(),
)

tenant_key: Final = Table(
    "tenant_key",
    metadata,
    Column("tenant", Text, primary_key=True),
    # Rises with each rotation; only the newest one is kept for long.
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Encrypted under the master key.
    Column("wrapped", LargeBinary, nullable=False),
    _created(),
)

scope: Final = Table(
    "scope",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    # A keyed hash of app, kind and name: what a case is called may name a person.
    Column("name_hash", LargeBinary, nullable=False),
    # Rises with every change, an erasure included, so that nobody goes on with what was.
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    # The last number given, by label; a number is never given twice.
    Column("counters", JSONB, nullable=False, server_default=text("'{}'")),
    _created(),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    UniqueConstraint("tenant", "name_hash"),
)

entry: Final = Table(
    "entry",
    metadata,
    Column("scope_id", BigInteger, ForeignKey("scope.id", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("type", Text, nullable=False),
    # A keyed hash: one value has one placeholder in a scope, whoever writes it first.
    Column("identity", LargeBinary, nullable=False),
    # The keyed hashes by which a person is looked up and erased; the record has the same ones.
    Column("lookups", ARRAY(LargeBinary), nullable=False),
    # Which key of the tenant opens `wrapped`.
    Column("key_version", Integer, nullable=False),
    # The key of this one value, encrypted; without it nobody can read `sealed` again.
    Column("wrapped", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The scope's revision when it was last mentioned.
    Column("seen", BigInteger, nullable=False),
    UniqueConstraint("scope_id", "identity"),
)

erasure: Final = Table(
    "erasure",
    metadata,
    # The command's id: asked again, it answers the same.
    Column("id", Uuid, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("lookups", ARRAY(LargeBinary), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("scopes", Integer, nullable=False),
    Column("erased_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    # When the bus had taken `vault.subject_erased`; null until then.
    Column("announced_at", DateTime(timezone=True)),
)
