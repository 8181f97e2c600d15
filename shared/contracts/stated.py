"""What models.yaml, policy.yaml and budgets.yaml may state, each alone and all together.

Whoever puts them in force checks them by this page, and whoever reads them reads them by it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from pydantic import Field, field_validator

from shared.contracts.configuration import Document
from shared.contracts.masking import MaskingPolicy
from shared.contracts.money import Amount, whole_nano
from shared.contracts.routing import (
    Agreement,
    Capability,
    Section,
    StatedLimits,
    StatedModel,
    StatedOperations,
    StatedResilience,
    StatedRoute,
    StatedUseCase,
)
from shared.contracts.values import Currency, ModelName, Sensitivity, Token

REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
"""How an address or a key is named that stands in the environment of the router."""
_VERSION_DIGITS: Final = 12
Residencies = Literal["any"] | tuple[Token, ...]


# --- models.yaml -------------------------------------------------------------------------


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
    limits: StatedLimits | None = None
    options: dict[Token, str] = Field(default_factory=dict)
    """What one wire format needs beside address and key; docs/sre/providers.md lists them."""

    @field_validator("key")
    @classmethod
    def _is_a_reference(cls, value: str | None) -> str | None:
        if value is not None and not REFERENCE.fullmatch(value):
            raise ValueError("a key stands in the environment or in a file, never here")
        return value


class ModelsDocument(Section):
    """models.yaml."""

    providers: dict[Token, StatedProvider]
    models: dict[ModelName, StatedModel]
    aliases: dict[ModelName, ModelName] = Field(default_factory=dict)
    """Names that callers and the policy use, so that the model behind one can change."""

    def model_named(self, name: str) -> str:
        """Return the model behind a name, which may be an alias of it."""
        return self.aliases.get(name, name)


# --- policy.yaml -------------------------------------------------------------------------


class PolicyDocument(Section):
    """policy.yaml."""

    residency: dict[Sensitivity, Residencies]
    default: StatedRoute
    tasks: dict[Token, StatedRoute] = Field(default_factory=dict)
    use_cases: dict[Token, StatedUseCase] = Field(default_factory=dict)
    operations: StatedOperations = StatedOperations()
    fallbacks: dict[ModelName, ModelName] = Field(default_factory=dict)
    entitlements: dict[ModelName, tuple[Token, ...]] = Field(default_factory=dict)
    """Models that only these apps may use; one that is not listed is for all."""
    resilience: StatedResilience = StatedResilience()
    masking: MaskingPolicy = MaskingPolicy()

    @field_validator("residency", mode="before")
    @classmethod
    def _levels_are_known(cls, value: object) -> object:
        # Readers of events take an unknown level for the strictest; here it is a slip of the pen.
        if isinstance(value, dict) and not value.keys() <= set(Sensitivity):
            raise ValueError(f"the levels are {', '.join(Sensitivity)}")
        return value

    def routes(self) -> Iterator[StatedRoute]:
        """Yield every route there is."""
        yield self.default
        yield from self.tasks.values()
        for use_case in self.use_cases.values():
            yield use_case
            yield from use_case.tasks.values()
        yield from filter(None, (self.operations.embed, self.operations.translate))

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
            for price in model.prices:
                price.price(model.provider, name)
        except ValueError as error:
            yield f"{names.models}: the price of {name} {error}."
    yield from _free_problems(models, names)
    yield from _succession_problems(models, names)
    named = {name for route in policy.routes() for name in route.models}
    named |= {*policy.fallbacks, *policy.fallbacks.values(), *policy.entitlements}
    for name in sorted(named - models.models.keys() - models.aliases.keys()):
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


def _free_problems(models: ModelsDocument, names: Names) -> Iterator[str]:
    """Yield a sentence for each translator whose translations would be free by mistake."""
    for name, model in models.models.items():
        stated = all("characters_per_million" in price.model_fields_set for price in model.prices)
        if Capability.TRANSLATE in model.capabilities and not stated:
            yield (
                f"{names.models}: {name} translates, and its price has no "
                'characters_per_million: state it, also where it is "0".'
            )


def _succession_problems(models: ModelsDocument, names: Names) -> Iterator[str]:
    """Yield a sentence for each alias or successor that leads nowhere."""
    for alias, name in models.aliases.items():
        if alias in models.models:
            yield f"{names.models}: {alias} is a model and an alias: rename one of them."
        if name not in models.models:
            yield f"{names.models}: alias {alias} stands for {name}, which is no model there."
    for name, model in models.models.items():
        if model.successor is not None and model.successor not in models.models:
            yield f"{names.models}: {name} is followed by {model.successor}, which is no model."
        seen, at = {name}, model.successor
        while at is not None and at in models.models:
            if at in seen:
                yield f"{names.models}: the successors of {name} lead back to {at}: break the ring."
                break
            seen.add(at)
            at = models.models[at].successor


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
        for currency in {price.currency for price in model.prices}:
            found = currency_problem(name, currency, budgets.currency, names.models)
            if found is not None:
                yield found
