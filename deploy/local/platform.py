"""All parts of one platform as programs: what `stellwerk up` runs, with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.local.addresses import without_user
from deploy.local.apps import nats_of
from deploy.local.folder import DataFolder
from deploy.local.http_keys import FIRST_KEYS, key_file
from deploy.local.model import MODELS
from deploy.local.model_server import ModelServer
from deploy.local.nats import Nats
from deploy.local.options import Options
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres import SUPERUSER, Postgres
from deploy.local.program import Program
from deploy.local.provisioning import service_url
from deploy.local.secrets import Secrets
from deploy.local.services import (
    DOORS,
    Service,
    Surroundings,
    dictionaries_of,
    program_of,
)
from shared.contracts.catalog import OPERATOR, SERVICES
from stellwerk.platform import Platform as FoundPlatform

FIRST_APP: Final = ("default", "demo")
"""The app that exists from the start, so that a question can be asked at once."""

# No balancer has to learn that the gateway stops, and a stop waits no longer than for the others.
GATEWAY_STOPS: Final = {"LAME_DUCK_S": "0", "STOP_S_MAX": "25"}
MODEL_SETTINGS: Final = {"local-default": "LOCAL_URL", "local-small": "LOCAL_SMALL_URL"}


@dataclass(frozen=True)
class Endpoint:
    """A service's program and the port that it answers /readyz on."""

    program: Program
    port: int


class Platform:
    """Chooses ports and makes secrets on the first start; the same ones on every later start."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = DataFolder(options.data)
        self.secrets = Secrets(self.folder.secrets)
        self.ports = Ports(self.folder.ports)
        self.secrets.app_seed_file(*FIRST_APP)
        self.models = self._servers_of_models()
        self.nats = None if options.nats_url else self._nats()
        self.postgres = None if options.database_url else self._postgres()

    @property
    def nats_url(self) -> str:
        return self.nats.address if self.nats else str(self.options.nats_url)

    @property
    def admin_url(self) -> str:
        """Return the address of the database's superuser, password included."""
        return self.postgres.address() if self.postgres else str(self.options.database_url)

    def seen_by_people(self) -> FoundPlatform:
        """Return the platform as the command line finds it."""
        return FoundPlatform(self.nats_url, self.shown_database(), self.folder.secrets)

    def services(self) -> Mapping[str, Endpoint]:
        """Return the program of every service in the catalogue."""
        found = {}
        for name in SERVICES:
            port = self.ports.claim(name)
            told = Surroundings(
                nats_url=self.nats_url,
                seed_file=self.secrets.seed_file(name),
                database_url=service_url(self.admin_url, name, self.secrets),
                http_port=port,
            )
            service = Service(name, self._settings_of(name))
            found[name] = Endpoint(program_of(service, told, self.folder), port)
        return found

    def credentials(self) -> Mapping[str, object]:
        """Return where credentials lie, by what they open."""
        apps = {f"{app.tenant}.{app.app}": app for app in self.secrets.apps()}
        return {
            "apps": {
                name: str(self.secrets.app_seed_file(app.tenant, app.app))
                for name, app in apps.items()
            },
            "http": {
                f"{FIRST_APP[0]}.{app}": str(key_file(self.folder.secrets, FIRST_APP[0], app))
                for app in FIRST_KEYS
            },
            "operator": str(self.secrets.seed_file(OPERATOR)),
            "database": str(self.folder.secrets / "database" / f"{SUPERUSER}.password"),
            "models": str(self.secrets.text_file("model-api")),
        }

    def shown_models(self) -> Mapping[str, Mapping[str, str]]:
        """Return each wanted model's address and title, whether it runs yet or not."""
        return {
            name: {"url": server.address, "title": MODELS[name].title}
            for name, server in self.models.items()
        }

    def doors(self) -> Mapping[str, str]:
        """Return the address of each HTTP door; the gateway's without the `/v1` of OpenAI."""
        return {name: f"http://{LOOPBACK}:{self.ports.chosen(f'{name}-door')}" for name in DOORS}

    def prepare_nats(self) -> None:
        """Write what NATS reads when it starts: apps may have been added since the last time."""
        nats_of(self.folder, self.secrets, self.ports).prepare()

    def shown_database(self) -> str:
        """Return the database's address without user and password."""
        return without_user(self.admin_url)

    def _settings_of(self, service: str) -> Mapping[str, str]:
        door = {"DOOR_PORT": str(self.ports.claim(f"{service}-door"))} if service in DOORS else {}
        config = {"CONFIG_FOLDER": str(self.options.config)}
        if service == "redactor":
            key = {"MASTER_KEY_FILE": str(self.secrets.key_file("redactor-master"))}
            return key | dictionaries_of(self.options.config)
        if service == "console":
            return door | {"SESSION_KEY_FILE": str(self.secrets.key_file("console-session"))}
        if service == "gateway":
            return config | door | GATEWAY_STOPS
        if service == "billing":
            return config
        if service == "router":
            addresses = {MODEL_SETTINGS[name]: model.address for name, model in self.models.items()}
            return config | addresses | {"LOCAL_KEY_FILE": str(self.secrets.text_file("model-api"))}
        return {}

    def _servers_of_models(self) -> Mapping[str, ModelServer]:
        return {
            name: ModelServer(
                name=name,
                file=self.folder.models / MODELS[name].file_name,
                port=self.ports.claim(f"model-{name}"),
                key_file=self.secrets.text_file("model-api"),
                log=self.folder.log(f"model-{name}"),
            )
            for name in self.options.models
        }

    def _nats(self) -> Nats:
        for name in ("nats", "nats-monitor"):
            self.ports.claim(name)
        return nats_of(self.folder, self.secrets, self.ports)

    def _postgres(self) -> Postgres:
        return Postgres(
            folder=self.folder.postgres,
            port=self.ports.claim("postgres"),
            password=self.secrets.database_password(SUPERUSER),
            log=self.folder.log("postgres"),
        )
