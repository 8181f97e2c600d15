"""The SQL of the gateway: apps and keys, answers that were given, versions of the configuration."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from services.gateway.domain import KnownKey
from shared.contracts.access import AppRecord, KeyRecord, Role
from shared.contracts.commands import Reply
from shared.contracts.configuration import ConfigurationVersion
from shared.db import Transaction

# --- answers to commands ---------------------------------------------------------------

# Another replica may be answering the same command now: the insertion waits for it.
_CLAIM: Final = "INSERT INTO command (id, reply) VALUES ($1, '{}') ON CONFLICT DO NOTHING"
_ANSWER: Final = "SELECT reply::text FROM command WHERE id = $1"
_KEEP_ANSWER: Final = "UPDATE command SET reply = $2::jsonb WHERE id = $1"
_FORGET_ANSWERS: Final = "DELETE FROM command WHERE answered_at < now() - make_interval(secs => $1)"


async def answered(tx: Transaction, command_id: UUID) -> str | None:
    """Return the answer that a command has had, as JSON; None if it is the caller's to answer."""
    if await tx.execute(_CLAIM, command_id) == "INSERT 0 1":
        return None
    return str(await tx.fetchval(_ANSWER, command_id))


async def keep_answer(tx: Transaction, reply: Reply) -> None:
    await tx.execute(_KEEP_ANSWER, reply.id, reply.model_dump_json(exclude_none=True))


async def forget_answers(tx: Transaction, older_than_s: float) -> None:
    await tx.execute(_FORGET_ANSWERS, older_than_s)


# --- apps and keys ---------------------------------------------------------------------

