"""All endpoints that may be called: connected, and probed."""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self, cast

from prometheus_client import Gauge

from services.router.domain import Model
from services.router.faults import ErrorClass
from services.router.providers.base import (
    ENTRY_POINTS,
    PACKAGE,
    Endpoint,
    Provider,
    ProviderError,
    ProviderModule,
)
from services.router.settings import Configuration, Settings
from shared.configuration import ConfigError
from shared.plugins import load

_log = logging.getLogger(__name__)

MODELS: Final = "models"
PROBE_S_MAX: Final = 3.0
Made = tuple[str, Endpoint]
"""The wire format and the endpoint that a provider was made from."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What one probe found; without an error class the address has answered."""

    error_class: ErrorClass | None = None
    status: int | None = None
    answered_ms: int = 0


NO_MODEL: Final = "no model can be reached: every request will be refused or fail"
REACHABLE: Final = Gauge(
    "stellwerk_router_endpoint_reachable",
    "1 if the endpoint answered its last probe. At 0: is it running, is its address right?",
    ["provider", "model"],
)


class Endpoints:
    """One provider for each address that an enabled model has."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        models: list[Model],
        made: Mapping[str, Made] | None = None,
    ) -> None:
        self.remarks: MutableMapping[str, str] = {}
        """What an operator should know though the router runs; kept up by `probe`."""
        self._providers = providers
        self._models = models
        self._made = made or {}
        self.probed: dict[str, Probed] = {}
        """What the last probe of each address found."""

    @classmethod
    def of(
        cls, configuration: Configuration, settings: Settings, before: Self | None = None
    ) -> Self:
        """Return the endpoints of a configuration; nothing is opened yet.

        What has not changed since `before` is taken over, with its connections.
        Raises `ConfigError` for a wire format that no plug-in speaks.
        """
        modules = cast("list[ProviderModule]", load(PACKAGE, ProviderModule, ENTRY_POINTS))
        wires = {module.WIRE: module for module in modules}
        enabled = [model for model in configuration.models.values() if model.disabled is None]
        providers: dict[str, Provider] = {}
        made: dict[str, Made] = {}
        for model in enabled:
            if model.wire not in wires:
                raise ConfigError(
                    f"models.yaml: provider {model.provider} has wire {model.wire}; "
                    f"known are {', '.join(sorted(wires))}."
                )
            place = place_of(model)
            if place not in providers:
                endpoint = Endpoint(
                    provider=model.provider,
                    base_url=model.base_url,
                    connect_s_max=settings.connect_s_max,
                    key=configuration.keys.get(model.provider),
                    region=model.region,
                    options=configuration.options.get(model.provider, {}),
                )
                made[place] = model.wire, endpoint
                known = before.known(place, made) if before is not None else None
                if known is not None:
                    providers[place] = known
                    continue
                try:
                    providers[place] = wires[model.wire].connect(endpoint)
                except ValueError as error:
                    raise ConfigError(f"models.yaml: provider {model.provider}: {error}.") from None
        endpoints = cls(providers, enabled, made)
        if before is not None:
            endpoints.remarks = before.remarks
            endpoints.probed.update(before.probed)
        return endpoints

    def known(self, place: str, made: Mapping[str, Made]) -> Provider | None:
        """Return the provider at a place if it was made from the same."""
        return self._providers[place] if self._made.get(place) == made[place] else None

    @property
    def providers(self) -> Collection[Provider]:
        return self._providers.values()

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the models that may be called."""
        return frozenset(model.name for model in self._models)

    def provider_of(self, model: Model) -> Provider:
        """Return the provider that answers for an enabled model."""
        return self._providers[place_of(model)]

    def places_of(self, provider: str) -> frozenset[str]:
        """Return where the enabled models of a provider are called."""
        return frozenset(place_of(one) for one in self._models if one.provider == provider)

    async def probe(self, places: Collection[str] | None = None) -> None:
        """Ask every address whether it is there, or these, all at once; log what has changed."""
        await asyncio.gather(*map(self._probe, self._providers if places is None else places))
        for model in self._models:
            found = self.probed.get(place_of(model))
            if found is not None:
                reachable = found.error_class is None
                REACHABLE.labels(model.provider, model.name).set(reachable)
        self._remark(self._problem())

    async def close(self) -> None:
        """Close all connections."""
        for provider in self._providers.values():
            await provider.close()

    async def close_unless(self, kept: Self) -> None:
        """Close what others have not taken over; a call in hand ends first."""
        for provider in self._providers.values():
            if provider not in kept.providers:
                await provider.close()
        for model in self._models:
            if model.name not in kept.names:
                with suppress(KeyError):  # It was never probed.
                    REACHABLE.remove(model.provider, model.name)

    async def _probe(self, place: str) -> None:
        started = time.monotonic()
        error_class: ErrorClass | None = None
        status: int | None = None
        try:
            async with asyncio.timeout(PROBE_S_MAX):
                await self._providers[place].probe()
        except TimeoutError:
            error_class = ErrorClass.TIMEOUT
        except ProviderError as error:
            error_class, status = error.error_class, error.status
        took_ms = round((time.monotonic() - started) * 1000)
        self.probed[place] = Probed(error_class, status, took_ms)

    def _problem(self) -> str | None:
        if not self._models:
            return f"{NO_MODEL} (no address is set)"
        silent = sorted(
            f"{model.name}: {found.error_class}"
            for model in self._models
            if (found := self.probed.get(place_of(model))) is not None
            and found.error_class is not None
        )
        if len(silent) == len(self._models):
            return f"{NO_MODEL} ({', '.join(silent)})"
        return ", ".join(silent) or None

    def _remark(self, problem: str | None) -> None:
        if problem == self.remarks.get(MODELS):
            return
        level = logging.INFO if problem is None else logging.WARNING
        _log.log(level, "reach of models changed", extra={"facts": {"problem": problem}})
        if problem is None:
            del self.remarks[MODELS]
        else:
            self.remarks[MODELS] = problem


def place_of(model: Model) -> str:
    """Return where a model is called: two providers at one address have two keys."""
    return f"{model.provider} {model.base_url}"
