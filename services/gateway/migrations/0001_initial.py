"""Apps, their keys, and the versions of the configuration."""

from alembic import op

from deploy.provision.migrations.inbox import create_inbox_and_outbox

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE app (
        tenant text NOT NULL,
        app text NOT NULL,
        role text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        disabled_at timestamptz,
        changed_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, app)
    )
    """,
    """
    CREATE TABLE key (
        id text PRIMARY KEY,
        tenant text NOT NULL,
        app text NOT NULL,
        secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        FOREIGN KEY (tenant, app) REFERENCES app (tenant, app)
    )
    """,
    "CREATE INDEX key_of_app ON key (tenant, app)",
    """
    CREATE TABLE config_version (
        number bigint PRIMARY KEY,
        version text NOT NULL,
        documents jsonb NOT NULL,
        replaces text,
        applied_at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        reason text NOT NULL
    )
    """,
    "CREATE INDEX config_version_name ON config_version (version)",
    # One command has one effect and one answer, however often it comes.
    """
    CREATE TABLE command (
        id uuid PRIMARY KEY,
        reply jsonb NOT NULL,
        answered_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX command_answered ON command USING brin (answered_at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    create_inbox_and_outbox(op)
