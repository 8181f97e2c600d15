"""Incidents, the counts that they come from, and who was told of them."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    # One row. Whoever counts or changes incidents locks it first, so that replicas take turns.
    """
    CREATE TABLE turn (
        id smallint NOT NULL DEFAULT 1,
        event_at timestamptz NOT NULL,
        taken_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT turn_pkey PRIMARY KEY (id),
        CONSTRAINT turn_one_row CHECK (id = 1)
    )
    """,
    "INSERT INTO turn (event_at) VALUES ('epoch')",
    """
    CREATE TABLE tally (
        rule text NOT NULL,
        about text NOT NULL,
        minute timestamptz NOT NULL,
        part text NOT NULL,
        good bigint NOT NULL,
        bad bigint NOT NULL,
        last_good_at timestamptz,
        last_bad_at timestamptz,
        cause text,
        CONSTRAINT tally_pkey PRIMARY KEY (rule, about, minute, part)
    )
    """,
    "CREATE INDEX tally_minute ON tally (minute)",
    """
    CREATE TABLE incident (
        incident_id uuid NOT NULL,
        rule text NOT NULL,
        about text NOT NULL,
        severity text NOT NULL,
        state text NOT NULL,
        opened_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        count bigint NOT NULL,
        facts jsonb NOT NULL,
        acknowledged_at timestamptz,
        acknowledged_by text,
        acknowledged_reason text,
        resolved_at timestamptz,
        resolved_by text,
        resolved_reason text,
        CONSTRAINT incident_pkey PRIMARY KEY (incident_id)
    )
    """,
    "CREATE UNIQUE INDEX incident_open ON incident (rule, about) WHERE state <> 'resolved'",
    "CREATE INDEX incident_resolved_at ON incident (resolved_at)",
    "CREATE INDEX incident_opened_at ON incident (opened_at)",
    """
    CREATE TABLE notification (
        incident_id uuid NOT NULL,
        kind text NOT NULL,
        state text NOT NULL,
        attempts integer NOT NULL,
        due_at timestamptz NOT NULL,
        taken_by text[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT notification_pkey PRIMARY KEY (incident_id, kind),
        CONSTRAINT notification_incident_id_fkey FOREIGN KEY (incident_id)
            REFERENCES incident (incident_id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX notification_waiting ON notification (due_at) WHERE state = 'waiting'",
    """
    CREATE TABLE command (
        id uuid NOT NULL,
        reply jsonb NOT NULL,
        answered_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT command_pkey PRIMARY KEY (id)
    )
    """,
    "COMMENT ON TABLE incident IS 'Episodes of trouble: found by rules, ended by time or people.'",
    "COMMENT ON TABLE tally IS 'What rules saw, by minute. Numbers and names of models only.'",
    "COMMENT ON TABLE notification IS 'Who was told: one row an incident and kind.'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
