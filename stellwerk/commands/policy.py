"""`stellwerk policy`: the configuration in force, another one in its place, where texts may go."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stellwerk.platform import find_platform

if TYPE_CHECKING:
    from datetime import date

    from rich.table import Table

    from shared.contracts.configuration import ConfigReadReply, Document
    from shared.contracts.masking import Override
    from shared.contracts.stated import ModelsDocument, PolicyDocument

_Json = Annotated[bool, typer.Option(help="Print it as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="See and change which models may be used, and what may be spent.",
        no_args_is_help=True,
    )
    group.command()(show)
    group.command()(apply)
    group.command()(matrix)
    app.add_typer(group, name="policy")


def show(
    *,
    version: Annotated[
        str | None, typer.Option(help="An earlier version; the one in force by default.")
    ] = None,
    json: _Json = False,
) -> None:
    """Show the configuration in force, who put it there, when and why."""
    asyncio.run(_show(version, json=json))


def apply(
    files: Annotated[
        list[Path],
        typer.Argument(help="models.yaml, policy.yaml, budgets.yaml, or a folder with them."),
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why, as a token; it is kept.")] = "routine",
    expected: Annotated[
        str | None, typer.Option(help="Refuse unless this version is in force.")
    ] = None,
    json: _Json = False,
) -> None:
    """Put files in force; what is left out stays as it is.

    Requests that begin from then on follow it, within two seconds and without a restart. Exit code
    2: it cannot be used, or another version was expected; nothing has changed then.
    """
    raise typer.Exit(asyncio.run(_apply(files, reason, expected, json=json)))


def matrix(*, json: _Json = False) -> None:
    """Show where a text may go, by its sensitivity and by where models are, and the overrides."""
    asyncio.run(_matrix(json=json))


async def _show(version: str | None, *, json: bool) -> None:
    from stellwerk.output import console, print_json

    reply = await read_configuration(version)
    assert reply.found is not None
    if json:
        print_json(reply.model_dump(mode="json", exclude={"id", "code"}))
        return
    found = reply.found
    console().print(f"version {found.version}, number {found.number}")
    when = f"{reply.applied_at:%Y-%m-%d %H:%M:%S} UTC" if reply.applied_at else "unknown"
    console().print(f"in force since {when}, by {reply.actor}, reason {reply.applied_for}")
    for document, text in found.documents.items():
        print(f"\n--- {document}\n{text.rstrip()}")


async def read_configuration(version: str | None = None) -> "ConfigReadReply":
    """Return a version; raise `NotFound` if there is none."""
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.configuration import ConfigRead, ConfigReadReply
    from stellwerk.errors import NotFound
    from stellwerk.operator import Operator

    command = _command(ConfigRead, version=version, actor=OPERATOR)
    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, ConfigReadReply)
    if reply.found is None:
        raise NotFound(
            f"No version {version} was ever in force here. `stellwerk policy show` names the last."
            if version
            else "No configuration is in force yet. `stellwerk policy apply` puts one there."
        )
    return reply


async def _apply(files: Sequence[Path], reason: str, expected: str | None, *, json: bool) -> int:
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.configuration import ConfigApply, ConfigApplyReply
    from stellwerk.operator import Operator
    from stellwerk.output import complain, print_json

    command = _command(
        ConfigApply,
        documents=documents_in(files),
        actor=OPERATOR,
        reason=reason,
        expected=expected,
    )
    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, ConfigApplyReply)
    if json:
        print_json(reply.model_dump(mode="json", exclude={"id"}))
    elif reply.code is None:
        print(f"version {reply.version}, number {reply.number}, is in force")
    for problem in reply.problems:
        complain(problem)
    if reply.code is not None and not reply.problems:
        complain(
            f"Version {reply.version} is in force, another was expected. Look at it with "
            "`stellwerk policy show`, then apply your change to it."
        )
    return 0 if reply.code is None else 2


def documents_in(places: Sequence[Path]) -> "dict[Document, str]":
    """Return the documents that files hold by their names; raise `BadInput` for any other."""
    from shared.configuration import ConfigError, read_text
    from shared.contracts.configuration import DOCUMENT_BYTES_MAX, Document
    from stellwerk.errors import BadInput

    known = ", ".join(Document)
    found: dict[Document, str] = {}
    for place in places:
        within = [place / name for name in Document if (place / name).is_file()]
        if place.is_dir() and not within:
            raise BadInput(f"{place} holds none of {known}.")
        for file in within if place.is_dir() else [place]:
            if file.name not in set(Document):
                raise BadInput(f"{file} is not named as one of {known}: the name says what it is.")
            if Document(file.name) in found:
                raise BadInput(f"{file.name} is given twice: name one of them.")
            try:
                found[Document(file.name)] = read_text(file)
            except ConfigError as error:
                raise BadInput(str(error)) from None
            if len(found[Document(file.name)].encode()) > DOCUMENT_BYTES_MAX:
                raise BadInput(
                    f"{file} has more than {DOCUMENT_BYTES_MAX // 1024} KiB: shorten it."
                )
    return found


def _command(kind: Any, **fields: object) -> Any:  # noqa: ANN401 -- whichever command is named
    from pydantic import ValidationError

    from stellwerk.errors import BadInput

    try:
        return kind(**fields)
    except ValidationError as error:
        names = ", ".join(f"--{fault['loc'][0]}" for fault in error.errors(include_input=False))
        raise BadInput(
            f"{names}: use small letters, digits and hyphens, at most 64, such as `new-price`."
        ) from None


async def _matrix(*, json: bool) -> None:
    from shared.configuration import parse_yaml
    from shared.contracts.configuration import Document
    from shared.contracts.stated import ModelsDocument, PolicyDocument
    from shared.contracts.values import now
    from stellwerk.output import console, print_json

    found = (await read_configuration()).found
    assert found is not None
    policy = parse_yaml(found.documents[Document.POLICY], PolicyDocument, Document.POLICY)
    models = parse_yaml(found.documents[Document.MODELS], ModelsDocument, Document.MODELS)
    allowed = permitted(models, policy)
    overrides = policy.masking.overrides
    if json:
        shown = [one.model_dump(mode="json") for one in overrides]
        print_json({"version": found.version, "matrix": allowed, "overrides": shown})
    else:
        console().print(_table(allowed))
        for line in override_lines(overrides, now().date()):
            console().print(line)


def permitted(
    models: "ModelsDocument", policy: "PolicyDocument"
) -> dict[str, dict[str, list[str]]]:
    """Return, by sensitivity and residency, the models that a text may go to."""
    from shared.contracts.values import Sensitivity

    residencies = dict.fromkeys(provider.residency for provider in models.providers.values())
    rows: dict[str, dict[str, list[str]]] = {}
    for sensitivity in Sensitivity:
        stated = policy.residencies_of(sensitivity) or ()
        row: dict[str, list[str]] = {residency: [] for residency in residencies}
        for name, model in models.models.items():
            provider = models.providers[model.provider]
            # The router holds special categories back from what is not local, whatever is stated.
            kept_home = sensitivity is Sensitivity.SPECIAL and not provider.local
            if not kept_home and (stated == "any" or provider.residency in stated):
                row[provider.residency].append(name)
        rows[sensitivity] = row
    return rows


def override_lines(overrides: "Sequence[Override]", today: "date") -> list[str]:
    """Return a sentence for each override: whose texts travel further than the table says."""
    lines = []
    for one in overrides:
        whose = f"{one.app}/{one.use_case}" if one.use_case else one.app
        over = "" if today <= one.until else " (over)"
        what = f"what is stricter counts as {one.to} until {one.until}, because {one.reason}"
        lines.append(f"{whose}: {what}{over}")
    return lines


def _table(allowed: Mapping[str, Mapping[str, Sequence[str]]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("sensitivity")
    for residency in next(iter(allowed.values())):
        table.add_column(residency)
    for sensitivity, row in allowed.items():
        table.add_row(sensitivity, *(", ".join(names) or "never" for names in row.values()))
    return table
