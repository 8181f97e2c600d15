"""Translations are paid by the character, and a call may be released from its hold."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a character costs and how many were held, used and charged; until now none were."""
    op.execute(
        "ALTER TABLE price ADD COLUMN character_nano bigint NOT NULL DEFAULT 0,"
        " DROP CONSTRAINT price_never_negative,"
        " ADD CONSTRAINT price_never_negative CHECK (input_token_nano >= 0"
        " AND output_token_nano >= 0 AND request_nano >= 0 AND character_nano >= 0)"
    )
    op.execute("ALTER TABLE hold ADD COLUMN characters_max bigint NOT NULL DEFAULT 0")
    op.execute(
        "ALTER TABLE usage ADD COLUMN operation text NOT NULL DEFAULT 'chat',"
        " ADD COLUMN characters bigint NOT NULL DEFAULT 0"
    )
    op.execute(
        "ALTER TABLE attempt ADD COLUMN characters bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN released boolean NOT NULL DEFAULT false"
    )
