"""The tables of the audit schema: the entries, the tree over them, and its checkpoints."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

metadata: Final = MetaData()

entry: Final = Table(
    "entry",
    metadata,
    # The leaf's place in the tree: from 0, without a gap.
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("tenant", Text),
    Column("app", Text),
    Column("request_id", Uuid),
    # Not "user": an analyst who forgets to quote that one gets the name of the database role.
    Column("user_id", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # Salt and payload stand beside what the tree is made of, so that both can be destroyed.
    Column("salt", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    CheckConstraint("index >= 0", name="entry_index_is_not_negative"),
    CheckConstraint("class IN ('masked', 'meta')", name="entry_is_never_clear"),
    CheckConstraint("octet_length(salt) = 32", name="entry_salt_has_32_bytes"),
    CheckConstraint("octet_length(leaf_hash) = 32", name="entry_leaf_hash_has_32_bytes"),
    Index("entry_by_request", "request_id", "index"),
    Index(
        "entry_refused",
        "recorded_at",
        postgresql_where=text("type = 'eu.stellwerk.request.refused.v1'"),
    ),
)

node: Final = Table(
    "node",
    metadata,
    Column("level", SmallInteger, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("level > 0 AND level % 8 = 0", name="node_is_on_a_stored_level"),
    CheckConstraint("octet_length(hash) = 32", name="node_hash_has_32_bytes"),
)

checkpoint: Final = Table(
    "checkpoint",
    metadata,
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(root) = 32", name="checkpoint_root_has_32_bytes"),
)

tree_head: Final = Table(
    "tree_head",
    metadata,
    # One row, which whoever appends locks: so indexes have no gaps and batches do not mix.
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("size", BigInteger, nullable=False),
    Column("frontier", ARRAY(LargeBinary), nullable=False),
    CheckConstraint("one", name="tree_head_is_one_row"),
)
