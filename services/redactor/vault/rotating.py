"""Gives a tenant's vault a new key, and destroys the old one; traffic goes on meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Final

from services.redactor import store
from services.redactor.vault.tenants import Bound, TenantKey, TenantKeys
from shared.bus import Answered
from shared.contracts.vault import RotateReply, VaultRotate
from shared.db import Database

BATCH_MAX: Final = 500
"""Entries sealed anew in one transaction: some 20 ms, for which a turn of theirs may wait."""
_PAUSE_S: Final = 0.05


class Rotating:
    """Answers `vault-rotate`. Broken off, it goes on where it was when it is asked again."""

    def __init__(self, database: Database, keys: TenantKeys) -> None:
        self._database = database
        self._keys = keys

    async def vaults_rotate(self, commands: Sequence[VaultRotate]) -> Answered:
        return Answered([await self._rotated(command) for command in commands])

    async def _rotated(self, command: VaultRotate) -> RotateReply:
        version = await self._new_version(command)
        while not await self._is_over(command.tenant, version):  # noqa: ASYNC110  Others hold it.
            await asyncio.sleep(_PAUSE_S)
        self._keys.forget()
        async with self._database.transaction() as tx:
            keys = await store.sealed_by(tx, command.tenant, version)
        return RotateReply(id=command.id, keys=keys, version=version)

    async def _new_version(self, command: VaultRotate) -> int:
        while True:
            async with self._database.transaction() as tx:
                made, version = await store.next_version(tx, command.tenant, command.id)
                if made is not None:
                    return made
                fresh = self._keys.fresh(command.tenant, version)
                if await store.put_key(tx, command.tenant, version, fresh, command.id):
                    return version

    async def _is_over(self, tenant: str, version: int) -> bool:
        """Seal anew what older keys seal; return whether all of them are destroyed."""
        while await self._sealed_anew(tenant):
            pass
        async with self._database.transaction() as tx:
            return await store.destroy_keys_before(tx, tenant, version)

    async def _sealed_anew(self, tenant: str) -> int:
        async with self._database.transaction() as tx:
            newest = await self._keys.newest(tx, tenant)
            rows = await store.sealed_before(tx, tenant, newest.version, BATCH_MAX)
            wrapped = [(row["scope"], row["code"], self._anew(tenant, newest, row)) for row in rows]
            if wrapped:
                await store.seal_anew(tx, wrapped, newest.version)
        return len(wrapped)

    def _anew(self, tenant: str, newest: TenantKey, row: store.Row) -> bytes:
        older = self._keys.opened(tenant, row["key_version"], row["tenant_wrapped"])
        bound = Bound(row["scope"], row["code"], row["type"])
        return newest.rewrapped(older, bound, row["wrapped"])
