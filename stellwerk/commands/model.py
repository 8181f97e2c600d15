"""`stellwerk model`: which models there are, who depends on one, its end, and a try of it."""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stellwerk.platform import DEFAULT_APP, DEFAULT_TENANT, config_folder, find_platform

if TYPE_CHECKING:
    from shared.contracts.stated import ModelsDocument
    from stellwerk.affected import Affected
    from stellwerk.in_force import InForce

_Json = Annotated[bool, typer.Option(help="Print it as JSON.")]
_Model = Annotated[str, typer.Argument(help="A model, or an alias of one.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="List and try models, end their life, fetch the embedded ones.", no_args_is_help=True
    )
    group.command("list")(list_models)
    group.command("affected")(show_affected)
    group.command()(retire)
    group.command("test")(try_model)
    group.command()(fetch)
    app.add_typer(group, name="model")


def list_models(
    *,
    config: Annotated[
        Path | None, typer.Option(help="Show what the models.yaml of this folder states.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the models as JSON.")] = False,
) -> None:
    """Show the models in force: names, where they run, tier, prices of today and tomorrow, end.

    Without a running platform: those of config/models.yaml.
    """
    from shared.contracts.values import now
    from stellwerk.models import lines, rows
    from stellwerk.output import print_json

    stated, missing = (_stated(config), {}) if config else asyncio.run(_in_force())
    models = rows(stated or _stated(config_folder()), now().date(), missing)
    print_json({"models": models}) if json else print("\n".join(lines(models)))


def show_affected(model: _Model, *, json: _Json = False) -> None:
    """Show who would notice if a model went: aliases, tasks, use cases, fallbacks, packs."""
    from stellwerk.output import print_json

    found = asyncio.run(_affected(model))[1]
    if json:
        print_json(found.facts)
    else:
        print("\n".join(found.lines()) or f"Nobody would notice if {found.model} went.")


def retire(
    model: _Model,
    *,
    successor: Annotated[str, typer.Option(help="The model that answers in its place.")],
    reason: Annotated[str, typer.Option(help="Why, as a token; it is kept.")],
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From which day; today.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve it: put it in force.")] = False,
    json: _Json = False,
) -> None:
    """End a model: from a day on its successor answers whoever asks for it.

    Callers, aliases and the policy stay as they are. Without --yes it only shows who is affected.
    """
    raise typer.Exit(
        asyncio.run(
            _retire(model, successor, on.date() if on else None, reason, yes=yes, json=json)
        )
    )


def try_model(
    model: _Model,
    text: Annotated[
        str, typer.Argument(help="What to ask.")
    ] = "What is the capital of Denmark? Answer with one word.",
    *,
    app: Annotated[str, typer.Option(help="The app that asks and pays.")] = DEFAULT_APP,
    tenant: Annotated[str, typer.Option(help="The app's tenant.")] = DEFAULT_TENANT,
    json: _Json = False,
) -> None:
    """Ask a model one real question through the platform: answer, first token, tokens, cost."""
    from stellwerk.output import print_json

    facts = asyncio.run(_try(model, text, tenant, app))
    if json:
        print_json(facts)
        return
    print(facts["answer"])
    first = f"first token after {facts['first_token_ms']} ms, " if facts["first_token_ms"] else ""
    print(
        f"\n{facts['model']} at {facts['provider']}: {first}all after {facts['total_ms']} ms\n"
        f"{facts['input_tokens']} tokens read, {facts['output_tokens']} written, {facts['cost']}; "
        f"stellwerk explain {facts['request_id']}"
    )
    if facts["instead_of"]:
        print(f"{facts['instead_of']} did not answer itself; `stellwerk explain` says why.")


async def _in_force() -> "tuple[ModelsDocument | None, dict[str, str | None]]":
    """Return what the running platform goes by, and what each provider lacks that is off there."""
    from stellwerk.errors import NotRunning
    from stellwerk.in_force import in_force
    from stellwerk.providers import missing_by_provider

    try:
        return (await in_force()).models, await missing_by_provider()
    except NotRunning:
        return None, {}


def _stated(folder: Path) -> "ModelsDocument":
    from shared.configuration import ConfigError, parse_yaml, read_text
    from shared.contracts.stated import ModelsDocument
    from stellwerk.errors import BadInput

    file = folder / "models.yaml"
    if not file.is_file():
        raise BadInput(
            f"No platform runs here, and there is no {file}. Start one with `stellwerk up`, or "
            "name the folder of a models.yaml with --config."
        )
    try:
        stated = parse_yaml(read_text(file), ModelsDocument, str(file))
    except ConfigError as error:
        raise BadInput(str(error)) from None
    for name, model in stated.models.items():
        if model.provider not in stated.providers:
            raise BadInput(f"Model {name} names provider {model.provider}: describe it too.")
    return stated


async def _affected(model: str) -> "tuple[InForce, Affected]":
    from stellwerk.affected import affected
    from stellwerk.in_force import in_force
    from stellwerk.packs import all_packs

    found = await in_force()
    return found, affected(model, found.models, found.policy, all_packs(config_folder()))


async def _retire(
    name: str, after: str, day: date | None, reason: str, *, yes: bool, json: bool
) -> int:
    from shared.contracts.configuration import Document
    from shared.contracts.values import now
    from stellwerk.affected import known, warnings
    from stellwerk.edits import put
    from stellwerk.errors import BadInput
    from stellwerk.in_force import check_reason, difference, put_in_force, told
    from stellwerk.output import print_json
    from stellwerk.providers import missing_by_provider

    check_reason(reason)
    before, found = await _affected(name)
    model, successor, day = found.model, known(after, before.models), day or now().date()
    if model == successor:
        raise BadInput(f"{name} cannot follow itself. Name another model with --successor.")
    text = put(before.documents[Document.MODELS], ["models", model, "retired"], day)
    text = put(text, ["models", model, "successor"], successor)
    changed = before.changed(Document.MODELS, text)
    notes = warnings(model, successor, changed.models, changed.policy, day)
    lacks = (await missing_by_provider()).get(before.models.models[successor].provider)
    notes += [f"{successor} is off here: {lacks}. It answers nobody until then."] if lacks else []
    facts: dict[str, Any] = {
        "affected": found.facts,
        "successor": successor,
        "on": day.isoformat(),
        "warnings": notes,
        "difference": difference(before.documents[Document.MODELS], text, Document.MODELS),
        "approved": yes,
    }
    if not json:
        print(f"From {day} on {successor} answers whoever asks for {model}:")
        print("\n".join(f"  {line}" for line in found.lines()) or "  nobody does now")
        print("".join(f"\n! {note}\n" for note in notes))
        print(f"{facts['difference']}\n")
    if yes:
        reply = await put_in_force({Document.MODELS: text}, reason, before.version)
        return told(reply, json=json, more=facts)
    print_json(facts) if json else print("Nothing has changed yet. Approve it with --yes.")
    return 0


async def _try(name: str, text: str, tenant: str, app: str) -> dict[str, Any]:
    from time import monotonic

    from shared.contracts.routing import Capability
    from shared.contracts.values import now
    from stellwerk.affected import known
    from stellwerk.client import Client
    from stellwerk.in_force import in_force
    from stellwerk.providers import require_on
    from stellwerk.routes import answering

    models = (await in_force()).models
    model = known(name, models)
    able = models.models[model].capabilities
    expected = answering(model, models, now().date())
    await require_on(models.models[expected].provider, expected)
    platform = find_platform()
    seed_file = platform.app_seed_file(tenant, app)
    async with Client(platform.nats_url, app=app, tenant=tenant, seed_file=seed_file) as client:
        began, first_ms = monotonic(), None
        if {Capability.CHAT, Capability.STREAM} <= able:
            stream = client.stream(text, model=name)
            async for _ in stream:
                first_ms = first_ms or round((monotonic() - began) * 1000)
            answer = await stream.answer()
        elif Capability.CHAT in able:
            answer = await client.complete(text, model=name)
        elif Capability.TRANSLATE in able:
            answer = await client.complete(
                text, model=name, operation="translate", target_language="en"
            )
        else:
            answer = await client.complete(text, model=name, operation="embed")
        total_ms = round((monotonic() - began) * 1000)
    vector = f"a vector of {len(answer.vectors[0])} numbers" if answer.embeddings else ""
    return {
        "model": answer.model,
        "provider": answer.provider,
        "instead_of": None if answer.model == expected else expected,
        "answer": answer.text or vector,
        "first_token_ms": first_ms,
        "total_ms": total_ms,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cost": answer.cost,
        "request_id": str(answer.request_id),
    }


def fetch(
    name: Annotated[str | None, typer.Argument(help="One of them; both by default.")] = None,
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder of all data; STELLWERK_DATA, else ./.stellwerk.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="official, index, or a file; by default what works.")
    ] = None,
) -> None:
    """Fetch the models that `stellwerk up` runs here, and check them against their publisher."""
    from deploy.local.errors import LocalError
    from deploy.local.folder import DataFolder
    from deploy.local.model import INDEX, MODELS, OFFICIAL
    from deploy.local.model import fetch as fetch_model
    from stellwerk.errors import BadInput, CommandError
    from stellwerk.platform import data_folder

    if name is not None and name not in MODELS:
        raise BadInput(f"No embedded model has this name; known: {', '.join(MODELS)}.")
    folder = DataFolder(data or data_folder()).models
    place = source if source in {None, OFFICIAL, INDEX} else Path(str(source))
    for model in [MODELS[name]] if name else MODELS.values():
        try:
            file = fetch_model(model, folder, print, place)
        except LocalError as error:
            raise CommandError(str(error)) from None
        print(f"{model.name}: {file}")
