"""The migrations build the tables that tables.py describes, and nothing else."""

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from services.billing.tables import metadata
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema

NOT_OURS = ("alembic_version", "inbox", "outbox")
COLUMNS = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
        || ' ' || coalesce(column_default, '')
    FROM information_schema.columns
    WHERE table_schema = $1 AND NOT table_name = ANY($2) AND table_name NOT LIKE '%\\_v1'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = $1::regnamespace AND NOT conrelid::regclass::text LIKE ANY($2)
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND NOT tablename = ANY($2)"


async def shape(schema: ProvisionedSchema, name: str) -> set[str]:
    """Return all columns, constraints and indexes of a schema, one line each."""
    loose = [f"%{table}" for table in NOT_OURS]
    found = [
        *(await schema.admin.fetch(COLUMNS, name, NOT_OURS)),
        *(await schema.admin.fetch(CONSTRAINTS, name, loose)),
        *(await schema.admin.fetch(INDEXES, name, NOT_OURS)),
    ]
    return {row[0].replace(f"{name}.", "") for row in found}


async def test_the_migrations_build_exactly_the_tables_described(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("billing")
    await schema.admin.execute("CREATE SCHEMA described; SET search_path TO described")
    dialect = create_mock_engine("postgresql+asyncpg://", executor=print).dialect
    for table in metadata.sorted_tables:
        await schema.admin.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await schema.admin.execute(str(CreateIndex(index).compile(dialect=dialect)))
    await schema.admin.execute("SET search_path TO public")

    assert await shape(schema, "billing") == await shape(schema, "described")
