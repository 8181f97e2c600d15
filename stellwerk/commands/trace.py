"""`stellwerk trace`: the waterfall of one request."""

import asyncio
from typing import Annotated

import typer

from stellwerk.commands.request_id import RequestId, request_id_of
from stellwerk.platform import find_platform


def register(app: typer.Typer) -> None:
    app.command()(trace)


def trace(
    request_id: RequestId,
    *,
    json: Annotated[bool, typer.Option(help="Print the spans as JSON.")] = False,
) -> None:
    """Show where one request's time went."""
    asyncio.run(_trace(request_id, json=json))


async def _trace(text: str, *, json: bool) -> None:
    from stellwerk.operator import Operator
    from stellwerk.output import console, print_json
    from stellwerk.trace import read_spans
    from stellwerk.waterfall import as_json, waterfall

    request_id = request_id_of(text)
    async with Operator(find_platform()) as operator:
        spans = await read_spans(operator, request_id)
    if json:
        print_json({"request_id": str(request_id), **as_json(spans)})
    else:
        console().print(waterfall(spans))
