"""What models.yaml, policy.yaml and budgets.yaml may state, each alone and all together.

Whoever puts them in force checks them by this page, and whoever reads them reads them by it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.contracts.configuration import Document
from shared.contracts.masking import MaskingPolicy
from shared.contracts.money import Amount, StatedPrice, whole_nano
from shared.contracts.values import Currency, ModelName, Sensitivity, Token

REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
"""How an address or a key is named that stands in the environment of the router."""
_VERSION_DIGITS: Final = 12
Residencies = Literal["any"] | tuple[Token, ...]


class Capability(StrEnum):
    """What a model can do."""

    CHAT = "chat"
    STREAM = "stream"
    TOOLS = "tools"
    VISION = "vision"
    AUDIO = "audio"
    FILES = "files"


class Section(BaseModel):
    """A part of a document. A name that it does not know is a mistake and refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


# --- models.yaml -------------------------------------------------------------------------


class Agreement(Section):
    """A data processing agreement, as the register of processors has it."""

    reference: str = Field(min_length=1, max_length=200)
    signed: date
    expires: date | None = None


class StatedProvider(Section):
    """Who serves models, and where. `local` means under our own control."""

    wire: Token
    base_url: str
    key: str | None = None
    key_file: str | None = None
    local: bool = False
    region: Token
    residency: Token
    legal_country: str | None = Field(pattern=r"^[A-Z]{2}$")
    dpa: Agreement | None

    @field_validator("key")
    @classmethod
    def _is_a_reference(cls, value: str | None) -> str | None:
        if value is not None and not REFERENCE.fullmatch(value):
            raise ValueError("a key stands in the environment or in a file, never here")
        return value


class StatedModel(Section):
    """One model: who serves it, what it can do and what it costs."""

    provider: Token
    upstream: ModelName | None = None
    base_url: str | None = None
    capabilities: frozenset[Capability]
    context_tokens: int = Field(ge=256)
    output_tokens_max: int = Field(ge=1)
    price: StatedPrice


class ModelsDocument(Section):
    """models.yaml."""

    providers: dict[Token, StatedProvider]
    models: dict[ModelName, StatedModel]


# --- policy.yaml -------------------------------------------------------------------------


class StatedRoute(Section):
    """Models in the order in which they are tried, and why."""

    models: tuple[ModelName, ...] = Field(min_length=1)
    reason: Token


class PolicyDocument(Section):
    """policy.yaml."""

    residency: dict[Sensitivity, Residencies]
    default: StatedRoute
    tasks: dict[Token, StatedRoute] = Field(default_factory=dict)
    fallbacks: dict[ModelName, ModelName] = Field(default_factory=dict)
    masking: MaskingPolicy = MaskingPolicy()

    @field_validator("residency", mode="before")
    @classmethod
    def _levels_are_known(cls, value: object) -> object:
        # Readers of events take an unknown level for the strictest; here it is a slip of the pen.
        if isinstance(value, dict) and not value.keys() <= set(Sensitivity):
            raise ValueError(f"the levels are {', '.join(Sensitivity)}")
        return value

    def residencies_of(self, sensitivity: Sensitivity) -> Residencies | None:
        """Return where a level may go; one that is not stated, where the next stricter one may.

        None: neither is stated.
        """
        levels = sorted(Sensitivity, key=lambda level: level.strictness)[sensitivity.strictness :]
        return next((self.residency[level] for level in levels if level in self.residency), None)


# --- budgets.yaml ------------------------------------------------------------------------


class StatedBudget(Section):
    """What may be spent in one period."""

    limit: Amount
    period: Literal["month"]


class BudgetsDocument(Section):
    """budgets.yaml: who may spend how much in a period."""

    currency: Currency
    default: StatedBudget
    tenants: dict[Token, StatedBudget] = Field(default_factory=dict)

    def limit_nano(self, tenant: str) -> int:
        """Return a tenant's limit for one period, in nano-units of `currency`."""
        return whole_nano(self.tenants.get(tenant, self.default).limit)


# --- together ----------------------------------------------------------------------------

SHAPES: Final[Mapping[Document, type[Section]]] = {
    Document.MODELS: ModelsDocument,
    Document.POLICY: PolicyDocument,
    Document.BUDGETS: BudgetsDocument,
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the documents are called in a sentence: a path where they are files."""

    models: str = Document.MODELS.value
    policy: str = Document.POLICY.value
    budgets: str = Document.BUDGETS.value


def version_of(documents: Mapping[Document, str]) -> str:
    """Return the name of a version: it changes with every byte of a document."""
    digest = sha256()
    for document in Document:
        if document in documents:
            text = documents[document].encode()
            digest.update(f"{document} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:_VERSION_DIGITS]


def routing_problems(models: ModelsDocument, policy: PolicyDocument, names: Names) -> Iterator[str]:
    """Yield a sentence for each thing in which models and policy contradict themselves."""
    for name, model in models.models.items():
        if model.provider not in models.providers:
            yield (
                f"{names.models}: model {name} names provider {model.provider}, "
                "which is not described under `providers`: describe it there."
            )
        try:
            model.price.price(model.provider, name)
        except ValueError as error:
            yield f"{names.models}: the price of {name} {error}."
    routes = [policy.default, *policy.tasks.values()]
    named = {name for route in routes for name in route.models}
    named |= {*policy.fallbacks, *policy.fallbacks.values()}
    for name in sorted(named - models.models.keys()):
        yield (
            f"{names.policy} names model {name}, which {names.models} does not have: "
            "describe it there, or name another."
        )
    for sensitivity in Sensitivity:
        if policy.residencies_of(sensitivity) is None:
            yield (
                f"{names.policy} does not say where {sensitivity} texts may go: "
                f"add it under `residency`, as `any` or a list."
            )


def budget_problems(budgets: BudgetsDocument, names: Names) -> Iterator[str]:
    """Yield a sentence for each limit that cannot be kept exactly."""
    for tenant in ("default", *budgets.tenants):
        try:
            budgets.limit_nano(tenant)
        except ValueError as error:
            yield f"{names.budgets}: the limit of {tenant} {error}."


def currency_problem(model: str, price_currency: str, currency: str, file: str) -> str | None:
    """Return a sentence if a price is in another currency than the budgets."""
    if price_currency == currency:
        return None
    return (
        f"{file}: the price of {model} is in {price_currency}, but budgets.yaml counts in "
        f"{currency}: state all of them in one currency."
    )


def problems(
    models: ModelsDocument, policy: PolicyDocument, budgets: BudgetsDocument
) -> Iterator[str]:
    """Yield a sentence for each reason why these documents cannot be in force together."""
    names = Names()
    yield from routing_problems(models, policy, names)
    yield from budget_problems(budgets, names)
    for name, model in models.models.items():
        found = currency_problem(name, model.price.currency, budgets.currency, names.models)
        if found is not None:
            yield found
