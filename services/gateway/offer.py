"""What callers may name: models and aliases of the configuration in force, and `auto`."""

from typing import Final

from pydantic import BaseModel

from services.gateway.dialects.base import Offered
from shared.configuration import parse_yaml
from shared.contracts.configuration import ConfigurationVersion, Document

AUTO: Final = Offered("auto", "stellwerk")


class _Model(BaseModel):
    """What matters here of a model; the router reads all of it."""

    provider: str


class _Models(BaseModel):
    models: dict[str, _Model] = {}
    aliases: dict[str, str] = {}

    def offered(self) -> dict[str, Offered]:
        """Return models and aliases by name; an alias is its model's provider's."""
        named = {name: Offered(name, model.provider) for name, model in self.models.items()}
        for alias, name in self.aliases.items():
            if name in self.models:
                named[alias] = Offered(alias, self.models[name].provider)
        return named


class Offer:
    """What is on offer now."""

    def __init__(self) -> None:
        self._by_name = {AUTO.name: AUTO}

    async def apply(self, version: ConfigurationVersion) -> None:
        """Offer the models of a version; raise `ConfigError` and go on as before if it is wrong."""
        text = version.documents.get(Document.MODELS, "models: {}")
        found = parse_yaml(text, _Models, Document.MODELS.value)
        self._by_name = {AUTO.name: AUTO, **found.offered()}

    def all(self) -> list[Offered]:
        return list(self._by_name.values())

    def named(self, name: str) -> Offered | None:
        return self._by_name.get(name)
