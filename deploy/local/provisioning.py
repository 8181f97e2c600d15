"""Makes the bus and the database of one data directory what the catalogue says."""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg
import nats
import nats.errors

from deploy.local.addresses import signed_in, without_user
from deploy.local.errors import StartFailed
from deploy.local.secrets import Secrets
from deploy.provision.bus import provision_bus
from deploy.provision.changes import Change
from deploy.provision.database import Schema, provision_database, role_of
from deploy.provision.permissions import PROVISION
from shared.contracts.catalog import SERVICES

CONNECT_S_MAX: Final = 5.0


async def provision(nats_url: str, admin_url: str, secrets: Secrets) -> Sequence[str]:
    """Provision what differs and return it in words; a second start finds nothing to do."""
    try:
        changes = await _bus(nats_url, secrets)
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise StartFailed(
            f"The bus at {nats_url} cannot be provisioned ({type(error).__name__}): it must be "
            "there, with JetStream, and know the key of the user provision."
        ) from error
    schemas = [
        Schema(one, secrets.database_password(one), service_url(admin_url, one, secrets))
        for one in SERVICES
    ]
    try:
        changes += await provision_database(admin_url, schemas)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartFailed(
            f"The database at {without_user(admin_url)} cannot be provisioned "
            f"({type(error).__name__}): it must be there, with a user that may create roles "
            "and schemas."
        ) from error
    return [f"{change.what} {change.done}" for change in changes]


def service_url(admin_url: str, service: str, secrets: Secrets) -> str:
    """Return a service's database address with its own role."""
    return signed_in(admin_url, role_of(service), secrets.database_password(service))


async def _bus(nats_url: str, secrets: Secrets) -> list[Change]:
    # nats-py tries a first connection sixty times, two seconds apart, whatever it is told.
    async with asyncio.timeout(CONNECT_S_MAX):
        client = await nats.connect(
            nats_url,
            nkeys_seed=str(secrets.seed_file(PROVISION)),
            inbox_prefix=f"_INBOX.{PROVISION}",
            allow_reconnect=False,
            error_cb=_quiet,
        )
    try:
        return await provision_bus(client.jetstream(), replicas=1, apply=True)
    finally:
        await client.close()


async def _quiet(_error: Exception) -> None:
    """Say nothing: nats-py would print a traceback, and the call fails all the same."""
