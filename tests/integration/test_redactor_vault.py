"""The vault in a real PostgreSQL: replicas agree on keys, and a destroyed key is gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import create_mock_engine
from sqlalchemy.schema import CreateTable

from services.redactor.tables import metadata
from services.redactor.vault.keyring import KEPT_EPOCHS, DatabaseKeyring
from services.redactor.vault.sealing import EPOCH_S, SealError
from shared.contracts.stores import MASKED_RETENTION_S
from shared.db import Database
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema

MASTER, OTHER_MASTER = b"m" * 32, b"o" * 32
NOON = 1_795_000_000.0
COLUMNS = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
        || ' ' || coalesce(column_default, '')
    FROM information_schema.columns
    WHERE table_schema = $1 AND table_name <> 'alembic_version'
"""


@pytest.fixture
async def vault(provision_schema: ProvisionSchema) -> AsyncIterator[ProvisionedSchema]:
    schema = await provision_schema("redactor")
    database = Database(SecretStr(schema.url), schema="vault")
    yield replace(schema, database=database)
    await database.close()


def _replica(vault: ProvisionedSchema, master: bytes = MASTER) -> DatabaseKeyring:
    return DatabaseKeyring(vault.database, master)


async def test_the_migration_builds_exactly_the_table_described(vault: ProvisionedSchema) -> None:
    await vault.admin.execute("CREATE SCHEMA described; SET search_path TO described")
    dialect = create_mock_engine("postgresql+asyncpg://", executor=print).dialect
    for table in metadata.sorted_tables:
        await vault.admin.execute(str(CreateTable(table).compile(dialect=dialect)))

    shapes = [
        {row[0] for row in await vault.admin.fetch(COLUMNS, schema)}
        for schema in ("vault", "described")
    ]

    assert shapes[0] == shapes[1]


async def test_replicas_that_start_together_agree_on_the_hours_key(
    vault: ProvisionedSchema,
) -> None:
    replicas = [_replica(vault) for _ in range(8)]

    current = await asyncio.gather(*(replica.current(NOON) for replica in replicas))

    assert len(set(current)) == 1


async def test_another_replica_finds_the_keys_of_hours_that_it_never_saw(
    vault: ProvisionedSchema,
) -> None:
    first = _replica(vault)
    old = await first.current(NOON - EPOCH_S)
    new = await first.current(NOON)

    assert await _replica(vault).of([old[0], new[0], 1]) == dict([old, new])


async def test_the_next_hours_key_is_there_before_the_hour(vault: ProvisionedSchema) -> None:
    await _replica(vault).prepare(NOON)

    epochs = await vault.admin.fetch("SELECT epoch FROM vault.epoch_key ORDER BY epoch")

    assert [row["epoch"] for row in epochs] == [NOON // EPOCH_S, NOON // EPOCH_S + 1]


async def test_a_key_outlives_the_longest_masked_retention_and_no_longer(
    vault: ProvisionedSchema,
) -> None:
    replica = _replica(vault)
    epoch, _ = await replica.current(NOON)

    assert await replica.destroy_old(NOON + MASKED_RETENTION_S + EPOCH_S) == 0
    assert await replica.destroy_old(NOON + (KEPT_EPOCHS + 1) * EPOCH_S) == 1
    assert await replica.of([epoch]) == {}
    assert await _replica(vault).of([epoch]) == {}


async def test_the_database_alone_opens_nothing(vault: ProvisionedSchema) -> None:
    epoch, key = await _replica(vault).current(NOON)

    row = await vault.admin.fetchrow("SELECT wrapped FROM vault.epoch_key")

    assert row is not None
    assert key not in row["wrapped"]
    with pytest.raises(SealError):
        await _replica(vault, OTHER_MASTER).of([epoch])
