"""Finds the platform: the one that the environment names, else the one that runs on this machine.

The latter by what `stellwerk up` wrote down: `<data>/state.json` holds addresses and the places of
secrets, never a secret itself.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from stellwerk.errors import BadInput, NotRunning

DATA_VARIABLE: Final = "STELLWERK_DATA"
NATS_VARIABLE: Final = "STELLWERK_NATS_URL"
DATABASE_VARIABLE: Final = "STELLWERK_DATABASE_URL"
SECRETS_VARIABLE: Final = "STELLWERK_SECRETS"
CONFIG_VARIABLE: Final = "STELLWERK_CONFIG"
DATA_FOLDER: Final = Path(".stellwerk")
CONFIG_FOLDER: Final = Path("config")
STATE_FILE: Final = "state.json"
SECRETS_FOLDER: Final = "secrets"
DEFAULT_APP: Final = "demo"
DEFAULT_TENANT: Final = "default"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the bus and the database of a running platform are, and the folder with its keys.

    `postgres_url` names no user; a service's role and password come from `secrets`.
    """

    nats_url: str
    postgres_url: str
    secrets: Path

    def seed_file(self, user: str) -> Path:
        """Return the file with the key of a user of the services' account."""
        return self.secrets / "bus" / f"{user}.seed"

    def database_url(self, service: str, role: str) -> str:
        """Return the address that signs in to the database as a service, password included."""
        if not self.postgres_url:
            raise NotRunning(f"Set {DATABASE_VARIABLE} to the address of the platform's database.")
        password = quote(self.password(service), safe="")
        return self.postgres_url.replace("://", f"://{role}:{password}@", 1)

    def password(self, service: str) -> str:
        """Return the password of a service's role."""
        file = self.secrets / "database" / f"{service}.password"
        try:
            return file.read_text(encoding="ascii").strip()
        except OSError:
            raise NotRunning(
                f"{file} cannot be read. Run this as the user that started the platform."
            ) from None

    def app_seed_file(self, tenant: str, app: str) -> Path:
        """Return the file with an app's key; raise `BadInput` naming the apps there are."""
        file = self.secrets / "apps" / f"{tenant}.{app}.seed"
        if not file.is_file():
            raise BadInput(f"There is no app {app} here; known: {', '.join(self.apps(tenant))}.")
        return file

    def apps(self, tenant: str = DEFAULT_TENANT) -> list[str]:
        """Return the apps of a tenant that have a key here."""
        files = sorted((self.secrets / "apps").glob(f"{tenant}.*.seed"))
        return [file.stem.removeprefix(f"{tenant}.") for file in files]


def data_folder() -> Path:
    """Return the folder of this machine's platform: STELLWERK_DATA, else `.stellwerk` here."""
    return Path(os.environ.get(DATA_VARIABLE) or DATA_FOLDER)


def config_folder() -> Path:
    """Return the folder of documents and packs: STELLWERK_CONFIG, `config` here, or what ships."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named or CONFIG_FOLDER.is_dir():
        return Path(named or CONFIG_FOLDER)
    return Path(__file__).parents[1] / CONFIG_FOLDER


def find_platform(folder: Path | None = None) -> Platform:
    """Return the platform; raise `NotRunning` saying how to start one.

    Without a folder, what STELLWERK_NATS_URL and STELLWERK_SECRETS name wins over what runs here.
    """
    if folder is None and (named := _named(os.environ)):
        return named
    folder = folder or data_folder()
    try:
        state: Mapping[str, Any] = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        supervisor = int(state["supervisor"])
        platform = Platform(
            nats_url=str(state["nats"]["url"]),
            postgres_url=str(state["postgres"]["url"]),
            secrets=folder / SECRETS_FOLDER,
        )
    except FileNotFoundError:
        raise NotRunning(
            f"No platform runs in {folder}. Start one with `stellwerk up`, "
            f"or name its data folder in {DATA_VARIABLE}."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise NotRunning(
            f"{folder / STATE_FILE} cannot be read. Stop the platform with `stellwerk down` "
            "and start it again."
        ) from None
    _require_alive(supervisor, folder)
    return platform


def _named(environment: Mapping[str, str]) -> Platform | None:
    """Return a platform elsewhere, such as one in a cluster; both variables must name it."""
    nats_url, secrets = environment.get(NATS_VARIABLE), environment.get(SECRETS_VARIABLE)
    if not nats_url or not secrets:
        return None
    database = urlsplit(environment.get(DATABASE_VARIABLE, ""))
    without_user = database._replace(netloc=database.netloc.rpartition("@")[2])
    return Platform(nats_url, urlunsplit(without_user), Path(secrets))


def _require_alive(pid: int, folder: Path) -> None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise NotRunning(
            f"The platform in {folder} has ended. Start it again with `stellwerk up`; what it had "
            "accepted goes on."
        ) from None
    except PermissionError:
        return  # it runs, as another user
