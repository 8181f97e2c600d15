"""All SQL of the vault: keys of hours and tenants, cases and conversations, erasures."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Final
from uuid import UUID

from shared.contracts.vault import SubjectErase
from shared.db import Transaction

# --- the hours' keys -----------------------------------------------------------------------------

_CLAIM: Final = """
INSERT INTO epoch_key (epoch, wrapped) VALUES ($1, $2) ON CONFLICT (epoch) DO NOTHING
"""
_WRAPPED: Final = "SELECT epoch, wrapped FROM epoch_key WHERE epoch = ANY($1::bigint[])"
_DESTROY: Final = "DELETE FROM epoch_key WHERE epoch < $1 RETURNING epoch"


async def claim(tx: Transaction, epoch: int, wrapped: bytes) -> bytes:
    """Return the wrapped key of an hour: `wrapped`, unless another replica was first."""
    await tx.execute(_CLAIM, epoch, wrapped)
    return (await wrapped_keys(tx, [epoch]))[epoch]


async def wrapped_keys(tx: Transaction, epochs: Iterable[int]) -> dict[int, bytes]:
    """Return the wrapped keys of these hours; what is missing has been destroyed."""
    rows = await tx.fetch(_WRAPPED, list(epochs))
    return {row["epoch"]: row["wrapped"] for row in rows}


async def destroy_before(tx: Transaction, epoch: int) -> list[int]:
    """Destroy the keys of all hours before `epoch` and return which there were."""
    return [row["epoch"] for row in await tx.fetch(_DESTROY, epoch)]


# --- the tenants' keys ---------------------------------------------------------------------------

_CLAIM_TENANT: Final = """
INSERT INTO tenant_key (tenant, version, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_TENANT_KEYS: Final = "SELECT version, wrapped FROM tenant_key WHERE tenant = $1"
_DESTROY_TENANT: Final = "DELETE FROM tenant_key WHERE tenant = $1 AND version < $2"


async def claim_tenant_key(tx: Transaction, tenant: str, version: int, wrapped: bytes) -> None:
    """Keep a tenant's key, unless another replica was first."""
    await tx.execute(_CLAIM_TENANT, tenant, version, wrapped)


async def tenant_keys(tx: Transaction, tenant: str) -> dict[int, bytes]:
    """Return the wrapped keys of a tenant by their version."""
    return {row["version"]: row["wrapped"] for row in await tx.fetch(_TENANT_KEYS, tenant)}


async def destroy_tenant_keys(tx: Transaction, tenant: str, before: int) -> None:
    await tx.execute(_DESTROY_TENANT, tenant, before)


# --- cases and conversations ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One case or conversation."""

    id: int
    tenant: str
    name_hash: bytes
    revision: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One value of a scope, encrypted."""

    scope_id: int
    code: str
    type: str
    identity: bytes
    lookups: Sequence[bytes]
    key_version: int
    wrapped: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    seen: int


# Two replicas that want the same scopes lock them in one order.
_LOCK: Final = """
INSERT INTO scope (tenant, name_hash, expires_at)
SELECT tenant, name_hash, now() + make_interval(days => $3)
FROM unnest($1::text[], $2::bytea[]) AS wanted (tenant, name_hash)
ORDER BY tenant, name_hash
ON CONFLICT (tenant, name_hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
RETURNING id, tenant, name_hash, revision, counters
"""
_REVISIONS: Final = "SELECT id, revision FROM scope WHERE id = ANY($1::bigint[])"
_ENTRIES: Final = """
SELECT scope_id, code, type, identity, lookups, key_version, wrapped, sealed, seen
FROM entry WHERE scope_id = ANY($1::bigint[]) ORDER BY seen, code
"""
_ADVANCE: Final = """
UPDATE scope SET revision = new.revision, counters = new.counters::jsonb
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS new (id, revision, counters)
WHERE scope.id = new.id
"""
_KEEP: Final = """
INSERT INTO entry
    (scope_id, code, type, identity, lookups, key_version, wrapped, sealed, seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (scope_id, code) DO UPDATE SET
    identity = EXCLUDED.identity, lookups = EXCLUDED.lookups, key_version = EXCLUDED.key_version,
    wrapped = EXCLUDED.wrapped, sealed = EXCLUDED.sealed, seen = EXCLUDED.seen
"""
_MENTION: Final = """
UPDATE entry SET seen = new.seen
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (scope_id, code, seen)
WHERE entry.scope_id = new.scope_id AND entry.code = new.code
"""
_EXPIRE: Final = "DELETE FROM scope WHERE expires_at < now() RETURNING id"


async def lock_scopes(
    tx: Transaction, names: Iterable[tuple[str, bytes]], days: int
) -> list[ScopeRow]:
    """Return scopes by tenant and hashed name, new ones made, until the transaction's end ours."""
    wanted = sorted(set(names))
    tenants, hashes = [tenant for tenant, _ in wanted], [name for _, name in wanted]
    return [
        ScopeRow(**dict(row) | {"counters": json.loads(row["counters"])})
        for row in await tx.fetch(_LOCK, tenants, hashes, days)
    ]


async def revisions(tx: Transaction, scope_ids: Iterable[int]) -> dict[int, int]:
    """Return the revisions of scopes; what is missing has expired."""
    rows = await tx.fetch(_REVISIONS, list(scope_ids))
    return {row["id"]: row["revision"] for row in rows}


async def entries_of(tx: Transaction, scope_ids: Iterable[int]) -> list[EntryRow]:
    """Return all values of scopes, those mentioned last at the end."""
    return [EntryRow(**dict(row)) for row in await tx.fetch(_ENTRIES, list(scope_ids))]


async def advance(tx: Transaction, scopes: Sequence[tuple[int, int, Mapping[str, int]]]) -> None:
    """Give scopes, by id, their new revision and counters."""
    ids, numbers, counters = zip(*scopes, strict=True) if scopes else ((), (), ())
    await tx.execute(_ADVANCE, list(ids), list(numbers), [json.dumps(one) for one in counters])


async def keep(tx: Transaction, entries: Sequence[EntryRow]) -> None:
    """Write new values, and those of which a fuller form was seen."""
    await tx.executemany(_KEEP, [astuple(entry) for entry in entries])


async def mention(tx: Transaction, mentions: Sequence[tuple[int, str, int]]) -> None:
    """Note the revision in which known values were mentioned again, by scope and code."""
    ids, codes, seen = zip(*mentions, strict=True) if mentions else ((), (), ())
    await tx.execute(_MENTION, list(ids), list(codes), list(seen))


async def expire(tx: Transaction) -> int:
    """Delete the scopes that nobody has used for long, with all their keys."""
    return len(await tx.fetch(_EXPIRE))


# --- erasure and rotation ------------------------------------------------------------------------

_MATCHING: Final = """
SELECT entry.scope_id, entry.code FROM entry JOIN scope ON scope.id = entry.scope_id
WHERE scope.tenant = $1 AND entry.lookups && $2::bytea[]
"""
_TOUCH: Final = """
UPDATE scope SET revision = revision + 1 WHERE id IN (
    SELECT id FROM scope WHERE id = ANY($1::bigint[]) ORDER BY tenant, name_hash FOR UPDATE)
"""
_ERASE: Final = """
DELETE FROM entry USING scope
WHERE scope.id = entry.scope_id AND scope.tenant = $1
    AND (entry.lookups && $2::bytea[] OR ($3 AND entry.scope_id = ANY($4::bigint[])))
RETURNING entry.scope_id
"""
_RECORD: Final = """
INSERT INTO erasure (id, tenant, actor, reason, lookups, entries, scopes)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_ERASURE: Final = "SELECT entries, scopes FROM erasure WHERE id = $1"
_UNANNOUNCED: Final = """
SELECT id, tenant, actor, reason, lookups, entries, scopes FROM erasure
WHERE announced_at IS NULL ORDER BY erased_at LIMIT 100
"""
_ANNOUNCED: Final = "UPDATE erasure SET announced_at = now() WHERE id = ANY($1::uuid[])"
_OLDER: Final = """
SELECT scope_id, code, type, identity, lookups, key_version, wrapped, sealed, seen
FROM entry WHERE key_version < $2
    AND scope_id IN (SELECT id FROM scope WHERE tenant = $1) LIMIT $3 FOR UPDATE
"""
_REWRAP: Final = """
UPDATE entry SET wrapped = new.wrapped, key_version = $4
FROM unnest($1::bigint[], $2::text[], $3::bytea[]) AS new (scope_id, code, wrapped)
WHERE entry.scope_id = new.scope_id AND entry.code = new.code
"""


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One erasure that happened."""

    id: UUID
    tenant: str
    actor: str
    reason: str
    lookups: Sequence[bytes]
    entries: int
    scopes: int


async def matching(tx: Transaction, tenant: str, lookups: Sequence[bytes]) -> tuple[int, int]:
    """Return how many values a tenant's vault holds under these hashes, in how many scopes."""
    rows = await tx.fetch(_MATCHING, tenant, lookups)
    return len(rows), len({row["scope_id"] for row in rows})


async def erased(tx: Transaction, command_id: UUID) -> tuple[int, int] | None:
    """Return what a command has erased before, or None if it has not."""
    row = await tx.fetchrow(_ERASURE, command_id)
    return None if row is None else (row["entries"], row["scopes"])


async def erase(
    tx: Transaction, command: SubjectErase, lookups: Sequence[bytes]
) -> tuple[int, int]:
    """Delete what is held under these hashes, and note that; return how much, in how many scopes.

    The scopes' revisions rise first, so that their locks are taken in the order of all others and
    no replica goes on with what it remembers.
    """
    found = await tx.fetch(_MATCHING, command.tenant, lookups)
    scopes = list({row["scope_id"] for row in found})
    await tx.execute(_TOUCH, scopes)
    rows = await tx.fetch(_ERASE, command.tenant, lookups, command.whole_scopes, scopes)
    entries, touched = len(rows), len({row["scope_id"] for row in rows})
    told = (command.id, command.tenant, command.actor, command.reason, lookups, entries, touched)
    await tx.execute(_RECORD, *told)
    return entries, touched


async def unannounced(tx: Transaction) -> list[ErasureRow]:
    """Return erasures that the bus has not taken yet."""
    return [ErasureRow(**dict(row)) for row in await tx.fetch(_UNANNOUNCED)]


async def note_announced(tx: Transaction, erasures: Iterable[UUID]) -> None:
    await tx.execute(_ANNOUNCED, list(erasures))


async def older_than(tx: Transaction, tenant: str, version: int, limit: int) -> list[EntryRow]:
    """Return values whose keys are wrapped by an older key of the tenant, locked."""
    return [EntryRow(**dict(row)) for row in await tx.fetch(_OLDER, tenant, version, limit)]


async def rewrap(tx: Transaction, entries: Sequence[tuple[int, str, bytes]], version: int) -> None:
    """Put keys wrapped by another version in place, by scope and code."""
    ids, codes, wrapped = zip(*entries, strict=True) if entries else ((), (), ())
    await tx.execute(_REWRAP, list(ids), list(codes), list(wrapped), version)
