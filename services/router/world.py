"""What a request meets on its way: the configuration in force, and all that answers for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from services.router.attempts import Patience
from services.router.deciding import Sight, Strategies
from services.router.endpoints import Endpoints
from services.router.health import Health
from services.router.ledger import Ledger
from services.router.settings import Configuration, Settings, configuration_of, today
from services.router.strategies.base import check_strategies
from shared.contracts.commands import Command, Reply
from shared.contracts.configuration import ConfigurationVersion
from shared.contracts.routing import StatedResilience

Ask = Callable[[Command], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class World:
    """Everything that requests of one moment share."""

    configuration: Configuration
    endpoints: Endpoints
    ledger: Ledger
    ask: Ask
    patience: Patience
    health: Health
    strategies: Strategies
    settings: Settings = field(default_factory=Settings)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where references of the configuration have their values; secrets are among them."""

    def configured(self, version: ConfigurationVersion) -> "World":
        """Return this world under another version. Raises `ConfigError` if it cannot be used."""
        if version.version == self.configuration.version:
            return self
        configuration = configuration_of(version.version, version.documents, self.environment)
        return self._under(configuration)

    def on(self, day: date) -> "World":
        """Return this world on another day: prices and retirements follow the calendar."""
        before = self.configuration
        if before.day == day or not before.documents:
            return self
        return self._under(
            configuration_of(before.version, before.documents, self.environment, day=day)
        )

    def sight(self) -> Sight:
        """Return what decisions are made from."""
        configuration = self.configuration
        return Sight(configuration.models, configuration.policy, self.strategies, today())

    @property
    def resilience(self) -> StatedResilience:
        return self.configuration.policy.resilience

    def _under(self, configuration: Configuration) -> "World":
        check_strategies(configuration.policy, self.strategies)
        endpoints = Endpoints.of(configuration, self.settings, self.endpoints)
        self.health.configured(configuration.policy.resilience)
        return replace(self, configuration=configuration, endpoints=endpoints)
