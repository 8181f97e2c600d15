"""What models.yaml and policy.yaml may state about routing: where a request may go, and how."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.contracts.money import StatedPrice
from shared.contracts.requests import Operation
from shared.contracts.values import ModelName, Token

TASK: Final = "task"
"""The strategy that takes a table's models in the table's order."""
RETRIES_MAX: Final = 5
ATTEMPTS_MAX: Final = 8
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of a document. A name that it does not know is a mistake and refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Capability(StrEnum):
    """What a model can do."""

    CHAT = "chat"
    STREAM = "stream"
    TOOLS = "tools"
    VISION = "vision"
    AUDIO = "audio"
    FILES = "files"
    EMBED = "embed"
    TRANSLATE = "translate"


class Factor(StrEnum):
    """What a strategy may weigh; each is from 0 to 1, and 1 is the best."""

    ACCURACY = "accuracy"
    """As models.yaml states it under `quality`."""
    SPEED = "speed"
    """How soon answers have begun of late."""
    COST = "cost"
    """What this request would cost at most, beside what it costs at the dearest candidate."""
    ROOM = "room"
    """How much of its limits is free, and how little is in hand there."""


# --- models.yaml -------------------------------------------------------------------------


class Agreement(Section):
    """A data processing agreement, as the register of processors has it."""

    reference: str = Field(min_length=1, max_length=200)
    signed: date
    expires: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether it counts on a day; the last day counts."""
        return self.signed <= day and (self.expires is None or day <= self.expires)


class StatedLimits(Section):
    """What a provider lets us ask for. What it says in its answers counts where that is less."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    side_by_side: int | None = Field(default=None, ge=1)
    """How many calls may be open at once."""


class Quality(Section):
    """How well a model answers, from 0 to 1, until grades of our own say more."""

    default: Share
    tasks: dict[Token, Share] = Field(default_factory=dict)


class StatedModel(Section):
    """One model: who serves it, what it can do and what it costs."""

    provider: Token
    upstream: ModelName | None = None
    base_url: str | None = None
    capabilities: frozenset[Capability]
    context_tokens: int = Field(ge=256)
    output_tokens_max: int = Field(ge=1)
    price: StatedPrice | tuple[StatedPrice, ...] = Field(union_mode="left_to_right")
    """One price, or all that follow each other by their first days."""
    quality: Quality | None = None
    limits: StatedLimits | None = None
    retired: date | None = None
    """From this day on requests go to `successor`, or are refused where there is none."""
    successor: ModelName | None = None

    @field_validator("price")
    @classmethod
    def _is_stated(cls, value: object) -> object:
        if value == ():
            raise ValueError("a model without a price would be free by mistake: state one")
        return value

    @property
    def prices(self) -> tuple[StatedPrice, ...]:
        """Return all stated prices, the earliest first."""
        stated = self.price if isinstance(self.price, tuple) else (self.price,)
        return tuple(sorted(stated, key=lambda one: one.valid_from))

    def price_on(self, day: date) -> StatedPrice:
        """Return the price that holds on a day; before the first one, the first one."""
        begun = [one for one in self.prices if one.valid_from <= day]
        return begun[-1] if begun else self.prices[0]


# --- policy.yaml -------------------------------------------------------------------------


class StatedRoute(Section):
    """Models, or aliases of models, in the order in which they are tried, and why."""

    models: tuple[ModelName, ...] = Field(min_length=1)
    reason: Token
    strategy: Token = TASK
    weights: dict[Factor, Share] = Field(default_factory=dict)
    """How much a strategy that weighs cares for each factor."""
    duty: Token | None = None
    """What the law asks of this use, such as `annex-iii-4` for hiring."""


class StatedUseCase(StatedRoute):
    """The route of one use case, with tasks of its own that go elsewhere."""

    tasks: dict[Token, StatedRoute] = Field(default_factory=dict)


class StatedOperations(Section):
    """Who does what is no chat, for requests that name no model."""

    embed: StatedRoute | None = None
    translate: StatedRoute | None = None

    def route_of(self, operation: Operation) -> StatedRoute | None:
        """Return the route of an operation; None for chat, and for what is not stated."""
        routes = {Operation.EMBED: self.embed, Operation.TRANSLATE: self.translate}
        return routes.get(operation)


class StatedResilience(Section):
    """How hard the router tries before a caller is told of a fault."""

    models_max: int = Field(default=3, ge=1, le=ATTEMPTS_MAX)
    """How many models one request may be tried on."""
    retries_max: int = Field(default=1, ge=0, le=RETRIES_MAX)
    """How often one model is asked again, where the first call surely cost nothing."""
    hand_on_after_s: float = Field(default=1.0, ge=0, le=60)
    """How long a request waits for a model whose limit is reached before the next one gets it."""
    circuit_opens_after: int = Field(default=5, ge=1, le=100)
    """So many faults in a row, or half of the last twenty calls, and a model is left alone."""
    circuit_rests_s: float = Field(default=5.0, gt=0, le=600)
    """How long before the first trial; doubled after each that fails, up to two minutes."""
    on_unknown: Literal["charge", "release"] = "charge"
    """What a call costs whose end nobody knows: all that was held, or nothing."""
