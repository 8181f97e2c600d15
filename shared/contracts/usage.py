"""What one request cost in calls, tokens and time, and why it went where it went."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.completions import Outcome, TokenUsage, UsageSource
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Record, RequestEvent
from shared.contracts.money import Price
from shared.contracts.requests import Operation
from shared.contracts.values import Language, ModelName, Sensitivity, Token


class Candidate(Record):
    """One model that was considered, and why it was not chosen if it was not."""

    model: ModelName
    provider: Token
    rank: int = Field(ge=0)
    excluded_by: Token | None = None
    asked_as: ModelName | None = None
    """The alias, or the retired model, by which the policy or the caller named it."""
    residency: Token | None = None
    score: float | None = Field(default=None, ge=0, le=1)
    """What the strategy made of the factors; the highest wins. None where the table decides."""
    factors: dict[Token, float] = Field(default_factory=dict)
    """`accuracy`, `speed`, `cost` and `room`, each from 0 to 1 with 1 the best."""
    cost_nano_max: int | None = Field(default=None, ge=0)
    """What this request may cost there at most."""


class Decision(Record):
    """Which models were considered, which was chosen, by which rule of the policy."""

    candidates: tuple[Candidate, ...]
    rule: Token
    reason: Token | None = None
    strategy: Token | None = None
    complexity: float | None = Field(default=None, ge=0, le=1)
    """How much a request asks of a model, by its length and shape."""
    duty: Token | None = None
    """What the law asks of this use, such as `annex-iii-4` for hiring; a person must look."""


class AttemptOutcome(StrEnum):
    """How one provider call ended; `unknown` is a call whose caller died before it heard."""

    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Attempt(Record):
    """One provider call. `id` was sent to the provider, so both sides can be reconciled."""

    id: UUID
    model: ModelName
    provider: Token
    outcome: AttemptOutcome
    error_class: Token | None = None
    duration_ms: int = Field(default=0, ge=0)
    first_token_ms: int | None = Field(default=None, ge=0)
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cache_read_tokens: int = Field(default=0, ge=0)
    cache_write_tokens: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(default=0, ge=0)
    characters: int = Field(default=0, ge=0)
    usage_source: UsageSource | None = None
    """Who counted; None where nothing was used."""
    region: Token | None = None
    residency: Token | None = None
    released: bool = False
    """The end is unknown, and the policy says not to charge for that."""


class UsageRecorded(RequestEvent):
    """One request has been decided and, if it was, called: this is the settlement of its hold."""

    kind: ClassVar[str] = "usage.recorded"

    outcome: Outcome
    code: ErrorCode | None = None
    decision: Decision
    attempts: tuple[Attempt, ...] = ()
    usage: TokenUsage
    model: ModelName | None = None
    provider: Token | None = None
    hold_id: UUID | None = None
    price: Price | None = None
    cost_nano: int = Field(default=0, ge=0)
    user: Token | None = None
    use_case: Token = "default"
    sensitivity: Sensitivity
    language: Language = Language.UNDETERMINED
    operation: Operation = Operation.CHAT
    stream: bool = False
    queued_ms: int = Field(default=0, ge=0)
    provider_ms: int = Field(default=0, ge=0)
