"""The record: entries, the tree over them, its checkpoints, and triggers that keep them so."""

from alembic import op

from deploy.provision.migrations.inbox import create_inbox_and_outbox

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE entry (
        index bigint PRIMARY KEY CONSTRAINT entry_index_is_not_negative CHECK (index >= 0),
        event_id uuid NOT NULL UNIQUE,
        type text NOT NULL,
        class text NOT NULL CONSTRAINT entry_is_never_clear CHECK (class IN ('masked', 'meta')),
        tenant text,
        app text,
        request_id uuid,
        user_id text,
        recorded_at timestamptz NOT NULL,
        salt bytea NOT NULL CONSTRAINT entry_salt_has_32_bytes CHECK (octet_length(salt) = 32),
        payload bytea NOT NULL,
        leaf_hash bytea NOT NULL
            CONSTRAINT entry_leaf_hash_has_32_bytes CHECK (octet_length(leaf_hash) = 32)
    )
    """,
    # With the index in it, or the planner walks the whole record to find entries in order.
    "CREATE INDEX entry_by_request ON entry (request_id, index)",
    """
    CREATE TABLE node (
        level smallint NOT NULL
            CONSTRAINT node_is_on_a_stored_level CHECK (level > 0 AND level % 8 = 0),
        index bigint NOT NULL,
        hash bytea NOT NULL CONSTRAINT node_hash_has_32_bytes CHECK (octet_length(hash) = 32),
        PRIMARY KEY (level, index)
    )
    """,
    """
    CREATE TABLE checkpoint (
        tree_size bigint PRIMARY KEY,
        root bytea NOT NULL
            CONSTRAINT checkpoint_root_has_32_bytes CHECK (octet_length(root) = 32),
        at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE tree_head (
        one boolean PRIMARY KEY DEFAULT true CONSTRAINT tree_head_is_one_row CHECK (one),
        size bigint NOT NULL,
        frontier bytea[] NOT NULL
    )
    """,
    # Not in views/, which analysts may read: this one holds masked text and the salts.
    """
    CREATE VIEW leaf_v1 AS
    SELECT index, event_id, type, class, tenant, app, request_id, user_id, recorded_at,
           salt, payload, leaf_hash
    FROM entry
    """,
    "INSERT INTO tree_head (size, frontier) VALUES (0, '{}')",
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the table % is append-only', TG_TABLE_NAME;
    END
    $$
    """,
    # Against accidents. Whoever may disable a trigger is caught by the tree instead.
    *(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        for table in ("entry", "node", "checkpoint")
    ),
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    create_inbox_and_outbox(op)
