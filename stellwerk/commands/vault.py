"""`stellwerk vault`: the keys under which cases and conversations are remembered."""

import asyncio
from typing import Annotated

import typer

from stellwerk.platform import DEFAULT_TENANT, find_platform


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Look after the vault's keys.", no_args_is_help=True)
    group.command()(rotate)
    app.add_typer(group, name="vault")


def rotate(
    *,
    tenant: Annotated[str, typer.Option(help="Whose vault.")] = DEFAULT_TENANT,
    reason: Annotated[str, typer.Option(help="Why, as a token.")] = "routine",
    json: Annotated[bool, typer.Option(help="Print the counts as JSON.")] = False,
) -> None:
    """Seal all keys of a tenant's vault under a new one, and destroy the old one.

    Requests go on meanwhile, and nothing that was masked changes.
    """
    asyncio.run(_rotate(tenant, reason, json=json))


async def _rotate(tenant: str, reason: str, *, json: bool) -> None:
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.vault import RotateReply, VaultRotate
    from stellwerk.operator import Operator
    from stellwerk.output import print_json

    command = VaultRotate(actor=OPERATOR, reason=reason, tenant=tenant)
    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, RotateReply)
    if json:
        print_json({"tenant": tenant, "version": reply.version, "keys": reply.keys})
        return
    print(f"Key {reply.version} of tenant {tenant} seals {reply.keys} values now.")
    print("The older keys are destroyed, and with them whatever else they had sealed.")
    print("Backups of the database still hold the older keys, wrapped by the master key.")
