"""What concurrent requests want written down is committed together, and fails together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import pytest

from services.router.commits import GroupCommit
from shared.bus import DependencyDown
from shared.contracts.values import derived_id
from shared.db import Transaction
from tests.fixtures.servers import IsolatedDatabase
from tests.integration.bus.work import Store, store_in


@pytest.fixture
async def store(isolated_database: Callable[[str], IsolatedDatabase]) -> AsyncIterator[Store]:
    made = await store_in(isolated_database)
    yield made
    await made.database.close()


async def test_callers_at_the_same_time_share_transactions(store: Store) -> None:
    groups: list[int] = []

    async def write(tx: Transaction, items: Sequence[int]) -> list[int]:
        groups.append(len(items))
        for item in items:
            await tx.execute("INSERT INTO effect VALUES ($1)", derived_id(UUID(int=item), "x"))
        return [2 * item for item in items]

    group = GroupCommit(store.database, write)
    results = await asyncio.gather(*(group.submit(item) for item in range(300)))
    assert results == [2 * item for item in range(300)]
    assert len(groups) <= 4
    assert await store.rows("effect") == 300


async def test_a_group_fails_as_one_and_the_next_one_is_written(store: Store) -> None:
    async def write(tx: Transaction, items: Sequence[int]) -> Sequence[int]:
        await tx.execute("INSERT INTO effect VALUES ($1)", derived_id(UUID(int=1), "x"))
        if 7 in items:
            raise DependencyDown("billing")
        return items

    group = GroupCommit(store.database, write)
    failed = await asyncio.gather(*(group.submit(n) for n in range(8)), return_exceptions=True)
    assert all(isinstance(one, DependencyDown) for one in failed)
    assert await group.submit(8) == 8
    assert await store.rows("effect") == 1
