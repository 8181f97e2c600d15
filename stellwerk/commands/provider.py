"""`stellwerk provider`: whether providers answer, and what keeps one that does not."""

import asyncio
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="See whether model providers answer.", no_args_is_help=True)
    group.callback()(lambda: None)  # With one command alone typer would leave its name out.
    group.command("test")(ask_providers)
    app.add_typer(group, name="provider")


def ask_providers(
    name: Annotated[str | None, typer.Argument(help="A provider of models.yaml.")] = None,
    *,
    all: Annotated[bool, typer.Option("--all", help="All of them.")] = False,  # noqa: A002
    json: Annotated[bool, typer.Option(help="Print them as JSON.")] = False,
) -> None:
    """Ask providers whether they answer; it costs nothing there.

    Exit code 1 if one that is switched on does not.
    """
    raise typer.Exit(asyncio.run(_ask(name, every=all, json=json)))


async def _ask(name: str | None, *, every: bool, json: bool) -> int:
    from stellwerk.errors import BadInput
    from stellwerk.output import print_json
    from stellwerk.providers import facts_of, lines, states

    if (name is None) != every:
        raise BadInput("Name one provider, or say --all.")
    found = await states(name)
    if json:
        print_json({"providers": [facts_of(one) for one in found]})
    else:
        print("\n".join(lines(found)))
    return 1 if any(not one.reachable and not one.missing for one in found) else 0
