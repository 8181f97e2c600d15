"""`stellwerk model`: which models there are, and fetching the embedded ones."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from rich.table import Table

CONFIG_VARIABLE: Final = "STELLWERK_CONFIG"


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="List models, fetch the embedded ones.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command()(fetch)
    app.add_typer(group, name="model")


def list_models(
    *,
    config: Annotated[
        Path | None, typer.Option(help="The folder with models.yaml; ./config by default.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the models as JSON.")] = False,
) -> None:
    """Show the models of config/models.yaml, where they run and what they cost."""
    from stellwerk.output import console, print_json

    folder = config or Path(os.environ.get(CONFIG_VARIABLE) or "config")
    models = _read(folder / "models.yaml")
    if json:
        print_json({"models": models})
    else:
        console().print(_table(models))


def _read(file: Path) -> list[dict[str, Any]]:
    import yaml

    from stellwerk.errors import BadInput

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        providers = found["providers"]
        return [_row(name, model, providers) for name, model in found["models"].items()]
    except FileNotFoundError:
        raise BadInput(
            f"There is no {file}. Run this where the configuration lies, or name its folder with "
            "--config."
        ) from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise BadInput(
            f"{file} is not a list of providers and models. Compare it with the one that is "
            "shipped as config/models.yaml."
        ) from None


def _row(name: str, model: dict[str, Any], providers: dict[str, Any]) -> dict[str, Any]:
    provider, price = providers[model["provider"]], model["price"]
    return {
        "model": name,
        "provider": model["provider"],
        "residency": provider["residency"],
        "local": provider["local"],
        "context_tokens": model["context_tokens"],
        "input_per_million": price["input_per_million"],
        "output_per_million": price["output_per_million"],
        "currency": price["currency"],
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
