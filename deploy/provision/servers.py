"""The bus and the database to provision, wherever they run, and the secrets that open them."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import nats
import nats.errors

from deploy.local.addresses import signed_in, without_user
from deploy.local.secrets import public_key
from deploy.provision.accounts import App, accounts_text, core_users
from deploy.provision.bus import provision_bus
from deploy.provision.changes import Change
from deploy.provision.database import Schema, provision_database, role_of
from deploy.provision.permissions import PROVISION
from shared.contracts.catalog import SERVICES

CONNECT_S_MAX: Final = 5.0


class ProvisionFailed(Exception):
    """Provisioning could not be done; the text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class SecretsFolder:
    """Reads a folder of secrets and never writes there: it may be a mounted Secret.

    `bus/<user>.seed`, `database/<service>.password` and `apps/<tenant>.<app>.seed`, as
    `stellwerk up` and `stellwerk provision --make-secrets` lay them out.
    """

    root: Path

    def seed_file(self, user: str) -> Path:
        return self._there(self.root / "bus" / f"{user}.seed")

    def password(self, service: str) -> str:
        return self._read(self.root / "database" / f"{service}.password")

    def admin_url(self) -> str | None:
        """Return the administrator's address of the database, where it is kept with the rest."""
        file = self.root / "database" / "admin.url"
        return self._read(file) if file.exists() else None

    def accounts(self) -> str:
        """Return the `accounts` block of nats-server: public keys only, so it is no secret."""
        keys = {user: public_key(self.seed_file(user)) for user in core_users()}
        return accounts_text(keys, self._apps())

    def _apps(self) -> list[App]:
        seeds = sorted((self.root / "apps").glob("*.seed"))
        named = ((seed.stem.partition("."), seed) for seed in seeds)
        return [App(tenant, app, public_key(seed)) for (tenant, _, app), seed in named]

    def _there(self, file: Path) -> Path:
        if not file.is_file():
            raise ProvisionFailed(
                f"{file} is missing. `stellwerk provision --make-secrets --secrets {self.root}` "
                "makes what is missing and keeps what is there."
            )
        return file

    def _read(self, file: Path) -> str:
        try:
            return self._there(file).read_text(encoding="ascii").strip()
        except PermissionError:
            raise ProvisionFailed(f"{file} cannot be read by this user.") from None


@dataclass(frozen=True, slots=True)
class Servers:
    """`admin_url` signs in to the database as a user that may create roles and schemas."""

    nats_url: str
    admin_url: str = field(repr=False)
    secrets: SecretsFolder

    async def provision(self, *, replicas: int, apply: bool) -> list[Change]:
        """Make the servers what the catalogue says and return the differences.

        With `apply` false nothing is changed. Raises `ProvisionFailed`.
        """
        changes = await self._bus(replicas, apply=apply)
        return changes + await self._database(apply=apply)

    async def _bus(self, replicas: int, *, apply: bool) -> list[Change]:
        try:
            # nats-py tries a first connection sixty times, whatever it is told.
            async with asyncio.timeout(CONNECT_S_MAX):
                client = await nats.connect(
                    self.nats_url,
                    nkeys_seed=str(self.secrets.seed_file(PROVISION)),
                    inbox_prefix=f"_INBOX.{PROVISION}",
                    allow_reconnect=False,
                    error_cb=_quiet,
                )
            try:
                return await provision_bus(client.jetstream(), replicas=replicas, apply=apply)
            finally:
                await client.close()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise ProvisionFailed(
                f"The bus at {without_user(self.nats_url)} cannot be provisioned "
                f"({type(error).__name__}): it must be there, with JetStream and as many servers "
                f"as copies are asked for ({replicas}), and know the key of the user {PROVISION}."
            ) from error

    async def _database(self, *, apply: bool) -> list[Change]:
        schemas = [self._schema(service) for service in SERVICES]
        try:
            return await provision_database(self.admin_url, schemas, apply=apply)
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ProvisionFailed(
                f"The database at {without_user(self.admin_url)} cannot be provisioned "
                f"({type(error).__name__}): it must be there, with a user that may create roles "
                "and schemas."
            ) from error

    def _schema(self, service: str) -> Schema:
        password = self.secrets.password(service)
        return Schema(service, password, signed_in(self.admin_url, role_of(service), password))


async def _quiet(_error: Exception) -> None:
    """Say nothing: nats-py would print a traceback, and the call fails all the same."""
