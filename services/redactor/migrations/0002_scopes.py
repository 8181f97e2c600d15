"""What cases and conversations remember, under keys that can be destroyed."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    """
    CREATE TABLE tenant_key (
        tenant text NOT NULL,
        version integer NOT NULL,
        wrapped bytea NOT NULL,
        made_by uuid UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, version)
    )
    """,
    """
    CREATE TABLE scope (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        hash bytea NOT NULL,
        revision bigint NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_on date NOT NULL,
        UNIQUE (tenant, hash)
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX scope_expires_on ON scope (expires_on)",
    """
    CREATE TABLE entry (
        scope bigint NOT NULL REFERENCES scope ON DELETE CASCADE,
        code text NOT NULL,
        type text NOT NULL,
        identity bytea NOT NULL,
        lookups text[] NOT NULL,
        turn integer NOT NULL,
        tenant text NOT NULL,
        key_version integer NOT NULL,
        wrapped bytea NOT NULL,
        sealed bytea NOT NULL,
        PRIMARY KEY (scope, code),
        UNIQUE (scope, identity),
        FOREIGN KEY (tenant, key_version) REFERENCES tenant_key
    )
    """,
    "CREATE INDEX entry_lookups ON entry USING gin (lookups)",
    "CREATE INDEX entry_key ON entry (tenant, key_version)",
    """
    CREATE TABLE erasure (
        command_id uuid PRIMARY KEY,
        tenant text NOT NULL,
        actor text NOT NULL,
        reason text NOT NULL,
        entries integer NOT NULL,
        scopes integer NOT NULL,
        hmacs text[] NOT NULL,
        erased_at timestamptz NOT NULL DEFAULT now(),
        announced_at timestamptz
    )
    """,
    "CREATE INDEX erasure_unannounced ON erasure (erased_at) WHERE announced_at IS NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
