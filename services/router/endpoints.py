"""All endpoints that may be called: connected, and probed."""

import asyncio
import logging
from collections.abc import Collection, Mapping, MutableMapping
from contextlib import suppress
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
        self.faults: dict[str, ErrorClass | None] = {}

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
            if model.base_url not in providers:
                endpoint = Endpoint(
                    provider=model.provider,
                    base_url=model.base_url,
                    connect_s_max=settings.connect_s_max,
                    key=configuration.keys.get(model.provider),
                    region=model.region,
                    options=configuration.options.get(model.provider, {}),
                )
                made[model.base_url] = model.wire, endpoint
                known = before.known(model.base_url, made) if before is not None else None
                if known is not None:
                    providers[model.base_url] = known
                    continue
                try:
                    providers[model.base_url] = wires[model.wire].connect(endpoint)
                except ValueError as error:
                    raise ConfigError(f"models.yaml: provider {model.provider}: {error}.") from None
        endpoints = cls(providers, enabled, made)
        if before is not None:
            endpoints.remarks = before.remarks
            endpoints.faults.update(before.faults)
        return endpoints

    def known(self, base_url: str, made: Mapping[str, Made]) -> Provider | None:
        """Return the provider at an address if it was made from the same."""
        same = self._made.get(base_url) == made[base_url]
        return self._providers[base_url] if same else None

    @property
    def providers(self) -> Collection[Provider]:
        return self._providers.values()

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the models that may be called."""
        return frozenset(model.name for model in self._models)

    def provider_of(self, model: Model) -> Provider:
        """Return the provider that answers for an enabled model."""
        return self._providers[model.base_url]

    async def probe(self) -> None:
        """Ask every address whether it is there; log what has changed."""
        await asyncio.gather(*map(self._probe, self._providers))
        for model in self._models:
            fault = self.faults.get(model.base_url)
            REACHABLE.labels(model.provider, model.name).set(fault is None)
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

    async def _probe(self, base_url: str) -> None:
        try:
            async with asyncio.timeout(PROBE_S_MAX):
                await self._providers[base_url].probe()
        except TimeoutError:
            self.faults[base_url] = ErrorClass.TIMEOUT
        except ProviderError as error:
            self.faults[base_url] = error.error_class
        else:
            self.faults[base_url] = None

    def _problem(self) -> str | None:
        if not self._models:
            return f"{NO_MODEL} (no address is set)"
        silent = sorted(
            f"{model.name}: {self.faults[model.base_url]}"
            for model in self._models
            if self.faults.get(model.base_url) is not None
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
