"""The latest refusals are found without reading the rest."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index that `refusals_v1` is read by."""
    op.execute(
        "CREATE INDEX entry_refused ON entry (recorded_at)"
        " WHERE type = 'eu.stellwerk.request.refused.v1'"
    )
