"""`stellwerk provision`: make streams, consumers, roles and schemas what the catalogue says."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from stellwerk.errors import BadInput, CommandError
from stellwerk.platform import (
    DATABASE_VARIABLE,
    NATS_VARIABLE,
    SECRETS_VARIABLE,
    find_platform,
)

if TYPE_CHECKING:
    from deploy.provision.servers import SecretsFolder, Servers

KEYS: Final = ("redactor-master", "console-session")
"""What services are told as key files; see `deploy/local/platform.py`."""


def register(app: typer.Typer) -> None:
    app.command()(provision)


def provision(
    *,
    diff: Annotated[bool, typer.Option(help="Only show what differs.")] = False,
    replicas: Annotated[int, typer.Option(help="Copies of each stream: 1, 3 or 5.")] = 1,
    secrets: Annotated[
        Path | None, typer.Option(help=f"Folder of seeds and passwords, else {SECRETS_VARIABLE}.")
    ] = None,
    make_secrets: Annotated[
        bool, typer.Option(help="Only make the secrets that are missing in the folder.")
    ] = False,
    app: Annotated[
        list[str] | None,
        typer.Option(help="With --make-secrets: let TENANT.APP sign in to the bus as well."),
    ] = None,
    accounts: Annotated[
        bool, typer.Option(help="Only print nats-server's accounts, users and permissions.")
    ] = False,
    json: Annotated[bool, typer.Option(help="Print the differences as JSON.")] = False,
) -> None:
    """Make streams, consumers, database roles and schemas what they should be.

    Of the platform that runs here, or of the servers that STELLWERK_NATS_URL and
    STELLWERK_DATABASE_URL (its administrator) name. Safe to run again at any time. With --diff
    nothing is changed, and the exit code is 1 if something differs.
    """
    from deploy.provision.servers import ProvisionFailed

    try:
        if make_secrets:
            _make_secrets(_named_folder(secrets), app or [])
        elif accounts:
            print(_secrets_folder(secrets).accounts(), end="")
        else:
            _provision(_servers(secrets), replicas=replicas, diff=diff, as_json=json)
    except ProvisionFailed as error:
        raise CommandError(str(error)) from None


def _provision(servers: "Servers", *, replicas: int, diff: bool, as_json: bool) -> None:
    from stellwerk.output import print_json

    changes = asyncio.run(servers.provision(replicas=replicas, apply=not diff))
    if as_json:
        print_json({"changes": [{"what": each.what, "done": each.done} for each in changes]})
    else:
        for change in changes:
            print(f"{'differs' if diff else change.done}: {change.what}")
        if not changes:
            print("Everything is as it should be.")
    raise typer.Exit(1 if diff and changes else 0)


def _make_secrets(folder: Path, apps: list[str]) -> None:
    from deploy.local.secrets import Secrets
    from shared.contracts.catalog import SERVICES

    made = Secrets(folder)
    before = set(made.files())
    made.bus_keys()
    for service in SERVICES:
        made.database_password(service)
    for key in KEYS:
        made.key_file(key)
    made.text_file("nats-store")
    for name in apps:
        tenant, dot, one = name.partition(".")
        if not dot:
            raise BadInput(f"{name} names no tenant: write it as TENANT.APP, such as default.crm.")
        made.app_seed_file(tenant, one)
    for file in sorted(set(made.files()) - before):
        print(f"made: {file}")
    print(f"{folder} is complete.")


def _servers(secrets: Path | None) -> "Servers":
    """Return what the environment names, and for what it does not name the platform here."""
    from deploy.provision.servers import Servers

    folder = _secrets_folder(secrets)
    nats_url = os.environ.get(NATS_VARIABLE)
    admin_url = os.environ.get(DATABASE_VARIABLE) or folder.admin_url()
    if nats_url and admin_url:
        return Servers(nats_url, admin_url, folder)
    # Needs packages of the embedded servers, which an image does not have.
    from deploy.local.postgres import SUPERUSER

    platform = find_platform()
    if not admin_url and not (platform.secrets / "database" / f"{SUPERUSER}.password").exists():
        raise CommandError(
            f"The database at {platform.postgres_url} was not started here: set "
            f"{DATABASE_VARIABLE} to the address that its administrator signs in with."
        )
    admin_url = admin_url or platform.database_url(SUPERUSER, SUPERUSER)
    return Servers(nats_url or platform.nats_url, admin_url, folder)


def _secrets_folder(secrets: Path | None) -> "SecretsFolder":
    from deploy.provision.servers import SecretsFolder

    named = secrets or os.environ.get(SECRETS_VARIABLE)
    return SecretsFolder(Path(named) if named else find_platform().secrets)


def _named_folder(secrets: Path | None) -> Path:
    named = secrets or os.environ.get(SECRETS_VARIABLE)
    if not named:
        raise BadInput("Name the folder that the secrets are to lie in with --secrets.")
    return Path(named)
