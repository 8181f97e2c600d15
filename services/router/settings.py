"""The router's settings, and what the documents that say what it may do come to here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.router.domain import Model, Policy, Route, UseCase
from shared.configuration import ConfigError, parse_yaml, read_text
from shared.contracts.configuration import Document
from shared.contracts.requests import Operation
from shared.contracts.routing import StatedModel, StatedRoute
from shared.contracts.stated import (
    REFERENCE,
    ModelsDocument,
    Names,
    PolicyDocument,
    StatedProvider,
    routing_problems,
    version_of,
)
from shared.contracts.values import Sensitivity
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment: `SW_ROUTER_CONFIG_FOLDER` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_ROUTER_")

    config_folder: Path = Field(
        default=Path("config"),
        description="Folder of the documents that count until a version is in force.",
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
    probe_every_s: float = Field(
        default=15.0,
        gt=0,
        description="How often providers are asked if they are there, in seconds.",
    )


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the documents come to here, where references have their values."""

    version: str
    models: dict[str, Model]
    policy: Policy
    keys: dict[str, SecretStr] = field(repr=False)
    """By provider; a provider without one is called without."""
    options: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    """What wires need beside address and key, by provider; a secret may be among it."""
    providers: Mapping[str, StatedProvider] = field(default_factory=dict)
    """As they are described, also those that are off."""
    documents: Mapping[Document, str] = field(default_factory=dict, repr=False)
    day: date = date.min
    """Whose prices and retirements these are."""


def read_configuration(folder: Path, environment: Mapping[str, str]) -> Configuration:
    """Return what the files in a folder say. Raises `ConfigError` if they cannot be used."""
    needed = (Document.MODELS, Document.POLICY)
    documents = {
        document: read_text(folder / document)
        for document in Document
        # The budgets are read for the version's name only: it is the one that the gateway gives.
        if document in needed or (folder / document).exists()
    }
    names = Names(*(str(folder / document) for document in Document))
    return configuration_of(version_of(documents), documents, environment, names)


def configuration_of(
    version: str,
    documents: Mapping[Document, str],
    environment: Mapping[str, str],
    names: Names | None = None,
    day: date | None = None,
) -> Configuration:
    """Return what documents say on a day, today if none is given. Raises `ConfigError`.

    A version that is in force was checked by these same rules when it was applied.
    """
    names, day = names or Names(), day or today()
    stated = parse_yaml(documents[Document.MODELS], ModelsDocument, names.models)
    policy = parse_yaml(documents[Document.POLICY], PolicyDocument, names.policy)
    for problem in routing_problems(stated, policy, names):
        raise ConfigError(problem)
    keys, faults = _keys(stated.providers, environment)
    options, missing = _options(stated.providers, environment)
    faults = missing | faults
    models = {
        name: _model(name, entry, stated.providers[entry.provider], environment, day)
        for name, entry in stated.models.items()
    }
    for name, model in models.items():
        if model.provider in faults and model.disabled is None:
            models[name] = replace(model, disabled=faults[model.provider])
    rules = _policy(policy, stated.aliases)
    return Configuration(
        version, models, rules, keys, options, stated.providers, dict(documents), day
    )


def _options(
    providers: Mapping[str, StatedProvider], environment: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return each provider's options, and for providers of which one is missing why."""
    options: dict[str, dict[str, str]] = {}
    faults: dict[str, str] = {}
    for provider, entry in providers.items():
        for name, text in entry.options.items():
            value, missing = _filled(text, environment)
            if missing:
                faults[provider] = f"{missing} is not set"
            options.setdefault(provider, {})[name] = value
    return options, faults


def _keys(
    providers: Mapping[str, StatedProvider], environment: Mapping[str, str]
) -> tuple[dict[str, SecretStr], dict[str, str]]:
    """Return each provider's key, and for providers whose key is missing why."""
    keys: dict[str, SecretStr] = {}
    faults: dict[str, str] = {}
    for name, provider in providers.items():
        found, fault = _key(provider, environment)
        if found is not None:
            keys[name] = found
        if fault is not None:
            faults[name] = fault
    return keys, faults


def _key(
    provider: StatedProvider, environment: Mapping[str, str]
) -> tuple[SecretStr | None, str | None]:
    """Return a provider's key, from the environment or else from its file, or why there is none."""
    absent: list[str] = []
    if provider.key is not None:
        value, missing = _filled(provider.key, environment)
        if not missing:
            return SecretStr(value), None
        absent.append(missing)
    if provider.key_file is not None:
        path, missing = _filled(provider.key_file, environment)
        if not missing:
            try:
                return SecretStr(Path(path).read_text(encoding="utf-8").strip()), None
            except OSError:
                return None, "its key file cannot be read"
        absent.append(missing)
    if not absent or (provider.local and provider.key is None):
        return None, None  # A provider of our own may do without; others would answer 401.
    return None, f"{absent[0]} is not set"


def _model(
    name: str,
    entry: StatedModel,
    provider: StatedProvider,
    environment: Mapping[str, str],
    day: date,
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
        price=entry.price_on(day).price(entry.provider, name),
        disabled=f"{missing} is not set" if missing else None,
        agreement=provider.dpa,
        limits=entry.limits or provider.limits,
        limits_shared=entry.limits is None and provider.limits is not None,
        quality=entry.quality,
        retired=entry.retired,
        successor=entry.successor,
    )


def _filled(text: str, environment: Mapping[str, str]) -> tuple[str, str | None]:
    """Return `text` with its references replaced, and the first one that is not set."""
    missing = [name for name in REFERENCE.findall(text) if not environment.get(name)]
    filled = REFERENCE.sub(lambda found: environment.get(found[1], ""), text)
    return filled, missing[0] if missing else None


def _policy(stated: PolicyDocument, aliases: Mapping[str, str]) -> Policy:
    operations = {
        operation: _route(route)
        for operation in Operation
        if (route := stated.operations.route_of(operation)) is not None
    }
    return Policy(
        default=_route(stated.default),
        tasks={task: _route(route) for task, route in stated.tasks.items()},
        residency={
            sensitivity: frozenset(allowed)
            for sensitivity in Sensitivity
            # A level that is stated nowhere was refused before; here it could go nowhere.
            if (allowed := stated.residencies_of(sensitivity) or ()) != "any"
        },
        fallbacks=stated.fallbacks,
        use_cases={
            name: UseCase(_route(one), {task: _route(route) for task, route in one.tasks.items()})
            for name, one in stated.use_cases.items()
        },
        operations=operations,
        entitlements=_entitlements(stated.entitlements, aliases),
        aliases=aliases,
        resilience=stated.resilience,
    )


def _entitlements(
    stated: Mapping[str, tuple[str, ...]], aliases: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Return who may use each closed model.

    An alias is another name of a model, never a way round what the model is closed to: where both
    are stated, an app needs both.
    """
    closed: dict[str, frozenset[str]] = {}
    for name, apps in stated.items():
        model = aliases.get(name, name)
        closed[model] = closed.get(model, frozenset(apps)) & frozenset(apps)
    return closed


def _route(stated: StatedRoute) -> Route:
    return Route(stated.models, stated.reason, stated.strategy, stated.weights, stated.duty)


def today() -> date:
    """Return the day by which prices, agreements and retirements count: that of UTC."""
    return datetime.now(UTC).date()
