"""Roles, schemas, migrations and published views in PostgreSQL, one of each per service."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.provision.changes import Change

READER: Final = "stellwerk_reader"
"""The role that analysts are members of: it may read published views and nothing else."""

_NAMES: Final = {"redactor": "vault"}


@dataclass(frozen=True, slots=True)
class Schema:
    """One service's place in the database. `url` signs in with the service's own role."""

    service: str
    password: str
    url: str

    @property
    def name(self) -> str:
        """Return the schema's name: what the service keeps there, where that says more."""
        return _NAMES.get(self.service, self.service)

    @property
    def folder(self) -> Path:
        """Return the service's own folder."""
        return Path(str(files("services"))) / self.service

    @property
    def is_kept(self) -> bool:
        """Return whether the service keeps data; one that does not reads what others publish."""
        return (self.folder / "migrations").is_dir()


async def provision_database(
    admin_url: str, schemas: Sequence[Schema], *, apply: bool = True
) -> list[Change]:
    """Create roles and schemas, run each service's migrations as its role, publish its views.

    With `apply` false nothing is changed, and only the administrator's address is used. The
    administrator needs no superuser's rights: CREATEROLE, and CREATE in the database.
    """
    changes: list[Change] = []
    kept = [schema for schema in schemas if schema.is_kept]
    admin = await asyncpg.connect(admin_url)
    try:
        for schema in schemas:
            changes += await _provision_role(admin, schema, apply=apply)
        changes += await _provision_reader(admin, apply=apply)
        if apply:
            for schema in schemas:
                if not schema.is_kept:
                    await admin.execute(f'GRANT "{READER}" TO "{role_of(schema.service)}"')
        stamped = {schema.name: await _stamp(admin, schema.name) for schema in kept}
    finally:
        await admin.close()
    for schema in kept:
        changes += await _migrate(schema, stamped[schema.name], apply=apply)
    return changes


async def _provision_role(
    admin: asyncpg.Connection, schema: Schema, *, apply: bool
) -> list[Change]:
    role, name = role_of(schema.service), schema.name
    changes: list[Change] = []
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        changes.append(Change(f"role {role}", "created"))
        if apply:
            await _create_role(admin, role)
    if apply:
        # PostgreSQL takes no parameter here; the password is quoted by the server itself.
        statement = await admin.fetchval(
            "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, schema.password
        )
        await admin.execute(statement)
    known = await admin.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", name)
    if schema.is_kept and not known:
        changes.append(Change(f"schema {name}", "created"))
        if apply:
            await admin.execute(f'CREATE SCHEMA "{name}" AUTHORIZATION "{role}"')
    return changes


async def _create_role(admin: asyncpg.Connection, role: str) -> None:
    await admin.execute(f'CREATE ROLE "{role}" LOGIN')
    if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # Who may create roles does not have their rights by itself, and a schema can be given
        # only to a role whose rights one has.
        await admin.execute(f'GRANT "{role}" TO CURRENT_USER WITH INHERIT TRUE, SET TRUE')


async def _provision_reader(admin: asyncpg.Connection, *, apply: bool) -> list[Change]:
    if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", READER):
        return []
    if apply:
        await admin.execute(f'CREATE ROLE "{READER}" NOLOGIN')
    return [Change(f"role {READER}", "created")]


def role_of(service: str) -> str:
    """Return the database role of a service."""
    return f"sw_{service}"


async def _stamp(admin: asyncpg.Connection, name: str) -> str | None:
    """Return the revision a schema stands at, or None."""
    table = f'"{name}".alembic_version'
    if await admin.fetchval("SELECT to_regclass($1)", table) is None:
        return None
    return str(await admin.fetchval(f"SELECT version_num FROM {table}"))  # noqa: S608


async def _migrate(schema: Schema, stands_at: str | None, *, apply: bool) -> list[Change]:
    config = _alembic(schema.name, schema.folder / "migrations")
    head = ScriptDirectory.from_config(config).get_current_head()
    changes: list[Change] = []
    if head != stands_at:
        changes.append(Change(f"schema {schema.name}", f"migrated to {head}"))
        if apply:
            await _upgrade(schema, config)
    if apply:
        await _publish_views(schema)
    return changes


def _alembic(name: str, folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("deploy.provision") / "migrations"))
    config.set_main_option("version_locations", str(folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["schema"] = name
    return config


async def _upgrade(schema: Schema, config: Config) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        # asyncpg itself reads the address: SQLAlchemy would refuse its `?sslmode=require`.
        async_creator=lambda: asyncpg.connect(
            schema.url, server_settings={"search_path": schema.name}
        ),
    )

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


async def _publish_views(schema: Schema) -> None:
    """Create or replace a service's views and let analysts read them."""
    folder = schema.folder / "views"
    views = sorted(folder.glob("*.sql")) if folder.is_dir() else []
    if not views:
        return
    connection = await asyncpg.connect(schema.url, server_settings={"search_path": schema.name})
    try:
        await connection.execute(f'GRANT USAGE ON SCHEMA "{schema.name}" TO "{READER}"')
        for view in views:
            await connection.execute(view.read_text())
            await connection.execute(f'GRANT SELECT ON "{schema.name}"."{view.stem}" TO "{READER}"')
    finally:
        await connection.close()
