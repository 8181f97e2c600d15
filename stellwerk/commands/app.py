"""`stellwerk app`: which apps may use the platform, and the keys that open its HTTP doors."""

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from shared.contracts.access import OVERLAP_S_MAX, AppCreate, AppDisable, AppRotate, Role
from stellwerk.platform import DEFAULT_TENANT, find_platform

if TYPE_CHECKING:
    from rich.table import Table

    from shared.contracts.access import AppRecord
    from stellwerk.keys import Key

HOUR_S: Final = 3600
OVERLAP_HOURS_MAX: Final = OVERLAP_S_MAX // HOUR_S
DAYS_MAX: Final = 3650
GATEWAY: Final = "gateway"

CommandT = TypeVar("CommandT", AppCreate, AppRotate, AppDisable)
Name = Annotated[str, typer.Argument(help="The app's name: a-z, 0-9, - and _.")]
Tenant = Annotated[str, typer.Option(help="The app's tenant.")]
Expiry = Annotated[
    int | None, typer.Option(min=1, max=DAYS_MAX, help="End the key after so many days.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Admit apps, rotate their keys, shut them out.", no_args_is_help=True)
    group.command()(create)
    group.command("list")(list_apps)
    group.command()(rotate)
    group.command()(disable)
    app.add_typer(group, name="app")


def create(
    name: Name,
    *,
    tenant: Tenant = DEFAULT_TENANT,
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.READ_ONLY,
    expires_days: Expiry = None,
    as_json: AsJson = False,
) -> None:
    """Admit an app and print its key, once: nobody can read it later.

    Where the bus runs on this machine, the app may use that too, with a seed file of its own.
    """
    from stellwerk.keys import new_key

    key = new_key()
    found = asyncio.run(_create(name, tenant, role, key, expires_days))
    _print_made(key, found, as_json=as_json, seed_file=_seed_file(tenant, name))


def list_apps(*, as_json: AsJson = False) -> None:
    """Show all apps, their roles and when their keys end."""
    from stellwerk.output import console, print_json

    apps = asyncio.run(_list())
    if as_json:
        print_json({"apps": [app.model_dump(mode="json") for app in apps]})
    else:
        console().print(_table(apps))


def rotate(
    name: Name,
    *,
    tenant: Tenant = DEFAULT_TENANT,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=OVERLAP_HOURS_MAX, help="How long the old keys still work.")
    ] = 24,
    expires_days: Expiry = None,
    as_json: AsJson = False,
) -> None:
    """Give an app a new key and print it, once; its older keys end after the overlap."""
    from stellwerk.keys import new_key

    key = new_key()
    found = asyncio.run(_rotate(name, tenant, key, overlap_hours, expires_days))
    _print_made(key, found, as_json=as_json)
    if not as_json:
        print(f"older keys end in {overlap_hours} h", file=sys.stderr)


