"""`stellwerk up | down | status | doctor`: the platform on this machine."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stellwerk.errors import BadInput, CommandError, StellwerkError

if TYPE_CHECKING:
    from deploy.local.folder import DataFolder
    from deploy.local.supervisor import OnReady, Supervisor

DOWN_S_MAX: Final = 120.0
POLL_S: Final = 0.05

Data = Annotated[
    Path | None, typer.Option(help="Folder of all data; STELLWERK_DATA, else ./.stellwerk.")
]
Config = Annotated[
    Path | None, typer.Option(help="Folder of models.yaml and others; STELLWERK_CONFIG.")
]
NoModel = Annotated[bool, typer.Option("--no-model", help="Run no model on this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]


def register(app: typer.Typer) -> None:
    for command in (up, down, status, doctor):
        app.command()(command)


def up(
    *,
    data: Data = None,
    config: Config = None,
    no_model: NoModel = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is ready.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Send one example letter.")] = False,
) -> None:
    """Start the platform here: bus, database, model and services; Ctrl-C stops it."""
    from deploy.local.background import start_in_background
    from deploy.local.errors import LocalError
    from deploy.local.options import read_options
    from deploy.local.supervisor import Supervisor

    if demo and detach:
        raise BadInput("--demo shows a letter here and then stays: leave --detach out.")
    try:
        options = read_options(data, config, no_model=no_model)
        if detach:
            flags = ["--config", str(options.config)] + (["--no-model"] if no_model else [])
            return start_in_background(options.data, flags, _say)
        asyncio.run(Supervisor(options, _say).run(_demonstration() if demo else None))
    except LocalError as error:
        raise CommandError(str(error)) from None


def down(*, data: Data = None) -> None:
    """Stop the platform that runs here; what is in hand is finished first."""
    folder = _folder(data)
    owner = folder.owner()
    if owner is None:
        print(f"No platform runs in {folder.root}.")
        return
    os.kill(owner, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_S_MAX
    while folder.owner() is not None:
        if time.monotonic() > deadline:
            raise CommandError(
                f"The platform did not stop in {DOWN_S_MAX:g} s; its supervisor is process {owner}."
            )
        time.sleep(POLL_S)
    print("Stopped.")


def status(*, data: Data = None, json: AsJson = False) -> None:
    """Show every part with its process and readiness, every address, and where keys lie."""
    from deploy.local.status import status_of
    from stellwerk.output import print_json

    found = status_of(_folder(data))
    if json:
        print_json(found)
    else:
        _print_status(found)
    if not found.get("ready"):
        raise typer.Exit(1)


def doctor(
    *, data: Data = None, config: Config = None, no_model: NoModel = False, json: AsJson = False
) -> None:
    """Name every setting that is looser than in production, with its risk, and what is wrong."""
    from dataclasses import asdict

    from deploy.local.doctor import Kind, examine
    from deploy.local.errors import LocalError
    from deploy.local.options import read_options
    from stellwerk.output import print_json

    try:
        found = examine(read_options(data, config, no_model=no_model))
    except LocalError as error:
        raise CommandError(str(error)) from None
    if json:
        print_json({"findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            print(f"{finding.kind.value:8} {finding.setting}")
            for label, text in (("risk", finding.risk), ("cure", finding.cure)):
                if text:
                    print(f"{'':8}   {label}: {text}")
    if any(finding.kind is Kind.WRONG for finding in found):
        raise typer.Exit(1)


def _folder(data: Path | None) -> "DataFolder":
    from deploy.local.folder import DataFolder
    from stellwerk.platform import data_folder

    return DataFolder(data or data_folder())


def _say(line: str) -> None:
    print(line, flush=True)


def _demonstration() -> "OnReady":
    async def show(supervisor: "Supervisor") -> None:
        from stellwerk import demo
        from stellwerk.platform import find_platform

        has_model = await supervisor.models_ready()
        try:
            await demo.show(find_platform(supervisor.folder.root), has_model=has_model)
        except StellwerkError as error:
            _say(f"The demonstration ended early: {error}")
        _say_doors(supervisor.folder)
        _say("The platform stays up; Ctrl-C stops it.")

    return show


def _say_doors(folder: "DataFolder") -> None:
    """Say how the platform is reached without the bus: two lines to try."""
    from deploy.local.state import read_state

    state = read_state(folder)
    if state is None:
        return
    keys = state.credentials["http"]
    _say("With any OpenAI client:")
    _say(f"  export OPENAI_BASE_URL={state.doors['gateway']}/v1")
    _say(f"  export OPENAI_API_KEY=$(cat {_short(keys['default.demo'])})")
    _say("In a browser, with the key of a super_admin:")
    _say(f"  {state.doors['console']}   key: {_short(keys['default.admin'])}")


def _short(path: str) -> str:
    """Return a path as one would type it here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _print_status(found: Mapping[str, Any]) -> None:
    if not found["running"]:
        print(f"No platform runs in {found['data']}. Start one with `stellwerk up`.")
        return
    for part in found["parts"]:
        times = "once" if part["restarts"] == 1 else f"{part['restarts']} times"
        again = f", started again {times}" if part["restarts"] else ""
        print(f"{part['name']:22} process {part['pid']:<8} {part['problem'] or 'ready'}{again}")
    print()
    for name, address in found["addresses"].items():
        print(f"{name:22} {address}")
    print()
    credentials = found["credentials"]
    keys = {f"bus key of {app}": file for app, file in credentials["apps"].items()}
    keys |= {f"HTTP key of {app}": file for app, file in credentials["http"].items()}
    keys |= {f"key of {name}": credentials[name] for name in ("operator", "database", "models")}
    width = max(map(len, keys), default=0)
    for name, file in keys.items():
        print(f"{name:{max(width, 22)}} {file}")
    for note in found["notes"]:
        print(f"\n{note}")
