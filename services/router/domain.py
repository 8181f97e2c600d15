"""Decides which models may answer a request, and in which order they are tried.

Everything is passed in: the request, the models, the policy, the day, how each model does just
now. The same arguments lead to the same decision, so it can be explained and replayed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.contracts.errors import ErrorCode
from shared.contracts.money import Price
from shared.contracts.requests import Operation, RequestRedacted
from shared.contracts.routing import (
    TASK,
    Agreement,
    Capability,
    Factor,
    Quality,
    StatedLimits,
    StatedResilience,
)
from shared.contracts.usage import Decision
from shared.contracts.values import Sensitivity

AUTO: Final = "auto"
SUCCESSORS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Model:
    """One model as `config/models.yaml` describes it, with what it takes over from its provider.

    `disabled` says why it cannot be called, such as an address that is not set.
    """

    name: str
    provider: str
    upstream: str
    wire: str
    base_url: str
    local: bool
    region: str
    residency: str
    capabilities: frozenset[Capability]
    context_tokens: int
    output_tokens_max: int
    price: Price
    disabled: str | None = None
    agreement: Agreement | None = None
    limits: StatedLimits | None = None
    limits_shared: bool = False
    """They were stated at the provider, for all of its models together."""
    quality: Quality | None = None
    retired: date | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """How a model does at the moment, as far as this replica knows."""

    circuit_open: bool = False
    resting: bool = False
    """It failed a moment ago: others are tried first."""
    wait_s: float = 0.0
    """How long until its provider's limits let one more request in."""
    first_token_ms: int | None = None
    """Median of late until an answer began, or was there."""
    room: float = 1.0
    """From 0 to 1, how much of its limits is free."""


WELL: Final = Condition()


@dataclass(frozen=True, slots=True)
class Route:
    """Models or aliases in the order of the table, why, and who may change the order."""

    models: tuple[str, ...]
    reason: str
    strategy: str = TASK
    weights: Mapping[Factor, float] = field(default_factory=dict)
    duty: str | None = None


@dataclass(frozen=True, slots=True)
class UseCase:
    """The route of one use case, and those of its tasks that go elsewhere."""

    route: Route
    tasks: Mapping[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """Where texts may go. A sensitivity without residencies may go anywhere."""

    default: Route
    tasks: Mapping[str, Route]
    residency: Mapping[Sensitivity, frozenset[str]]
    fallbacks: Mapping[str, str]
    use_cases: Mapping[str, UseCase] = field(default_factory=dict)
    operations: Mapping[Operation, Route] = field(default_factory=dict)
    entitlements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    resilience: StatedResilience = field(default_factory=StatedResilience)

    def routes(self) -> Iterator[Route]:
        """Yield every route there is."""
        yield self.default
        yield from self.tasks.values()
        yield from self.operations.values()
        for use_case in self.use_cases.values():
            yield use_case.route
            yield from use_case.tasks.values()


@dataclass(frozen=True, slots=True)
class Leg:
    """One model that may be called, and the most that a call can use."""

    model: Model
    input_tokens_max: int
    output_tokens_max: int
    characters_max: int = 0

    @property
    def cost_nano_max(self) -> int:
        return self.model.price.cost_nano(
            self.input_tokens_max, self.output_tokens_max, self.characters_max
        )


@dataclass(frozen=True, slots=True)
class Routing:
    """The decision for one request. `code` says why nothing may be called, if `plan` is empty.

    `wait_s` is how long the first leg must wait until its limits let it in.
    """

    decision: Decision
    plan: tuple[Leg, ...]
    code: ErrorCode | None = None
    wait_s: float = 0.0

    @property
    def dearest(self) -> Leg:
        """Return what a hold must cover, so that a fallback never spends what nobody set aside."""
        return max(self.plan, key=lambda leg: leg.cost_nano_max)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The route that a request takes, and the rule that says so."""

    rule: str
    route: Route


def route_of(ask: RequestRedacted, policy: Policy) -> Chosen:
    """Return the most exact route: by name, then use case, then operation, then task."""
    if ask.model != AUTO:
        # An alias is another name of a model, so it has the model's fallback too.
        behind = policy.aliases.get(ask.model, ask.model)
        fallback = policy.fallbacks.get(ask.model) or policy.fallbacks.get(behind)
        named = (ask.model, fallback) if fallback is not None else (ask.model,)
        return Chosen("named", Route(named, "asked-for-by-name"))
    use_case = policy.use_cases.get(ask.use_case)
    if use_case is not None and ask.task is not None and ask.task in use_case.tasks:
        return Chosen("use-case-task", use_case.tasks[ask.task])
    if ask.operation in policy.operations:
        return Chosen("operation", policy.operations[ask.operation])
    if use_case is not None:
        return Chosen("use-case", use_case.route)
    if ask.task is not None and ask.task in policy.tasks:
        return Chosen("task", policy.tasks[ask.task])
    return Chosen("default", policy.default)


def duty_of(ask: RequestRedacted, chosen: Chosen, policy: Policy) -> str | None:
    """Return what the law asks of this use, whichever route the request takes.

    Who names a model, or asks for an embedding, does not leave the use case that has the duty.
    """
    use_case, task = policy.use_cases.get(ask.use_case), ask.task or ""
    routes = [chosen.route, policy.tasks.get(task)]
    if use_case is not None:
        routes[:0] = [use_case.tasks.get(task), use_case.route]
    return next((route.duty for route in routes if route is not None and route.duty), None)


def names_of(
    route: Route, models: Mapping[str, Model], policy: Policy, day: date
) -> Iterator[tuple[str, str]]:
    """Yield each model of a route once, with the name that led to it.

    An alias leads to its model, a retired model to its successor.
    """
    seen: set[str] = set()
    for asked in route.models:
        name = policy.aliases.get(asked, asked)
        for _ in range(SUCCESSORS_MAX):
            model = models.get(name)
            if model is None or model.retired is None or day < model.retired:
                break
            if model.successor is None:
                break
            name = model.successor
        if name not in seen:
            seen.add(name)
            yield name, asked
