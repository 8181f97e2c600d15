"""All SQL of the vault: the keys of hours and tenants, what scopes remember, what was erased."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from shared.db import Transaction

Row = Any
"""A row as the driver gives it: `row["column"]`."""

# --- the keys of the hours ----------------------------------------------------------------------

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


# --- the keys of the tenants --------------------------------------------------------------------

_FIRST_KEY: Final = """
INSERT INTO tenant_key (tenant, version, wrapped)
SELECT $1, 1, $2 WHERE NOT EXISTS (SELECT FROM tenant_key WHERE tenant = $1)
ON CONFLICT DO NOTHING
"""
# Until the transaction ends the key cannot be destroyed, so what it seals can be stored.
_NEWEST_KEY: Final = """
SELECT version, wrapped FROM tenant_key WHERE tenant = $1 ORDER BY version DESC LIMIT 1
FOR KEY SHARE
"""
_NEXT_VERSION: Final = """
SELECT (SELECT version FROM tenant_key WHERE made_by = $2) AS made,
    coalesce((SELECT max(version) FROM tenant_key WHERE tenant = $1), 0) + 1 AS next
"""
_NEW_KEY: Final = """
INSERT INTO tenant_key (tenant, version, wrapped, made_by) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING version
"""
_SEALED_BEFORE: Final = """
SELECT scope, code, type, wrapped, key_version, (
    SELECT k.wrapped FROM tenant_key k WHERE k.tenant = e.tenant AND k.version = e.key_version
) AS tenant_wrapped
FROM entry e WHERE tenant = $1 AND key_version < $2 LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_SEAL_ANEW: Final = """
UPDATE entry SET wrapped = new.wrapped, key_version = $4
FROM unnest($1::bigint[], $2::text[], $3::bytea[]) AS new (scope, code, wrapped)
WHERE entry.scope = new.scope AND entry.code = new.code
"""
_LOCK_KEYS: Final = """
SELECT version FROM tenant_key WHERE tenant = $1 AND version < $2 ORDER BY version FOR UPDATE
"""
_DESTROY_KEYS: Final = """
DELETE FROM tenant_key k WHERE tenant = $1 AND version < $2
    AND NOT EXISTS (SELECT FROM entry WHERE tenant = $1 AND key_version = k.version)
"""
_KEYS_BEFORE: Final = "SELECT count(*) FROM tenant_key WHERE tenant = $1 AND version < $2"
_SEALED_BY: Final = "SELECT count(*) FROM entry WHERE tenant = $1 AND key_version = $2"


async def newest_key(tx: Transaction, tenant: str, offered: bytes) -> tuple[int, bytes]:
    """Return version and wrapped key that seal now: `offered`, if the tenant has none yet."""
    row = await tx.fetchrow(_NEWEST_KEY, tenant)
    if row is None:
        # There is none yet, or a rotation has just destroyed the one that was about to be read.
        await tx.execute(_FIRST_KEY, tenant, offered)
        row = await tx.fetchrow(_NEWEST_KEY, tenant)
    if row is None:
        raise LookupError("a tenant's key is gone while it is made")
    return row["version"], row["wrapped"]


async def next_version(tx: Transaction, tenant: str, command_id: UUID) -> tuple[int | None, int]:
    """Return the version that this command has made already, and the one that would be next."""
    row = await tx.fetchrow(_NEXT_VERSION, tenant, command_id)
    return (row["made"], row["next"]) if row else (None, 1)


async def put_key(
    tx: Transaction, tenant: str, version: int, wrapped: bytes, command_id: UUID
) -> bool:
    """Keep a tenant's new key; return whether nobody else had made this version."""
    return await tx.fetchval(_NEW_KEY, tenant, version, wrapped, command_id) is not None


async def sealed_before(tx: Transaction, tenant: str, version: int, limit: int) -> list[Row]:
    """Return entries that an older key seals, with that key; what others have locked is left."""
    return await tx.fetch(_SEALED_BEFORE, tenant, version, limit)


