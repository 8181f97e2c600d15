"""The migrations build the tables that tables.py describes, and nothing else."""

from services.billing.tables import metadata
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.tables import described, shape


async def test_the_migrations_build_exactly_the_tables_described(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("billing")
    assert await shape(schema, "billing") == await described(schema, metadata)
