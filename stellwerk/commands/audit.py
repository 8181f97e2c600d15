"""`stellwerk audit`: check the record, and erase a person beside it."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import typer

from stellwerk.platform import DEFAULT_TENANT, find_platform

if TYPE_CHECKING:
    from shared.contracts.vault import EraseReply

OUT_OF_REACH: Final = """\
Out of reach, and what becomes of it:
- single requests, of no case or conversation: nobody can restore them after 7 days, when the key
  of their hour is destroyed
- answers that wait for their apps: deleted after an hour
- streamed answers that are under way: broken off within two seconds
- what apps keep, what providers were sent (placeholders only), and backups of the database
The record keeps its placeholders, which now stand for nobody; it verifies as before."""
"""What an erasure does not touch; printed with each, so that nobody promises more."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Check the audit record, erase a person.", no_args_is_help=True)
    group.command()(verify)
    group.command()(erase)
    app.add_typer(group, name="audit")


def verify(
    *,
    database_url: Annotated[
        str | None, typer.Option(help="The record's database, if it is not this platform's.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the verdict as JSON.")] = False,
) -> None:
    """Check that no recorded event was changed, moved or cut off.

    Exit code 0: intact; 1: not; 2: it could not be read.
    """
    from deploy.provision.database import role_of
    from stellwerk.verify import audit_verify

    dsn = database_url or find_platform().database_url("audit", role_of("audit"))
    raise typer.Exit(audit_verify(dsn, as_json=json))


def erase(
    names: Annotated[
        list[str],
        typer.Argument(help="The whole name, an address, a number: each way the person is known."),
    ],
    *,
    whole_scopes: Annotated[
        bool,
        typer.Option(help="Everything else in the same cases and conversations as well."),
    ] = False,
    tenant: Annotated[str, typer.Option(help="Whose vault.")] = DEFAULT_TENANT,
    reason: Annotated[str, typer.Option(help="Why, as a token; it is recorded.")] = "art-17",
    json: Annotated[bool, typer.Option(help="Print the counts as JSON.")] = False,
) -> None:
    """Destroy the keys of what cases and conversations hold of one person.

    A surname alone stands for everybody of that name. The record learns that it was done, and
    under which keyed hashes; never the name.
    """
    reply = asyncio.run(_erase(tuple(names), tenant, reason, whole_scopes=whole_scopes))
    if json:
        from stellwerk.output import print_json

        print_json({"entries": reply.entries, "scopes": reply.scopes, "reason": reason})
        return
    if reply.entries:
        values = "1 value" if reply.entries == 1 else f"{reply.entries} values"
        one = reply.scopes == 1
        where = "1 case or conversation" if one else f"{reply.scopes} cases and conversations"
        print(f"Destroyed: the keys of {values} in {where}. Nobody can read or restore them.")
    else:
        print("No case and no conversation holds anything under these names.")
    print(OUT_OF_REACH)


async def _erase(
    names: tuple[str, ...], tenant: str, reason: str, *, whole_scopes: bool
) -> "EraseReply":
    from pydantic import ValidationError

    from shared.contracts.catalog import OPERATOR
    from shared.contracts.vault import VALUES_MAX, EraseReply, SubjectErase
    from stellwerk.errors import BadInput
    from stellwerk.operator import Operator

    try:
        command = SubjectErase(
            actor=OPERATOR, reason=reason, tenant=tenant, values=names, whole_scopes=whole_scopes
        )
    except ValidationError:
        raise BadInput(
            f"Give 1 to {VALUES_MAX} names of at most 512 characters; the reason and the tenant "
            "are made of a-z, 0-9, - and _."
        ) from None
    async with Operator(find_platform()) as operator:
        return await operator.ask(command, EraseReply)
