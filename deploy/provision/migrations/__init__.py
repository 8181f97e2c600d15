"""The one Alembic environment that every service's own history runs in."""
