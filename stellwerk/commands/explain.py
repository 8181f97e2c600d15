"""`stellwerk explain`: why a request went where it went, what it cost, and the evidence."""

import asyncio
from typing import Annotated

import typer

from stellwerk.commands.request_id import RequestId, request_id_of
from stellwerk.platform import find_platform


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    request_id: RequestId,
    *,
    json: Annotated[bool, typer.Option(help="Print the explanation as JSON.")] = False,
) -> None:
    """Show candidates, exclusions, choice, calls, holds, cost, scores and audit leaves.

    The look at the record is recorded too.
    """
    asyncio.run(_explain(request_id, json=json))


async def _explain(text: str, *, json: bool) -> None:
    from stellwerk.explain import explanation, print_explanation
    from stellwerk.operator import Operator
    from stellwerk.output import console, print_json
    from stellwerk.record import read_record

    request_id = request_id_of(text)
    async with Operator(find_platform()) as operator:
        record = await read_record(operator, request_id, reason="explain")
    if json:
        print_json(explanation(record))
    else:
        print_explanation(record, console())
