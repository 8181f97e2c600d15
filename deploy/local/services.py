"""The services as processes: which ones run here, with which settings, stopped in which order."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.folder import DataFolder
from deploy.local.health import answers_well
from deploy.local.program import Program

REPOSITORY: Final = Path(__file__).resolve().parents[2]

DOORS: Final = ("gateway", "console")
"""The services that people and apps reach over HTTP, at a port beside that of their health."""

# Who stops later still serves who stops earlier: the router's last calls need billing, what they
# bring needs the redactor, and all of them send their last spans to watch.
STOP_ORDER: Final = (
    ("gateway", "console"),
    ("router",),
    ("redactor",),
    ("evals", "billing", "audit"),
    ("watch",),
)

# What any Python process may see. Keys of model providers are for the router alone.
PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
PASSED_ON_PREFIXES: Final = ("PYTHON", "OTEL_")
# models.yaml may name any variable, so the router sees all but what is the platform's own:
# STELLWERK_DATABASE_URL opens every schema, the vault's included.
CALLS_PROVIDERS: Final = "router"
OUR_PREFIXES: Final = ("STELLWERK_", "SW_")


@dataclass(frozen=True)
class Service:
    """One service: `settings` are its own, beside those that every service has."""

    name: str
    settings: Mapping[str, str]

    @property
    def module(self) -> str:
        return f"services.{self.name}"

    @property
    def prefix(self) -> str:
        return f"SW_{self.name.upper()}_"


@dataclass(frozen=True)
class Surroundings:
    """What every service is told: where the bus is, who it is there, where its database is."""

    nats_url: str
    seed_file: Path
    database_url: str
    http_port: int


def program_of(service: Service, told: Surroundings, folder: DataFolder) -> Program:
    settings = {
        "NATS_URL": told.nats_url,
        "NATS_SEED_FILE": str(told.seed_file),
        "DATABASE_URL": told.database_url,
        "HTTP_PORT": str(told.http_port),
        **service.settings,
    }
    environment = passed_on(service, os.environ)
    environment |= {f"{service.prefix}{name}": value for name, value in settings.items()}
    return Program(
        name=service.name,
        command=[sys.executable, "-m", service.module],
        log=folder.log(service.name),
        ready=lambda _pid: answers_well(told.http_port, "/readyz"),
        environment=environment,
        working_folder=REPOSITORY,
    )


def dictionaries_of(config: Path) -> dict[str, str]:
    """Return where the company's own lists lie, unless the environment names a place itself."""
    folder = config / "dictionaries"
    named = "SW_REDACTOR_DICTIONARIES_FOLDER" in os.environ
    return {"DICTIONARIES_FOLDER": str(folder)} if folder.is_dir() and not named else {}


def passed_on(service: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a service sees of our environment, its own SW_ settings included."""

    def told(name: str) -> bool:
        if name.startswith(service.prefix) or name in PASSED_ON:
            return True
        if service.name == CALLS_PROVIDERS:
            return not name.startswith(OUR_PREFIXES)
        return name.startswith(PASSED_ON_PREFIXES)

    return {name: value for name, value in environment.items() if told(name)}
