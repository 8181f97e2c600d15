"""Cases and conversations: what is remembered of them, and what was erased."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE tenant_key (
            tenant text NOT NULL,
            version integer NOT NULL,
            wrapped bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE scope (
            id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
            tenant text NOT NULL,
            name_hash bytea NOT NULL,
            revision bigint NOT NULL DEFAULT 0,
            counters jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            UNIQUE (tenant, name_hash)
        )
        """
    )
    op.execute("CREATE INDEX scope_expires_at ON scope (expires_at)")
    op.execute(
        """
        CREATE TABLE entry (
            scope_id bigint NOT NULL REFERENCES scope (id) ON DELETE CASCADE,
            code text NOT NULL,
            type text NOT NULL,
            identity bytea NOT NULL,
            lookups bytea[] NOT NULL,
            key_version integer NOT NULL,
            wrapped bytea NOT NULL,
            sealed bytea NOT NULL,
            seen bigint NOT NULL,
            PRIMARY KEY (scope_id, code),
            UNIQUE (scope_id, identity)
        )
        """
    )
    op.execute("CREATE INDEX entry_lookups ON entry USING gin (lookups)")
    op.execute(
        """
        CREATE TABLE erasure (
            id uuid PRIMARY KEY,
            tenant text NOT NULL,
            actor text NOT NULL,
            reason text NOT NULL,
            lookups bytea[] NOT NULL,
            entries integer NOT NULL,
            scopes integer NOT NULL,
            erased_at timestamptz NOT NULL DEFAULT now(),
            announced_at timestamptz
        )
        """
    )
