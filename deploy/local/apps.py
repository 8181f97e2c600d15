"""Admits an app to the bus of a running platform: a seed for it, an account that only it enters."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.files import OWNER_ONLY_FILE
from deploy.local.folder import DataFolder
from deploy.local.nats import Nats
from deploy.local.ports import Ports
from deploy.local.secrets import Secrets
from deploy.local.status import running_state
from deploy.provision.accounts import App, accounts_text


def admit(folder: Path, tenant: str, app: str) -> Path:
    """Return the file with the app's NKEY seed; from now on the running NATS lets it in.

    Nobody who is connected is disturbed. Done twice it changes nothing. Without a running platform
    the next start lets the app in.
    """
    data = DataFolder(folder)
    secrets = Secrets(data.secrets)
    try:
        App(tenant, app, "")
    except ValueError as error:
        raise LocalError(str(error)) from None
    with _alone(data):
        seed = secrets.app_seed_file(tenant, app)
        state = running_state(data)
        if state is None:
            return seed
        part = next((part for part in state.parts if part.name == "nats"), None)
        if part is None:
            raise LocalError(
                f"The bus at {state.nats['url']} is not run by stellwerk: let the user of {seed} "
                "in there by hand."
            )
        # Gone means that it is being started again: it reads every app then.
        with suppress(ProcessLookupError):
            nats_of(data, secrets, Ports(data.ports)).reload(part.pid)
    return seed


def nats_of(folder: DataFolder, secrets: Secrets, ports: Ports) -> Nats:
    """Return the NATS of a data folder as it should be now, with every app that has a seed."""
    return Nats(
        folder=folder.nats,
        port=ports.chosen("nats"),
        monitor_port=ports.chosen("nats-monitor"),
        log=folder.log("nats"),
        accounts=accounts_text(secrets.bus_keys(), secrets.apps()),
        store_key=secrets.text_file("nats-store").read_text(encoding="ascii"),
    )


@contextmanager
def _alone(folder: DataFolder) -> Iterator[None]:
    """Keep others from writing accounts that lack the app which is admitted here."""
    path = folder.root / "apps.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
