"""`stellwerk model`: which models there are, and fetching the embedded ones."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from shared.contracts.routing import StatedModel
    from shared.contracts.stated import ModelsDocument

CONFIG_VARIABLE: Final = "STELLWERK_CONFIG"


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="List models, fetch the embedded ones.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command()(fetch)
    app.add_typer(group, name="model")


def list_models(
    *,
    config: Annotated[
        Path | None, typer.Option(help="Show what the models.yaml of this folder states.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the models as JSON.")] = False,
) -> None:
    """Show the models in force, where they run and what they cost.

    Without a running platform: those of config/models.yaml.
    """
    from stellwerk.output import console, print_json

    models = _rows(_stated(config) if config else _in_force() or _stated(_folder()))
    if json:
        print_json({"models": models})
    else:
        console().print(_table(models))


def _in_force() -> "ModelsDocument | None":
    """Return what the running platform goes by; None if none runs here."""
    from shared.configuration import parse_yaml
    from shared.contracts.configuration import Document
    from shared.contracts.stated import ModelsDocument
    from stellwerk.commands.policy import read_configuration
    from stellwerk.errors import NotRunning

    try:
        found = asyncio.run(read_configuration()).found
    except NotRunning:
        return None
    assert found is not None
    return parse_yaml(found.documents[Document.MODELS], ModelsDocument, Document.MODELS)


def _folder() -> Path:
    return Path(os.environ.get(CONFIG_VARIABLE) or "config")


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
        return parse_yaml(read_text(file), ModelsDocument, str(file))
    except ConfigError as error:
        raise BadInput(str(error)) from None


def _rows(stated: "ModelsDocument") -> list[dict[str, Any]]:
    return [_row(name, model, stated) for name, model in stated.models.items()]


def _row(name: str, model: "StatedModel", stated: "ModelsDocument") -> dict[str, Any]:
    from stellwerk.errors import BadInput

    provider, price = stated.providers.get(model.provider), model.price_on(datetime.now(UTC).date())
    if provider is None:
        raise BadInput(f"Model {name} names provider {model.provider}: describe it too.")
    return {
        "model": name,
        "provider": model.provider,
        "residency": provider.residency,
        "local": provider.local,
        "context_tokens": model.context_tokens,
        "input_per_million": str(price.input_per_million),
        "output_per_million": str(price.output_per_million),
        "currency": price.currency,
    }


def _table(models: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("model", "provider", "residency", "context", "per million tokens in / out"):
        table.add_column(column)
    for each in models:
        price = f"{each['input_per_million']} / {each['output_per_million']} {each['currency']}"
        context = f"{each['context_tokens']:,}"
        table.add_row(each["model"], each["provider"], each["residency"], context, price)
    return table


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