_ADD_APP: Final = """
    INSERT INTO app (tenant, app, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_ADD_KEY: Final = """
    INSERT INTO key (id, tenant, app, secret_sha256, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""
_LOCK_APP: Final = """
    SELECT role, disabled_at IS NOT NULL AS disabled FROM app
    WHERE tenant = $1 AND app = $2 FOR UPDATE
"""
_END_OTHER_KEYS: Final = """
    UPDATE key SET expires_at = LEAST(expires_at, now() + make_interval(secs => $4))
    WHERE tenant = $1 AND app = $2 AND id <> $3
"""
_DISABLE_APP: Final = """
    UPDATE app SET disabled_at = COALESCE(disabled_at, now()), changed_at = clock_timestamp()
    WHERE tenant = $1 AND app = $2
"""
_TOUCH_APP: Final = """
    UPDATE app SET changed_at = clock_timestamp() WHERE tenant = $1 AND app = $2
"""
_APPS: Final = """
    SELECT app.tenant, app.app, role, app.created_at, disabled_at IS NOT NULL AS disabled,
        key.id, key.created_at AS key_created_at, key.expires_at
    FROM app LEFT JOIN key USING (tenant, app)
    WHERE $1::text IS NULL OR (app.tenant = $1 AND app.app = $2)
    ORDER BY app.tenant COLLATE "C", app.app COLLATE "C", key.created_at, key.id
"""
_KEYS: Final = """
    SELECT key.id, tenant, app, role, secret_sha256, expires_at,
        disabled_at IS NOT NULL AS disabled
    FROM key JOIN app USING (tenant, app)
"""
_CHANGED_KEYS: Final = (
    f"{_KEYS} WHERE app.changed_at >= $1::timestamptz - make_interval(secs => $2)"
)
_KEY: Final = f"{_KEYS} WHERE key.id = $1"
_CLOCK: Final = "SELECT clock_timestamp()"
_PSEUDONYM_KEY: Final = "SELECT key FROM pseudonym_key"
_ADD_PSEUDONYM_KEY: Final = """
    INSERT INTO pseudonym_key (id, key) VALUES (1, $1) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class LockedApp:
    """An app that nobody else changes until this transaction ends."""

    role: Role
    disabled: bool


async def add_app(tx: Transaction, tenant: str, app: str, role: Role) -> bool:
    """Add an app; return False if the name is taken."""
    return await tx.execute(_ADD_APP, tenant, app, role.value) == "INSERT 0 1"


async def add_key(tx: Transaction, key: KnownKey) -> bool:
    """Add a key to its app; return False if the id is taken."""
    row = (key.key_id, key.tenant, key.app, key.secret_sha256, key.expires_at)
    added = await tx.execute(_ADD_KEY, *row) == "INSERT 0 1"
    await tx.execute(_TOUCH_APP, key.tenant, key.app)
    return added


async def lock_app(tx: Transaction, tenant: str, app: str) -> LockedApp | None:
    found = await tx.fetchrow(_LOCK_APP, tenant, app)
    return LockedApp(Role(found["role"]), found["disabled"]) if found else None


async def end_other_keys(tx: Transaction, newest: KnownKey, overlap_s: int) -> None:
    """Let all keys of an app but the newest end after the overlap, unless they end before."""
    await tx.execute(_END_OTHER_KEYS, newest.tenant, newest.app, newest.key_id, float(overlap_s))


async def disable_app(tx: Transaction, tenant: str, app: str) -> None:
    await tx.execute(_DISABLE_APP, tenant, app)


async def read_app(tx: Transaction, tenant: str, app: str) -> AppRecord | None:
    found = _apps(await tx.fetch(_APPS, tenant, app))
    return found[0] if found else None


async def read_apps(tx: Transaction) -> Sequence[AppRecord]:
    """Return all apps with their keys, by tenant and name."""
    return _apps(await tx.fetch(_APPS, None, None))


async def read_key(tx: Transaction, key_id: str) -> KnownKey | None:
    found = await tx.fetchrow(_KEY, key_id)
    return _key(found) if found else None


async def read_keys(
    tx: Transaction, changed_since: datetime | None, overlap_s: float
) -> tuple[list[KnownKey], datetime]:
    """Return the keys of apps that changed since, or all; and when that was, by this clock.

    A change shows when it is committed and bears the time when it was made, so each look reaches
    `overlap_s` further back than the last one ended.
    """
    at: datetime = await tx.fetchval(_CLOCK)
    if changed_since is None:
        rows = await tx.fetch(_KEYS)
    else:
        rows = await tx.fetch(_CHANGED_KEYS, changed_since, overlap_s)
    return [_key(row) for row in rows], at


async def pseudonym_key(tx: Transaction, fresh: bytes) -> bytes:
    """Return the key for pseudonyms; the first caller's fresh one is it for ever."""
    await tx.execute(_ADD_PSEUDONYM_KEY, fresh)
    return bytes(await tx.fetchval(_PSEUDONYM_KEY))


def _apps(rows: Sequence[Record]) -> list[AppRecord]:
    by_name: dict[tuple[str, str], list[Record]] = {}
    for row in rows:
        by_name.setdefault((row["tenant"], row["app"]), []).append(row)
    return [_app(rows) for rows in by_name.values()]


def _app(rows: Sequence[Record]) -> AppRecord:
    first = rows[0]
    keys = tuple(
        KeyRecord(key_id=row["id"], created_at=row["key_created_at"], expires_at=row["expires_at"])
        for row in rows
        if row["id"] is not None
    )
    return AppRecord(
        tenant=first["tenant"],
        app=first["app"],
        role=Role(first["role"]),
        created_at=first["created_at"],
        disabled=first["disabled"],
        keys=keys,
    )


def _key(row: Record) -> KnownKey:
    return KnownKey(
        key_id=row["id"],
        tenant=row["tenant"],
        app=row["app"],
        role=Role(row["role"]),
        secret_sha256=bytes(row["secret_sha256"]),
        expires_at=row["expires_at"],
        disabled=row["disabled"],
    )


# --- configuration ---------------------------------------------------------------------

# Versions are numbered without gaps, so whoever may add one lets nobody else; readers go on.
_LOCK_VERSIONS: Final = "LOCK TABLE config_version IN SHARE ROW EXCLUSIVE MODE"
_ADD_VERSION: Final = """
    INSERT INTO config_version (number, version, documents, replaces, applied_at, actor, reason)
    VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7)
"""
_VERSION: Final = """
    SELECT applied_at, actor, reason,
        json_build_object('version', version, 'number', number, 'documents', documents)::text
            AS shown
    FROM config_version
"""
_VERSION_IN_FORCE: Final = f"{_VERSION} ORDER BY number DESC LIMIT 1"
_VERSION_NAMED: Final = f"{_VERSION} WHERE version = $1 ORDER BY number DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class AppliedVersion:
    """A version of the configuration, and who put it in force, when and why."""

    version: ConfigurationVersion
    applied_at: datetime
    actor: str
    reason: str


async def lock_versions(tx: Transaction) -> None:
    """Let nobody else add a version until this transaction ends."""
    await tx.execute(_LOCK_VERSIONS)


async def version_in_force(tx: Transaction) -> AppliedVersion | None:
    """Return the version with the highest number; None before the first."""
    return _applied(await tx.fetchrow(_VERSION_IN_FORCE))


async def version_named(tx: Transaction, version: str) -> AppliedVersion | None:
    """Return a version as it was last put in force."""
    return _applied(await tx.fetchrow(_VERSION_NAMED, version))


async def add_version(tx: Transaction, applied: AppliedVersion, replaces: str | None) -> None:
    """Put a version in force; call `lock_versions` before what it follows from is read."""
    version = applied.version
    documents = json.dumps(version.documents, ensure_ascii=False)
    await tx.execute(
        _ADD_VERSION,
        *(version.number, version.version, documents, replaces),
        *(applied.applied_at, applied.actor, applied.reason),
    )


def _applied(row: Record | None) -> AppliedVersion | None:
    if row is None:
        return None
    version = ConfigurationVersion.model_validate_json(row["shown"])
    return AppliedVersion(version, row["applied_at"], row["actor"], row["reason"])
