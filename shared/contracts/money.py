"""Amounts: integer nano-units of a currency and integer tokens, so that sums are exact."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.event import Record
from shared.contracts.values import Currency, derived_id

NANO: Final = 1_000_000_000
"""Nano-units in one unit of a currency: a price of EUR 0.15 per million tokens is 150 a token."""

Amount = Annotated[Decimal, Field(ge=0, max_digits=18)]
"""An amount as people write it, in whole units of a currency."""

_MILLION: Final = 1_000_000
_PRICES: Final = UUID("b1111e57-0000-5000-8000-57e119e12c00")


class Price(Record):
    """What one model costs, as the price book held it when the hold was granted.

    Amounts are nano-units of `currency`; `id` names the row of the price book for ever.
    """

    id: UUID
    currency: Currency
    input_token_nano: int = Field(ge=0)
    output_token_nano: int = Field(ge=0)
    request_nano: int = Field(default=0, ge=0)
    character_nano: int = Field(default=0, ge=0)

    def cost_nano(self, input_tokens: int, output_tokens: int, characters: int = 0) -> int:
        """Return the exact cost of one call in nano-units."""
        return (
            self.request_nano
            + input_tokens * self.input_token_nano
            + output_tokens * self.output_token_nano
            + characters * self.character_nano
        )


class StatedPrice(BaseModel):
    """A model's price as `config/models.yaml` states it, with its source and its first day."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    currency: Currency
    input_per_million: Amount = Decimal(0)
    output_per_million: Amount = Decimal(0)
    characters_per_million: Amount = Decimal(0)
    per_request: Amount = Decimal(0)
    source: str = Field(min_length=3, max_length=300)
    valid_from: date

    @property
    def valid_from_utc(self) -> datetime:
        """Return the moment from which the price holds."""
        return datetime.combine(self.valid_from, time(), tzinfo=UTC)

    def price(self, provider: str, model: str) -> Price:
        """Return the exact price, with an id derived from all that is stated.

        The same statement has the same id in every process and database. Raises `ValueError` for
        an amount that is finer than a nano-unit per token.
        """
        counted = (
            whole_nano(self.input_per_million / _MILLION),
            whole_nano(self.output_per_million / _MILLION),
            whole_nano(self.per_request),
        )
        characters = whole_nano(self.characters_per_million / _MILLION)
        stated: tuple[object, ...] = (
            *(provider, model, self.currency, *counted),
            *(self.source, self.valid_from_utc.isoformat()),
        )
        # Younger than the ids: without it they are what they were.
        stated += (characters,) if characters else ()
        return Price(
            id=derived_id(_PRICES, repr(stated)),
            currency=self.currency,
            input_token_nano=counted[0],
            output_token_nano=counted[1],
            request_nano=counted[2],
            character_nano=characters,
        )


def whole_nano(amount: Decimal) -> int:
    """Return an amount in nano-units. Raises `ValueError` where that is no whole number."""
    nano = amount * NANO
    if nano != nano.to_integral_value():
        raise ValueError(
            "has more decimals than the ledger counts (three for a million tokens, nine for an "
            "amount): state it rounded up"
        )
    return int(nano)


def amount_text(nano: int, currency: str) -> str:
    """Return an amount for people, with as many decimals as it needs and at least two."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals} {currency}"
