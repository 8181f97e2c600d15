"""`stellwerk redact`: mask text right here, without a bus."""

import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(redact)


def redact(
    text: Annotated[str | None, typer.Argument(help="The text; - reads standard input.")] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option(help='Read {"id","text"[,"lang"]} a line, write the spans too.')
    ] = False,
) -> None:
    """Mask personal data in a text, with the redactor's own code; no platform has to run."""
    from stellwerk.redact import redact_command

    raise typer.Exit(redact_command(text, jsonl=jsonl, source=sys.stdin, target=sys.stdout))
