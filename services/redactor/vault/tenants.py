"""Holds the tenants' keys, under which every entry of the vault has its own key wrapped.

A value can be read only with its entry's key, which is stored in its row alone: whoever deletes
the row has destroyed the value.
"""

import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.redactor import store
from services.redactor.vault.sealing import KEY_BYTES, NONCE_BYTES, SealError
from shared.db import Transaction

_HEAD: Final = "stellwerk/tenant-key"


@dataclass(frozen=True, slots=True)
class Bound:
    """What an entry's key and value are bound to: moved to another row, they do not open."""

    scope: int
    code: str
    type: str

    @property
    def data(self) -> bytes:
        return f"{self.scope}|{self.code}|{self.type}".encode()


@dataclass(frozen=True, slots=True)
class TenantKey:
    """One version of a tenant's key."""

    version: int
    cipher: AESGCM = field(repr=False)

    def seal(self, bound: Bound, value: bytes) -> tuple[bytes, bytes]:
        """Return a new data key, wrapped, and the value that it seals."""
        key = os.urandom(KEY_BYTES)
        return _encrypted(self.cipher, key, bound.data), _encrypted(AESGCM(key), value, bound.data)

    def open(self, bound: Bound, wrapped: bytes, sealed: bytes) -> bytes:
        """Return the value. Raises `SealError` if anything was altered or moved."""
        key = AESGCM(_decrypted(self.cipher, wrapped, bound.data))
        return _decrypted(key, sealed, bound.data)

    def rewrapped(self, older: "TenantKey", bound: Bound, wrapped: bytes) -> bytes:
        """Return a data key that `older` has wrapped, wrapped by this one."""
        key = _decrypted(older.cipher, wrapped, bound.data)
        return _encrypted(self.cipher, key, bound.data)


class TenantKeys:
    """Opens tenants' keys with the master key, each once."""

    def __init__(self, master: bytes) -> None:
        self._master = AESGCM(master)
        # By the wrapped bytes: a version that was restored from a backup is another key.
        self._open: dict[bytes, TenantKey] = {}

    async def newest(self, tx: Transaction, tenant: str) -> TenantKey:
        """Return the key that seals now; it cannot be destroyed until the transaction ends."""
        version, wrapped = await store.newest_key(tx, tenant, self.fresh(tenant, 1))
        return self.opened(tenant, version, wrapped)

    def fresh(self, tenant: str, version: int) -> bytes:
        """Return a new key, wrapped."""
        return _encrypted(self._master, os.urandom(KEY_BYTES), _head(tenant, version))

    def opened(self, tenant: str, version: int, wrapped: bytes) -> TenantKey:
        """Return a key. Raises `SealError` if the master key is not the one that wrapped it."""
        key = self._open.get(wrapped)
        if key is None:
            opened = AESGCM(_decrypted(self._master, wrapped, _head(tenant, version)))
            key = self._open[wrapped] = TenantKey(version, opened)
        return key

    def forget(self) -> None:
        """Forget all keys: some have been destroyed."""
        self._open.clear()


def _head(tenant: str, version: int) -> bytes:
    return f"{_HEAD}|{tenant}|{version}".encode()


def _encrypted(cipher: AESGCM, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound)


def _decrypted(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except InvalidTag:
        raise SealError("the vault holds what its keys do not open") from None
