"""Amounts: integer nano-units of a currency and integer tokens, so that sums are exact."""

from typing import Final
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Record
from shared.contracts.values import Currency

NANO: Final = 1_000_000_000
"""Nano-units in one unit of a currency: a price of EUR 0.15 per million tokens is 150 a token."""


class Price(Record):
    """What one model costs, as the price book held it when the hold was granted.

    Amounts are nano-units of `currency`; `id` names the row of the price book for ever.
    """

    id: UUID
    currency: Currency
    input_token_nano: int = Field(ge=0)
    output_token_nano: int = Field(ge=0)
    request_nano: int = Field(default=0, ge=0)

    def cost_nano(self, input_tokens: int, output_tokens: int) -> int:
        """Return the exact cost of one call in nano-units."""
        return (
            self.request_nano
            + input_tokens * self.input_token_nano
            + output_tokens * self.output_token_nano
        )


def amount_text(nano: int, currency: str) -> str:
    """Return an amount for people, with as many decimals as it needs and at least two."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals} {currency}"
