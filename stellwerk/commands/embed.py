"""`stellwerk embed`: print the vector of one text."""

import asyncio
import sys
from json import dumps
from typing import Annotated, Any

import typer

from stellwerk.commands.ask import facts_line, text_of
from stellwerk.platform import DEFAULT_APP, DEFAULT_TENANT, find_platform


def register(app: typer.Typer) -> None:
    app.command()(embed)


def embed(
    text: Annotated[str, typer.Argument(help="What to embed; - reads standard input.")],
    *,
    app: Annotated[str, typer.Option(help="The app that asks.")] = DEFAULT_APP,
    tenant: Annotated[str, typer.Option(help="The app's tenant.")] = DEFAULT_TENANT,
    model: Annotated[str | None, typer.Option(help="A model's name; auto by default.")] = None,
    purpose: Annotated[
        str, typer.Option(help="document, query, classification or clustering.")
    ] = "document",
    dimensions: Annotated[int | None, typer.Option(help="How many numbers it has.")] = None,
    json: Annotated[bool, typer.Option(help="Print the vector and its facts as JSON.")] = False,
) -> None:
    """Print the vector of one text, as a list of numbers in JSON."""
    options = {"model": model, "embedding_purpose": purpose, "dimensions": dimensions}
    given = {name: value for name, value in options.items() if value is not None}
    asyncio.run(_embed(text_of(text), tenant, app, given, json=json))


async def _embed(text: str, tenant: str, app: str, options: dict[str, Any], *, json: bool) -> None:
    from stellwerk.client import Client
    from stellwerk.output import print_json

    platform = find_platform()
    seed_file = platform.app_seed_file(tenant, app)
    async with Client(platform.nats_url, app=app, tenant=tenant, seed_file=seed_file) as client:
        answer = await client.complete(text, operation="embed", **options)
    [vector] = answer.vectors
    if not json:
        print(dumps(vector))
        print(facts_line(answer), file=sys.stderr)
        return
    print_json(
        {
            "request_id": str(answer.request_id),
            "model": answer.model,
            "provider": answer.provider,
            "dimensions": len(vector),
            "usage": answer.usage.model_dump(mode="json"),
            "cost": answer.cost,
            "cost_nano": answer.cost_nano,
            "masked_count": answer.masked_count,
            "vector": vector,
        }
    )
