"""Holds, settlements and budgets."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, RequestEvent
from shared.contracts.money import Price
from shared.contracts.values import Currency, Label, ModelName, Token


class HoldState(StrEnum):
    """A hold is resolved exactly once."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class HoldRequest(Command):
    """Set aside the worst case of one request before any provider is called.

    `id` is the hold's identifier for ever. Asking again with it returns the first answer.
    """

    service: ClassVar[str] = "billing"
    verb: ClassVar[str] = "hold-request"

    tenant: Token
    app: Token
    request_id: UUID
    use_case: Token
    user: Token | None = None
    model: ModelName
    provider: Token
    input_tokens_max: int = Field(ge=0)
    output_tokens_max: int = Field(ge=0)
    characters_max: int = Field(default=0, ge=0)
    expires_at: AwareDatetime


class HoldReply(Reply):
    """Whether the amount is set aside; if not, `code` says why (`budget_exhausted`, …)."""

    held_nano: int = Field(default=0, ge=0)
    price: Price | None = None


class HoldGranted(RequestEvent):
    """An amount has been set aside."""

    kind: ClassVar[str] = "hold.granted"

    hold_id: UUID
    budget: Label
    held_nano: int = Field(ge=0)
    currency: Currency
    price_id: UUID


class HoldSettled(RequestEvent):
    """A hold was resolved without a settlement: voided because nothing was called, or expired."""

    kind: ClassVar[str] = "hold.settled"

    hold_id: UUID
    state: HoldState
    posted_nano: int = Field(ge=0)
    currency: Currency


class UsagePriced(RequestEvent):
    """A request's usage has been charged; `overage_nano` is what exceeded its hold."""

    kind: ClassVar[str] = "usage.priced"

    hold_id: UUID
    budget: Label
    model: ModelName | None = None
    provider: Token | None = None
    cost_nano: int = Field(ge=0)
    held_nano: int = Field(ge=0)
    overage_nano: int = Field(default=0, ge=0)
    currency: Currency
    price_id: UUID | None = None


class BudgetExhausted(Event):
    """A budget has refused a hold for the first time since it last had room."""

    kind: ClassVar[str] = "budget.exhausted"

    budget: Label
    limit_nano: int = Field(ge=0)
    used_nano: int = Field(ge=0)
    currency: Currency
