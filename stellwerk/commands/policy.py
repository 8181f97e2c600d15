"""`stellwerk policy`: the configuration in force, another one in its place, where texts may go."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from shared.contracts.configuration import Document

_Json = Annotated[bool, typer.Option(help="Print it as JSON.")]
_Reason = Annotated[str | None, typer.Option(help="Why, as a token; it is kept.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="See and change which models may be used, and what may be spent.",
        no_args_is_help=True,
    )
    group.command()(show)
    group.command()(apply)
    group.command("import")(import_pack)
    group.command()(matrix)
    app.add_typer(group, name="policy")


def show(
    use_case: Annotated[
        str | None,
        typer.Argument(help="A use case, a task, embed, translate or default: who answers it."),
    ] = None,
    *,
    version: Annotated[
        str | None, typer.Option(help="An earlier version; the one in force by default.")
    ] = None,
    json: _Json = False,
) -> None:
    """Show the configuration in force, who put it there, when and why.

    With a use case or a task: its primary model, its fallbacks, its specialists, and how far a text
    may travel to each.
    """
    if use_case is None:
        asyncio.run(_show(version, json=json))
    else:
        asyncio.run(_show_route(use_case, version, json=json))


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


def import_pack(
    pack: Annotated[str, typer.Argument(help="A pack of config/packs, such as hr, or a file.")],
    *,
    config: Annotated[
        Path | None, typer.Option(help="Folder that holds packs/; STELLWERK_CONFIG, else config.")
    ] = None,
    reason: _Reason = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also tasks that have another route now.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    json: _Json = False,
) -> None:
    """Put a department's tasks into the policy in force; the rest of it stays as it is.

    Exit code 2: the pack cannot be used, or a task has another route; nothing has changed then.
    """
    why = reason or "policy-pack"
    raise typer.Exit(
        asyncio.run(_import(pack, config, why, replace=replace, dry_run=dry_run, json=json))
    )


def matrix(*, json: _Json = False) -> None:
    """Show where a text may go, by its sensitivity and by where models are, and the overrides.

    Providers without a data processing agreement get nothing above internal.
    """
    asyncio.run(_matrix(json=json))


async def _show(version: str | None, *, json: bool) -> None:
    from stellwerk.in_force import read_configuration
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


async def _show_route(wanted: str, version: str | None, *, json: bool) -> None:
    from shared.contracts.values import now
    from stellwerk.in_force import in_force
    from stellwerk.output import print_json
    from stellwerk.providers import missing_by_provider
    from stellwerk.routes import lines_of, overview

    found = await in_force(version)
    missing = await missing_by_provider()
    shown = overview(wanted, found.models, found.policy, now().date(), missing)
    if json:
        print_json({"version": found.version, **shown})
    else:
        print("\n".join(lines_of(shown)))


async def _apply(files: Sequence[Path], reason: str, expected: str | None, *, json: bool) -> int:
    from stellwerk.in_force import put_in_force, told

    return told(await put_in_force(documents_in(files), reason, expected), json=json)


async def _import(
    wanted: str, config: Path | None, reason: str, *, replace: bool, dry_run: bool, json: bool
) -> int:
    from shared.contracts.configuration import Document
    from stellwerk.in_force import check_reason, difference, in_force, put_in_force, told
    from stellwerk.output import print_json
    from stellwerk.packs import find_pack, merged
    from stellwerk.platform import config_folder

    check_reason(reason)
    pack = find_pack(wanted, config or config_folder())
    before = await in_force()
    text = before.documents[Document.POLICY]
    result = merged(pack, before.policy, text, replace=replace)
    after = before.changed(Document.POLICY, result.text)
    facts = {
        "pack": pack.name,
        "added": list(result.added),
        "replaced": list(result.replaced),
        "same": list(result.same),
        "dry_run": dry_run,
        "difference": difference(text, result.text, Document.POLICY),
    }
    if not json:
        for task, route in pack.pack.tasks.items():
            print(f"{task} -> {', '.join(route.models)}, because {route.reason}{result.how(task)}")
        print(f"\n{facts['difference']}\n" if facts["difference"] else "")
    if result.text == text or dry_run:
        said = "Nothing has changed" if dry_run else "All of it is in force already"
        print_json(facts) if json else print(f"{said}: version {before.version} is in force.")
        return 0
    documents = {Document.POLICY: after.documents[Document.POLICY]}
    return told(await put_in_force(documents, reason, before.version), json=json, more=facts)


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


async def _matrix(*, json: bool) -> None:
    from shared.contracts.values import now
    from stellwerk import reach
    from stellwerk.in_force import in_force
    from stellwerk.output import console, print_json

    found, today = await in_force(), now().date()
    overrides = found.policy.masking.overrides
    if json:
        print_json(
            {
                "version": found.version,
                "matrix": reach.permitted(found.models, found.policy, today),
                "agreements": reach.agreement_facts(found.models, today),
                "overrides": [one.model_dump(mode="json") for one in overrides],
            }
        )
        return
    console().print(_table(reach.cells(found.models, found.policy, today)))
    for lines in (
        reach.who_is_where(found.models),
        reach.agreement_lines(found.models, today),
        reach.override_lines(overrides, today),
    ):
        if lines:
            console().print("", *lines, sep="\n")


def _table(cells: Mapping[str, Mapping[str, str]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("sensitivity")
    for residency in next(iter(cells.values())):
        table.add_column(residency)
    for sensitivity, row in cells.items():
        table.add_row(sensitivity, *row.values())
    return table
