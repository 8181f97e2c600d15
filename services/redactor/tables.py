"""The tables of the vault schema. No value from a request is stored but under a key of its own."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
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
from sqlalchemy.dialects.postgresql import ARRAY

metadata: Final = MetaData()
_NOW: Final = text("now()")

epoch_key: Final = Table(
    "epoch_key",
    metadata,
    # Hours since 1970 (UTC).
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    # Encrypted under the master key, which is in a secret file and in no database.
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

tenant_key: Final = Table(
    "tenant_key",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Encrypted under the master key.
    Column("wrapped", LargeBinary, nullable=False),
    # The command that asked for it; asked again, it goes on where it was.
    Column("made_by", Uuid, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

scope: Final = Table(
    "scope",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant", Text, nullable=False),
    # Keyed, of app, kind and id: which case it is cannot be read here.
    Column("hash", LargeBinary, nullable=False),
    # Rises with every change of its entries, so that no cache gives back what was erased.
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    # Counters by label, who was named last, the last turns: JSON of placeholders and ids only.
    Column("state", Text, nullable=False, server_default=text("'{}'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    # A day, so that most turns do not change it.
    Column("expires_on", Date, nullable=False, index=True),
    UniqueConstraint("tenant", "hash"),
)

entry: Final = Table(
    "entry",
    metadata,
    Column("scope", ForeignKey("scope.id", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("type", Text, nullable=False),
    # Keyed, of the label and the normalised value.
    Column("identity", LargeBinary, nullable=False),
    # The keyed hashes that `subjects` of request.redacted has.
    Column("lookups", ARRAY(Text), nullable=False),
    # The turn of the scope that brought it.
    Column("turn", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("key_version", Integer, nullable=False, index=True),
    # The data key of this entry alone, encrypted under the tenant's key: erasing destroys it.
    Column("wrapped", LargeBinary, nullable=False),
    # Value and canonical form, encrypted under the data key.
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("scope", "identity"),
    # A key that still seals something cannot be destroyed.
    ForeignKeyConstraint(["tenant", "key_version"], ["tenant_key.tenant", "tenant_key.version"]),
)

erasure: Final = Table(
    "erasure",
    metadata,
    Column("command_id", Uuid, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("scopes", Integer, nullable=False),
    Column("hmacs", ARRAY(Text), nullable=False),
    Column("erased_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    # When the bus had confirmed vault.subject_erased.
    Column("announced_at", DateTime(timezone=True)),
)
