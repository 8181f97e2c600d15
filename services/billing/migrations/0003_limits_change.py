"""A limit may be lowered below what is used: the database goes on refusing whatever adds to it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note what was used above a limit when it was lowered; nobody may use more than that."""
    op.execute("ALTER TABLE budget ADD COLUMN over_limit_nano bigint NOT NULL DEFAULT 0")
    op.execute(
        "ALTER TABLE budget DROP CONSTRAINT budget_never_overspent,"
        " ADD CONSTRAINT budget_never_overspent"
        " CHECK (pending_nano + posted_nano <= limit_nano + over_limit_nano),"
        " DROP CONSTRAINT budget_never_negative,"
        " ADD CONSTRAINT budget_never_negative CHECK ("
        "limit_nano >= 0 AND pending_nano >= 0 AND posted_nano >= 0"
        " AND overage_nano >= 0 AND exhausted_nano >= 0 AND over_limit_nano >= 0)"
    )