def disable(name: Name, *, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Refuse an app from now on, at every gateway within two seconds."""
    asyncio.run(_disable(name, tenant))
    print(f"{tenant}.{name} is disabled.")
    seed_file = find_platform().secrets / "apps" / f"{tenant}.{name}.seed"
    if seed_file.exists():
        print(
            f"The bus still knows it: remove {seed_file} and start the platform again.",
            file=sys.stderr,
        )


async def _create(
    name: str, tenant: str, role: Role, key: "Key", expires_days: int | None
) -> "AppRecord":
    given = {"role": role, **_given(key, expires_days)}
    return await _told(_command(AppCreate, tenant, name, **given))


async def _rotate(
    name: str, tenant: str, key: "Key", overlap_hours: int, expires_days: int | None
) -> "AppRecord":
    given = {"overlap_s": overlap_hours * HOUR_S, **_given(key, expires_days)}
    return await _told(_command(AppRotate, tenant, name, **given))


async def _disable(name: str, tenant: str) -> "AppRecord":
    return await _told(_command(AppDisable, tenant, name))


def _given(key: "Key", expires_days: int | None) -> dict[str, Any]:
    from shared.contracts.values import now

    expires_at = now() + timedelta(days=expires_days) if expires_days is not None else None
    return {"key_id": key.key_id, "secret_sha256": key.secret_sha256, "expires_at": expires_at}


def _command(kind: type[CommandT], tenant: str, name: str, **given: Any) -> CommandT:
    from pydantic import ValidationError

    from shared.contracts.catalog import OPERATOR
    from stellwerk.errors import BadInput

    try:
        return kind(tenant=tenant, app=name, actor=OPERATOR, **given)
    except ValidationError:
        raise BadInput(
            "Names of apps and tenants hold a-z, 0-9, - and _, and begin with one of the first two."
        ) from None


async def _told(command: AppCreate | AppRotate | AppDisable) -> "AppRecord":
    """Return the app as it is after a command; raise a sentence if the gateway refuses it."""
    from shared.contracts.access import AppReply
    from stellwerk.errors import CommandError
    from stellwerk.operator import Operator

    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, AppReply)
    if reply.code is not None or reply.found is None:
        raise CommandError(_refusal(command, reply.code))
    return reply.found


def _refusal(command: AppCreate | AppRotate | AppDisable, code: object) -> str:
    from shared.contracts.errors import ErrorCode

    name = f"{command.tenant}.{command.app}"
    if code is ErrorCode.CONFLICT and isinstance(command, AppCreate):
        newer = f"`stellwerk app rotate {command.app}` gives it a new key."
        return f"There is an app {name} already. {newer}"
    if code is ErrorCode.FORBIDDEN and isinstance(command, AppCreate):
        return f"{command.app} is reserved: a part of the platform has this name. Take another."
    if code is ErrorCode.FORBIDDEN:
        return f"{name} is disabled and gets no new key. Create an app with another name."
    if code is ErrorCode.NOT_FOUND:
        return f"There is no app {name}. `stellwerk app list` shows all of them."
    return code.sentence() if isinstance(code, ErrorCode) else "The gateway gave no reason."


async def _list() -> "tuple[AppRecord, ...]":
    from stellwerk.operator import Operator

    async with Operator(find_platform()) as operator:
        return await operator.apps()


def _print_made(
    key: "Key", found: "AppRecord", *, as_json: bool, seed_file: str | None = None
) -> None:
    from stellwerk.output import print_json

    facts: dict[str, Any] = {
        "app": found.app,
        "tenant": found.tenant,
        "role": found.role.value,
        "key": key.text,
        "base_url": _base_url(),
        "bus_seed_file": seed_file,
    }
    given = {name: value for name, value in facts.items() if value is not None}
    if as_json:
        print_json(given)
        return
    for name, value in given.items():
        print(f"{name.replace('_', ' '):<14}{value}")
    print("Keep the key now: it is shown this once.", file=sys.stderr)


def _base_url() -> str | None:
    """Return what an OpenAI client takes as its address, where the door is on this machine."""
    from deploy.local.folder import DataFolder
    from deploy.local.status import running_state
    from stellwerk.platform import data_folder

    state = running_state(DataFolder(data_folder())) if _runs_here() else None
    door = state.doors.get(GATEWAY) if state else None
    return f"{door}/v1" if door else None


def _runs_here() -> bool:
    """Return whether the platform that commands go to is the one of this machine's data folder."""
    from stellwerk.platform import SECRETS_FOLDER, data_folder

    return find_platform().secrets.absolute() == (data_folder() / SECRETS_FOLDER).absolute()


def _seed_file(tenant: str, name: str) -> str | None:
    """Let the app onto the bus of this machine too; say why if that cannot be done here."""
    from deploy.local.apps import admit
    from deploy.local.errors import LocalError
    from stellwerk.platform import data_folder

    if not _runs_here():
        return None
    try:
        return str(admit(data_folder(), tenant, name).absolute())
    except LocalError as error:
        print(f"stellwerk: {error}", file=sys.stderr)
        return None


def _table(apps: "tuple[AppRecord, ...]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("tenant", "app", "role", "state", "keys"):
        table.add_column(column)
    for app in apps:
        keys = [
            key.key_id + (f" until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "")
            for key in app.keys
        ]
        state = "disabled" if app.disabled else "active"
        table.add_row(app.tenant, app.app, app.role.value, state, "\n".join(keys))
    return table
