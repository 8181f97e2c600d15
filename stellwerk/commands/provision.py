"""`stellwerk provision`: make streams, consumers, roles and schemas what the catalogue says."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from stellwerk.platform import find_platform

if TYPE_CHECKING:
    from deploy.provision.changes import Change


def register(app: typer.Typer) -> None:
    app.command()(provision)


def provision(
    *,
    diff: Annotated[bool, typer.Option(help="Only show what differs on the bus.")] = False,
    replicas: Annotated[int, typer.Option(help="Copies of each stream: 1, 3 or 5.")] = 1,
    json: Annotated[bool, typer.Option(help="Print the differences as JSON.")] = False,
) -> None:
    """Make streams, consumers, database roles and schemas what they should be.

    With --diff nothing is changed, and the exit code is 1 if something differs.
    """
    from stellwerk.output import print_json

    changes = asyncio.run(_provision(replicas, apply=not diff))
    if json:
        print_json({"changes": [{"what": each.what, "done": each.done} for each in changes]})
    else:
        for change in changes:
            print(f"{'differs' if diff else change.done}: {change.what}")
        if not changes:
            print("Everything is as it should be.")
    raise typer.Exit(1 if diff and changes else 0)


async def _provision(replicas: int, *, apply: bool) -> "list[Change]":
    import nats
    from nats.errors import Error as NatsError

    from deploy.local.postgres import SUPERUSER
    from deploy.provision.bus import provision_bus
    from deploy.provision.database import Schema, provision_database, role_of
    from deploy.provision.permissions import PROVISION
    from shared.contracts.catalog import SERVICES
    from stellwerk.errors import CommandError

    platform = find_platform()
    try:
        client = await nats.connect(
            platform.nats_url,
            nkeys_seed=str(platform.seed_file(PROVISION)),
            inbox_prefix=f"_INBOX.{PROVISION}",
            allow_reconnect=False,
        )
    except (NatsError, OSError):
        raise CommandError(
            f"The bus at {platform.nats_url} does not answer. `stellwerk status` shows why."
        ) from None
    changes = await provision_bus(client.jetstream(), replicas=replicas, apply=apply)
    await client.close()
    if apply:
        schemas = []
        for service in SERVICES:
            url = platform.database_url(service, role_of(service))
            password = platform.password(service)
            schemas.append(Schema(service, password, url))
        changes += await provision_database(platform.database_url(SUPERUSER, SUPERUSER), schemas)
    return changes