async def seal_anew(
    tx: Transaction, wrapped: Sequence[tuple[int, str, bytes]], version: int
) -> None:
    await tx.execute(_SEAL_ANEW, *zip(*wrapped, strict=True), version)


async def destroy_keys_before(tx: Transaction, tenant: str, version: int) -> bool:
    """Destroy the older keys that seal nothing any more; return whether none is left."""
    # Whoever seals with one at this moment is waited for; the next statement sees what it wrote.
    await tx.fetch(_LOCK_KEYS, tenant, version)
    await tx.execute(_DESTROY_KEYS, tenant, version)
    return not await tx.fetchval(_KEYS_BEFORE, tenant, version)


async def sealed_by(tx: Transaction, tenant: str, version: int) -> int:
    return int(await tx.fetchval(_SEALED_BY, tenant, version))


# --- what scopes remember -----------------------------------------------------------------------

# In one order for all: two replicas that lock the same scopes wait for each other in turn.
_TOUCH: Final = """
INSERT INTO scope (tenant, hash, expires_on)
SELECT tenant, hash, $3 FROM unnest($1::text[], $2::bytea[]) AS asked (tenant, hash)
ORDER BY tenant, hash
ON CONFLICT (tenant, hash) DO UPDATE SET expires_on = EXCLUDED.expires_on
RETURNING id, tenant, hash, revision, state
"""
_REVISIONS: Final = "SELECT id, revision FROM scope WHERE id = ANY($1::bigint[])"
_ENTRIES: Final = """
SELECT e.scope, e.code, e.type, e.turn, e.tenant, e.key_version, e.wrapped, e.sealed,
    k.wrapped AS tenant_wrapped
FROM entry e JOIN tenant_key k ON k.tenant = e.tenant AND k.version = e.key_version
WHERE e.scope = ANY($1::bigint[]) ORDER BY e.scope, e.turn, e.code
"""
_PUT_ENTRIES: Final = """
INSERT INTO entry (scope, code, type, identity, lookups, turn, tenant, key_version, wrapped, sealed)
SELECT scope, code, type, identity, string_to_array(lookups, ' '), turn, tenant, key_version,
    wrapped, sealed
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::int[], $7::text[],
    $8::int[], $9::bytea[], $10::bytea[])
    AS new (scope, code, type, identity, lookups, turn, tenant, key_version, wrapped, sealed)
ON CONFLICT (scope, code) DO UPDATE SET identity = EXCLUDED.identity, lookups = EXCLUDED.lookups,
    key_version = EXCLUDED.key_version, wrapped = EXCLUDED.wrapped, sealed = EXCLUDED.sealed
"""
_PUT_STATES: Final = """
UPDATE scope SET state = new.state, revision = scope.revision + new.changes
FROM unnest($1::bigint[], $2::text[], $3::int[]) AS new (id, state, changes)
WHERE scope.id = new.id
"""
_EXPIRE: Final = """
DELETE FROM scope WHERE id IN (
    SELECT id FROM scope WHERE expires_on < $1 ORDER BY tenant, hash LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One value of a scope as it is stored: sealed, and hashed with keys."""

    scope: int
    code: str
    type: str
    identity: bytes
    lookups: str
    """Hex, with blanks between."""
    turn: int
    tenant: str
    key_version: int
    wrapped: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


async def touch(
    tx: Transaction, scopes: Sequence[tuple[str, bytes]], expires_on: date
) -> list[Row]:
    """Return the scopes' rows, new ones made; they are locked until the transaction ends."""
    tenants, hashes = zip(*scopes, strict=True)
    return await tx.fetch(_TOUCH, tenants, hashes, expires_on)


async def revisions(tx: Transaction, scopes: Iterable[int]) -> dict[int, int]:
    """Return the revision of each of these scopes that still exists."""
    return {row["id"]: row["revision"] for row in await tx.fetch(_REVISIONS, list(scopes))}


async def entries(tx: Transaction, scopes: Iterable[int]) -> list[Row]:
    """Return all entries of these scopes, the oldest first, each with its tenant's wrapped key."""
    return await tx.fetch(_ENTRIES, list(scopes))


