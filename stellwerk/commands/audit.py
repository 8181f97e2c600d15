"""`stellwerk audit`: check the record."""

from typing import Annotated

import typer

from stellwerk.platform import find_platform


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Check the audit record.", no_args_is_help=True)
    group.command()(verify)
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
