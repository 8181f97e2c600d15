"""The router's settings, and the shape of the two files that say what it may do."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.router.domain import Capability, Model, Policy, Route
from shared.configuration import ConfigError, read_yaml
from shared.contracts.money import Price, StatedPrice
from shared.contracts.values import ModelName, Sensitivity, Token
from shared.settings import ServiceSettings

_REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_VERSION_DIGITS: Final = 12
Residencies = Literal["any"] | tuple[Token, ...]


class Settings(ServiceSettings):
    """Read from the environment: `SW_ROUTER_CONFIG_FOLDER` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_ROUTER_")

    config_folder: Path = Field(
        default=Path("config"), description="Folder of models.yaml and policy.yaml."
    )
    connect_s_max: float = Field(
        default=3.0, gt=0, description="How long a connection to a provider may take, in seconds."
    )
    first_token_s_max: float = Field(
        default=60.0,
        gt=0,
        description="How long a provider may be silent before its answer begins, in seconds.",
    )
    idle_s_max: float = Field(
        default=15.0, gt=0, description="How long an answer may pause in mid-stream, in seconds."
    )
    rest_s: float = Field(
        default=5.0, ge=0, description="How long an endpoint that failed is tried last, in seconds."
    )
    probe_every_s: float = Field(
        default=15.0,
        gt=0,
        description="How often providers are asked if they are there, in seconds.",
    )


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Agreement(_Section):
    """A data processing agreement, as the register of processors has it."""

    reference: str = Field(min_length=1, max_length=200)
    signed: date
    expires: date | None = None


class _Provider(_Section):
    wire: Token
    base_url: str
    key: str | None = None
    key_file: str | None = None
    local: bool = False
    region: Token
    residency: Token
    legal_country: str | None = Field(pattern=r"^[A-Z]{2}$")
    dpa: _Agreement | None

    @field_validator("key")
    @classmethod
    def _is_a_reference(cls, value: str | None) -> str | None:
        if value is not None and not _REFERENCE.fullmatch(value):
            raise ValueError("a key stands in the environment or in a file, never here")
        return value


class _Model(_Section):
    provider: Token
    upstream: ModelName | None = None
    base_url: str | None = None
    capabilities: frozenset[Capability]
    context_tokens: int = Field(ge=256)
    output_tokens_max: int = Field(ge=1)
    price: StatedPrice


class _ModelsFile(_Section):
    providers: dict[Token, _Provider]
    models: dict[ModelName, _Model]


class _Route(_Section):
    models: tuple[ModelName, ...] = Field(min_length=1)
    reason: Token


class _PolicyFile(_Section):
    residency: dict[Sensitivity, Residencies]
    default: _Route
    tasks: dict[Token, _Route] = Field(default_factory=dict)
    fallbacks: dict[ModelName, ModelName] = Field(default_factory=dict)


class Configuration(_Section):
    """Both files, checked against each other; `version` changes with every byte of them."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    version: str
    models: dict[str, Model]
    policy: Policy
    keys: dict[str, SecretStr] = Field(repr=False)
    """By provider; a provider without one is called without."""


def read_configuration(folder: Path, environment: Mapping[str, str]) -> Configuration:
    """Return what models.yaml and policy.yaml say. Raises `ConfigError` if they cannot be used."""
    models_file, policy_file = folder / "models.yaml", folder / "policy.yaml"
    stated = read_yaml(models_file, _ModelsFile)
    policy = read_yaml(policy_file, _PolicyFile)
    _check(stated, policy, policy_file, models_file)
    keys, faults = _keys(stated.providers, environment)
    models = {
        name: _model(name, entry, stated.providers[entry.provider], environment, models_file)
        for name, entry in stated.models.items()
    }
    for name, model in models.items():
        if model.provider in faults and model.disabled is None:
            models[name] = replace(model, disabled=faults[model.provider])
    digest = hashlib.sha256(models_file.read_bytes() + policy_file.read_bytes())
    return Configuration(
        version=digest.hexdigest()[:_VERSION_DIGITS],
        models=models,
        policy=_policy(policy),
        keys=keys,
    )


def _check(stated: _ModelsFile, policy: _PolicyFile, policy_file: Path, models_file: Path) -> None:
    for name, entry in stated.models.items():
        if entry.provider not in stated.providers:
            raise ConfigError(
                f"{models_file}: model {name} names provider {entry.provider}, "
                f"which is not described under `providers`."
            )
    routes = [policy.default, *policy.tasks.values()]
    named = {name for route in routes for name in route.models}
    named |= {*policy.fallbacks, *policy.fallbacks.values()}
    for name in sorted(named - stated.models.keys()):
        raise ConfigError(f"{policy_file} names model {name}, which {models_file} does not have.")
    for sensitivity in Sensitivity:
        if sensitivity not in policy.residency:
            raise ConfigError(f"{policy_file} does not say where {sensitivity} texts may go.")


def _keys(
    providers: Mapping[str, _Provider], environment: Mapping[str, str]
) -> tuple[dict[str, SecretStr], dict[str, str]]:
    """Return each provider's key, and for providers whose key is missing why."""
    keys: dict[str, SecretStr] = {}
    faults: dict[str, str] = {}
    for name, provider in providers.items():
        if provider.key is not None:
            value, missing = _filled(provider.key, environment)
            if missing:
                faults[name] = f"{missing} is not set"
            else:
                keys[name] = SecretStr(value)
        elif provider.key_file is not None:
            path, missing = _filled(provider.key_file, environment)
            if missing:
                continue  # A provider of our own may do without; others answer 401.
            try:
                keys[name] = SecretStr(Path(path).read_text(encoding="utf-8").strip())
            except OSError:
                faults[name] = "its key file cannot be read"
    return keys, faults


def _model(
    name: str, entry: _Model, provider: _Provider, environment: Mapping[str, str], file: Path
) -> Model:
    base_url, missing = _filled(entry.base_url or provider.base_url, environment)
    return Model(
        name=name,
        provider=entry.provider,
        upstream=entry.upstream or name,
        wire=provider.wire,
        base_url=base_url.rstrip("/"),
        local=provider.local,
        region=provider.region,
        residency=provider.residency,
        capabilities=entry.capabilities,
        context_tokens=entry.context_tokens,
        output_tokens_max=entry.output_tokens_max,
        price=_price(name, entry, file),
        disabled=f"{missing} is not set" if missing else None,
    )


def _filled(text: str, environment: Mapping[str, str]) -> tuple[str, str | None]:
    """Return `text` with its references replaced, and the first one that is not set."""
    missing = [name for name in _REFERENCE.findall(text) if not environment.get(name)]
    filled = _REFERENCE.sub(lambda found: environment.get(found[1], ""), text)
    return filled, missing[0] if missing else None


def _price(name: str, entry: _Model, file: Path) -> Price:
    try:
        return entry.price.price(entry.provider, name)
    except ValueError as error:
        raise ConfigError(f"{file}: the price of {name} {error}.") from None


def _policy(stated: _PolicyFile) -> Policy:
    return Policy(
        default=Route(stated.default.models, stated.default.reason),
        tasks={task: Route(route.models, route.reason) for task, route in stated.tasks.items()},
        residency={
            sensitivity: frozenset(allowed)
            for sensitivity, allowed in stated.residency.items()
            if allowed != "any"
        },
        fallbacks=stated.fallbacks,
    )
