"""All endpoints that may be called: connected, probed, and rested after a fault."""

import asyncio
import logging
import time
from collections.abc import Mapping, MutableMapping
from typing import Final, Self, cast

from prometheus_client import Gauge

from services.router.domain import ErrorClass, Model
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
NO_MODEL: Final = "no model can be reached: every request will be refused or fail"
REACHABLE: Final = Gauge(
    "stellwerk_router_endpoint_reachable",
    "1 if the endpoint answered its last probe. At 0: is it running, is its address right?",
    ["provider", "model"],
)


class Endpoints:
    """One provider for each address that an enabled model has."""

    def __init__(
        self, providers: Mapping[str, Provider], models: list[Model], rest_s: float
    ) -> None:
        self.remarks: MutableMapping[str, str] = {}
        """What an operator should know though the router runs; kept up by `probe`."""
        self._providers = providers
        self._models = models
        self._rest_s = rest_s
        self._rest_until: dict[str, float] = {}
        self._faults: dict[str, ErrorClass | None] = {}

    @classmethod
    def of(cls, configuration: Configuration, settings: Settings) -> Self:
        """Return the endpoints of a configuration; nothing is opened yet.

        Raises `ConfigError` for a wire format that no plug-in speaks.
        """
        modules = cast("list[ProviderModule]", load(PACKAGE, ProviderModule, ENTRY_POINTS))
        wires = {module.WIRE: module for module in modules}
        enabled = [model for model in configuration.models.values() if model.disabled is None]
        providers: dict[str, Provider] = {}
        for model in enabled:
            if model.wire not in wires:
                raise ConfigError(
                    f"models.yaml: provider {model.provider} has wire {model.wire}; "
                    f"known are {', '.join(sorted(wires))}."
                )
            if model.base_url not in providers:
                key = configuration.keys.get(model.provider)
                endpoint = Endpoint(model.provider, model.base_url, settings.connect_s_max, key)
                try:
                    providers[model.base_url] = wires[model.wire].connect(endpoint)
                except ValueError as error:
                    raise ConfigError(f"models.yaml: provider {model.provider}: {error}.") from None
        return cls(providers, enabled, settings.rest_s)

    def provider_of(self, model: Model) -> Provider:
        """Return the provider that answers for an enabled model."""
        return self._providers[model.base_url]

    def resting(self) -> frozenset[str]:
        """Return the addresses that failed a moment ago; others are tried first."""
        if not self._rest_until:
            return frozenset()
        now = time.monotonic()
        self._rest_until = {url: until for url, until in self._rest_until.items() if until > now}
        return frozenset(self._rest_until)

    def note(self, model: Model, fault: ErrorClass | None) -> None:
        """Remember how a call to a model's address went."""
        if fault is None:
            self._rest_until.pop(model.base_url, None)
        elif fault.rests_endpoint:
            self._rest_until[model.base_url] = time.monotonic() + self._rest_s

    async def probe(self) -> tuple[()]:
        """Ask every address whether it is there; log what has changed."""
        await asyncio.gather(*map(self._probe, self._providers))
        for model in self._models:
            fault = self._faults.get(model.base_url)
            REACHABLE.labels(model.provider, model.name).set(fault is None)
        self._remark(self._problem())
        return ()

    async def close(self) -> None:
        """Close all connections."""
        for provider in self._providers.values():
            await provider.close()

    async def _probe(self, base_url: str) -> None:
        try:
            async with asyncio.timeout(PROBE_S_MAX):
                await self._providers[base_url].probe()
        except TimeoutError:
            self._faults[base_url] = ErrorClass.TIMEOUT
        except ProviderError as error:
            self._faults[base_url] = error.error_class
        else:
            self._faults[base_url] = None

    def _problem(self) -> str | None:
        if not self._models:
            return f"{NO_MODEL} (no address is set)"
        silent = sorted(
            f"{model.name}: {self._faults[model.base_url]}"
            for model in self._models
            if self._faults[model.base_url] is not None
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
