"""The latest requests and their calls are found without reading the rest."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes that `requests_v1` and `calls_v1` are read by."""
    op.execute("CREATE INDEX usage_occurred ON usage (occurred_at)")
    op.execute("CREATE INDEX attempt_usage ON attempt (usage_id)")
