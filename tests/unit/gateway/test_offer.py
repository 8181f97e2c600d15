"""Callers may name models and aliases of the configuration in force."""

import pytest

from services.gateway.offer import AUTO, Offer
from shared.configuration import ConfigError
from shared.contracts.configuration import ConfigurationVersion, Document
from tests.fixtures.configuration import shipped


def version(models: str) -> ConfigurationVersion:
    documents = shipped() | {Document.MODELS: models}
    return ConfigurationVersion(version="c0ffee", number=1, documents=documents)


async def test_models_and_aliases_are_offered_beside_auto_and_belong_to_their_provider() -> None:
    offer = Offer()

    await offer.apply(version(shipped()[Document.MODELS]))

    offered = {one.name: one.owner for one in offer.all()}
    assert next(iter(offered)) == AUTO.name
    assert offered["local-default"] == "local"
    assert offered["gpt-4"] == offered["gpt-5.4"] == "openai"
    assert offer.named("embeddings-multilingual") is not None
    assert offer.named("gpt-9") is None


async def test_an_alias_of_nothing_is_not_offered_and_a_broken_document_changes_nothing() -> None:
    offer = Offer()
    await offer.apply(version("models: {a: {provider: house}}\naliases: {b: a, c: gone}\n"))

    with pytest.raises(ConfigError):
        await offer.apply(version("models: [a]"))

    assert [one.name for one in offer.all()] == ["auto", "a", "b"]
