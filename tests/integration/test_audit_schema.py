"""The tables that audit and evals describe are the tables that their migrations make."""

from collections.abc import Sequence

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from services.audit.tables import metadata as audit
from services.evals.tables import metadata as evals
from tests.fixtures.schemas import ProvisionSchema

OF_THE_BUS = {"inbox", "outbox", "alembic_version"}


@pytest.mark.parametrize(("service", "described"), [("audit", audit), ("evals", evals)])
async def test_tables_and_migrations_agree(
    provision_schema: ProvisionSchema, service: str, described: MetaData
) -> None:
    schema = await provision_schema(service)
    engine = create_async_engine(
        schema.url.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args={"server_settings": {"search_path": service}},
    )

    def differences(connection: Connection) -> Sequence[object]:
        options = {"include_name": lambda name, kind, _: kind != "table" or name not in OF_THE_BUS}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, described))

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []
