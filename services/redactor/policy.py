"""What is in force about masking: the policy, and the company's own lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from services.redactor.dictionaries import EMPTY, Dictionary
from shared.configuration import parse_yaml
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.masking import MaskingPolicy
from shared.contracts.stated import PolicyDocument
from shared.contracts.values import Version


@dataclass(frozen=True, slots=True)
class Rules:
    """What one request is masked by; `for_tenant` adds the lists of whoever asked."""

    policy: MaskingPolicy = field(default_factory=MaskingPolicy)
    dictionaries: Mapping[str, Dictionary] = field(default_factory=dict)
    dictionary: Dictionary = EMPTY
    version: Version = "0"
    """Of the configuration; 0 before any is in force, when the defaults count."""

    def for_tenant(self, tenant: str) -> Self:
        return replace(self, dictionary=self.dictionaries.get(tenant, EMPTY))

    def configured(self, version: ConfigurationVersion) -> Self:
        """Return the rules under another version. Raises `ConfigError` if it cannot be read."""
        policy = masking_in(version.documents[Document.POLICY], Document.POLICY)
        return replace(self, policy=policy, version=version.version)


def masking_in(text: str, name: str) -> MaskingPolicy:
    """Return what policy.yaml says about masking. Raises `ConfigError`."""
    return parse_yaml(text, PolicyDocument, name).masking
