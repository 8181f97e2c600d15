"""`stellwerk redact`: mask text right here, without a bus."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(redact)


def redact(
    text: Annotated[str | None, typer.Argument(help="The text; - reads standard input.")] = None,
    *,
    json: Annotated[
        bool, typer.Option(help="Show each find with its rule, and how far the text may travel.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option(help='Read {"id","text"[,"lang"]} a line, write the spans too.')
    ] = False,
    dictionaries: Annotated[
        Path | None, typer.Option(help="Folder with the company's own lists, by tenant.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose lists are used.")] = "default",
    policy: Annotated[
        Path | None, typer.Option(help="A policy.yaml whose section `masking` is followed.")
    ] = None,
) -> None:
    """Mask personal data in a text, with the redactor's own code; no platform has to run."""
    from stellwerk.errors import BadInput
    from stellwerk.redact import Wanted, redact_command

    if json and jsonl:
        raise BadInput("--json shows one text and --jsonl many: give one of them.")
    wanted = Wanted(jsonl, json, policy, dictionaries, tenant)
    raise typer.Exit(redact_command(text, wanted, sys.stdin, sys.stdout))
