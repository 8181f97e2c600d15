"""What a person can choose about the embedded default: flags and environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.model import DEFAULT, MODELS, SMALL
from deploy.local.services import REPOSITORY

DATA_VARIABLE: Final = "STELLWERK_DATA"
DATA_FOLDER: Final = Path(".stellwerk")
CONFIG_VARIABLE: Final = "STELLWERK_CONFIG"
DATABASE_VARIABLE: Final = "STELLWERK_DATABASE_URL"
NATS_VARIABLE: Final = "STELLWERK_NATS_URL"
LOCAL_MODELS_VARIABLE: Final = "STELLWERK_LOCAL_MODELS"


@dataclass(frozen=True)
class Options:
    """`database_url` and `nats_url` replace the embedded servers; None runs them here."""

    data: Path
    config: Path
    models: tuple[str, ...] = (SMALL.name, DEFAULT.name)
    database_url: str | None = field(default=None, repr=False)
    nats_url: str | None = None


def read_options(
    data: Path | None,
    config: Path | None,
    *,
    no_model: bool,
    environment: Mapping[str, str] = os.environ,
) -> Options:
    """Return the options; what is given as a flag wins over the environment."""
    listed = environment.get(LOCAL_MODELS_VARIABLE, f"{SMALL.name},{DEFAULT.name}")
    models = () if no_model else tuple(name.strip() for name in listed.split(",") if name.strip())
    for name in models:
        if name not in MODELS:
            known = ", ".join(MODELS)
            raise LocalError(f"{LOCAL_MODELS_VARIABLE} names {name!r}; known models: {known}.")
    return Options(
        data=(data or Path(environment.get(DATA_VARIABLE) or DATA_FOLDER)).absolute(),
        config=_config_folder(config, environment),
        models=models,
        database_url=environment.get(DATABASE_VARIABLE) or None,
        nats_url=environment.get(NATS_VARIABLE) or None,
    )


def _config_folder(config: Path | None, environment: Mapping[str, str]) -> Path:
    if config is None and CONFIG_VARIABLE in environment:
        config = Path(environment[CONFIG_VARIABLE])
    folder = (config or REPOSITORY / "config").absolute()
    if not (folder / "models.yaml").is_file():
        raise LocalError(
            f"{folder} holds no models.yaml; name the folder of the configuration with --config."
        )
    return folder
