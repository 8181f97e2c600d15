"""Holds the hours' keys: makes them, agrees on them with other replicas, and destroys them."""

import os
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from services.redactor import store
from services.redactor.vault import sealing
from shared.contracts.stores import MASKED_RETENTION_S
from shared.db import Database

MARGIN_S: Final = 2 * 3600
"""A message may be sealed at the end of an hour and restored a little after its stream's age."""
KEPT_EPOCHS: Final = (MASKED_RETENTION_S + MARGIN_S) // sealing.EPOCH_S


class Keyring(Protocol):
    """What handlers need to seal and unseal."""

    async def current(self, unix_s: float) -> tuple[int, bytes]:
        """Return the hour that seals now, and its key."""

    async def of(self, epochs: Iterable[int]) -> Mapping[int, bytes]:
        """Return the keys of these hours; what is missing has been destroyed."""


class DatabaseKeyring:
    """Keys in memory while they live, wrapped in the vault for other replicas and restarts."""

    def __init__(self, database: Database, master: bytes) -> None:
        self._database = database
        self._master = master
        self._keys: dict[int, bytes] = {}

    async def current(self, unix_s: float) -> tuple[int, bytes]:
        """Return the hour that seals now and its key, the same for all replicas.

        Raises `DependencyDown` if the hour is new and the database is away: nothing is sealed with
        a key that only this process would know.
        """
        epoch = sealing.epoch_of(unix_s)
        return epoch, self._keys.get(epoch) or await self._claimed(epoch)

    async def of(self, epochs: Iterable[int]) -> Mapping[int, bytes]:
        """Return the keys of these hours; what is missing has been destroyed."""
        wanted = set(epochs)
        missing = wanted - self._keys.keys()
        if missing:
            async with self._database.transaction() as tx:
                wrapped = await store.wrapped_keys(tx, missing)
            for epoch, found in wrapped.items():
                self._keys[epoch] = sealing.unwrap(self._master, epoch, found)
        return {epoch: self._keys[epoch] for epoch in wanted & self._keys.keys()}

    async def prepare(self, unix_s: float) -> None:
        """Make this hour's and the next hour's key, so that no request waits for one."""
        for epoch in (sealing.epoch_of(unix_s), sealing.epoch_of(unix_s) + 1):
            if epoch not in self._keys:
                await self._claimed(epoch)

    async def destroy_old(self, unix_s: float) -> int:
        """Destroy the keys that no stream can need any more, and return how many there were."""
        oldest = sealing.epoch_of(unix_s) - KEPT_EPOCHS
        async with self._database.transaction() as tx:
            destroyed = await store.destroy_before(tx, oldest)
        self._keys = {epoch: key for epoch, key in self._keys.items() if epoch >= oldest}
        return len(destroyed)

    async def _claimed(self, epoch: int) -> bytes:
        key, nonce = os.urandom(sealing.KEY_BYTES), os.urandom(sealing.NONCE_BYTES)
        offered = sealing.wrap(self._master, epoch, nonce, key)
        async with self._database.transaction() as tx:
            agreed = await store.claim(tx, epoch, offered)
        self._keys[epoch] = sealing.unwrap(self._master, epoch, agreed)
        return self._keys[epoch]