async def put_entries(tx: Transaction, rows: Sequence[EntryRow]) -> None:
    """Keep new entries, and new values of known ones."""
    if rows:
        columns = ([getattr(row, name) for row in rows] for name in EntryRow.__slots__)
        await tx.execute(_PUT_ENTRIES, *columns)


async def put_states(tx: Transaction, states: Sequence[tuple[int, str, int]]) -> None:
    """Keep each scope's state, and raise its revision by what has changed."""
    await tx.execute(_PUT_STATES, *zip(*states, strict=True))


async def expire(tx: Transaction, today: date, limit: int) -> int:
    """Delete scopes whose last day is over, with all their entries, and return how many."""
    return len(await tx.fetch(_EXPIRE, today, limit))


# --- erasing ------------------------------------------------------------------------------------

_COUNT: Final = """
SELECT count(*) AS entries, count(DISTINCT scope) AS scopes FROM entry
WHERE tenant = $1 AND lookups && $2::text[]
"""
_ERASED: Final = "SELECT entries, scopes FROM erasure WHERE command_id = $1"
_LOCK_HOLDERS: Final = """
SELECT id FROM scope
WHERE id IN (SELECT scope FROM entry WHERE tenant = $1 AND lookups && $2::text[])
ORDER BY tenant, hash FOR UPDATE
"""
# A literal may be a name with the person in it ("mail_hansen"), which no hash finds.
_ERASE: Final = """
DELETE FROM entry
WHERE scope = ANY($1::bigint[]) AND ($2 OR type = 'literal' OR lookups && $3::text[])
RETURNING scope
"""
_REVISE: Final = "UPDATE scope SET revision = revision + 1 WHERE id = ANY($1::bigint[])"
_NOTE_ERASURE: Final = """
INSERT INTO erasure (command_id, tenant, actor, reason, entries, scopes, hmacs)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_UNANNOUNCED: Final = """
SELECT command_id, tenant, actor, reason, entries, scopes, hmacs, erased_at FROM erasure
WHERE announced_at IS NULL ORDER BY erased_at LIMIT $1
"""
_ANNOUNCED: Final = """
UPDATE erasure SET announced_at = now() WHERE command_id = ANY($1::uuid[])
"""


async def held(tx: Transaction, tenant: str, hmacs: Sequence[str]) -> tuple[int, int]:
    """Return how many entries these hashes find, in how many scopes."""
    row = await tx.fetchrow(_COUNT, tenant, hmacs)
    return (row["entries"], row["scopes"]) if row else (0, 0)


async def erased(tx: Transaction, command_id: UUID) -> tuple[int, int] | None:
    """Return what a command has erased already."""
    row = await tx.fetchrow(_ERASED, command_id)
    return (row["entries"], row["scopes"]) if row else None


async def erase(
    tx: Transaction, tenant: str, hmacs: Sequence[str], *, whole_scopes: bool
) -> tuple[int, int]:
    """Delete what these hashes find, and return how many entries, in how many scopes."""
    holders = [row["id"] for row in await tx.fetch(_LOCK_HOLDERS, tenant, hmacs)]
    gone = [row["scope"] for row in await tx.fetch(_ERASE, holders, whole_scopes, hmacs)]
    await tx.execute(_REVISE, holders)
    return len(gone), len(set(gone))


async def note_erasure(
    tx: Transaction,
    command_id: UUID,
    who: tuple[str, str, str],
    counts: tuple[int, int],
    hmacs: Sequence[str],
) -> None:
    """Record an erasure; `who` is tenant, actor and reason."""
    await tx.execute(_NOTE_ERASURE, command_id, *who, *counts, hmacs)


async def unannounced(tx: Transaction, limit: int) -> list[Row]:
    """Return erasures that nobody has been told of yet."""
    return await tx.fetch(_UNANNOUNCED, limit)


async def note_announced(tx: Transaction, command_ids: Sequence[UUID]) -> None:
    await tx.execute(_ANNOUNCED, command_ids)
