"""The rows that the ledger writes: their columns, and how decisions become such rows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Final
from uuid import UUID

from services.billing.domain import Account, Answer, PriceRow, Resolution, Settlement
from shared.contracts.completions import TokenUsage
from shared.contracts.usage import UsageRecorded

Row = tuple[object, ...]
Arrays = list[Sequence[object]]

PARTIAL: Final = "partial"
"""A call was broken off, and nobody has counted: this is what had arrived by then."""
AMOUNT_NANO_MAX: Final = 2**63 - 1
"""PostgreSQL's bigint: 9.2 thousand million units. Only the amount of a refusal can exceed it."""


class Columns:
    """The columns of rows that travel as one array each: one statement writes any number.

    They are named, so that a column added by a later migration does not stop an older process.
    """

    def __init__(self, names_and_types: str) -> None:
        pairs = [part.split() for part in names_and_types.split(",")]
        self.key = pairs[0][0]
        self.names = ", ".join(name for name, _ in pairs)
        self.assigned = ", ".join(f"{name} = given.{name}" for name, _ in pairs[1:])
        self._types = [kind for _, kind in pairs]

    def __len__(self) -> int:
        return len(self._types)

    def given(self, first: int) -> str:
        """Return the row source whose parameters are numbered from `first`."""
        arrays = ", ".join(f"${first + i}::{kind}[]" for i, kind in enumerate(self._types))
        return f"unnest({arrays}) AS given ({self.names})"

    def arrays(self, rows: Iterable[Row]) -> Arrays:
        """Return the parameters."""
        return list(zip(*rows, strict=True)) or [()] * len(self)


PRICE: Final = Columns(
    "id uuid, provider text, model text, currency text, input_token_nano bigint,"
    "output_token_nano bigint, request_nano bigint, source text, valid_from timestamptz,"
    "character_nano bigint"
)
BUDGET: Final = Columns("key text, tenant text, period text, currency text, limit_nano bigint")
BALANCE: Final = Columns(
    "key text, pending_nano bigint, posted_nano bigint, overage_nano bigint, exhausted_nano bigint"
)
EXHAUSTED: Final = Columns("key text, exhausted_nano bigint")
LIMIT: Final = Columns("key text, limit_nano bigint, exhausted_nano bigint")
_ASKED: Final = (
    "uuid, request_id uuid, tenant text, app text, use_case text, user_id text, budget text,"
    "provider text, model text"
)
HOLD: Final = Columns(
    f"id {_ASKED}, input_tokens_max bigint, output_tokens_max bigint, held_nano bigint,"
    "price_id uuid, expires_at timestamptz, characters_max bigint"
)
REFUSAL: Final = Columns(f"hold_id {_ASKED}, asked_nano bigint, code text")
RESOLUTION: Final = Columns(
    "hold_id uuid, state text, posted_nano bigint, overage_nano bigint, usage_id uuid"
)
CORRECTION: Final = Columns(
    "usage_id uuid, hold_id uuid, posted_nano bigint, overage_nano bigint, reason text"
)
USAGE: Final = Columns(
    "event_id uuid, request_id uuid, day date, occurred_at timestamptz, tenant text, app text,"
    "use_case text, user_id text, model text, provider text, outcome text, code text,"
    "sensitivity text, language text, stream boolean, input_tokens bigint, output_tokens bigint,"
    "token_source text, hold_id uuid, cost_nano bigint, overage_nano bigint, currency text,"
    "queued_ms bigint, provider_ms bigint, config_version text, operation text, characters bigint"
)
ATTEMPT: Final = Columns(
    "id uuid, usage_id uuid, day date, ordinal integer, provider text, model text, outcome text,"
    "error_class text, duration_ms bigint, first_token_ms bigint, input_tokens bigint,"
    "output_tokens bigint, cost_nano bigint, price_id uuid, currency text, characters bigint,"
    "released boolean"
)


def price_row(line: PriceRow) -> Row:
    price = line.price
    return (
        *(price.id, line.provider, line.model, price.currency, price.input_token_nano),
        *(price.output_token_nano, price.request_nano, line.source, line.valid_from),
        price.character_nano,
    )


def balance_row(account: Account) -> Row:
    return (
        *(account.key, account.pending_nano, account.posted_nano),
        *(account.overage_nano, account.exhausted_nano),
    )


def hold_row(answer: Answer) -> Row:
    request, price = answer.wanted.request, answer.wanted.price
    assert price is not None, "a hold is granted at a price"
    return (
        *_asked_row(answer),
        *(request.input_tokens_max, request.output_tokens_max, answer.amount_nano),
        *(price.id, answer.expires_at, request.characters_max),
    )


def refusal_row(answer: Answer) -> Row:
    return (*_asked_row(answer), min(answer.amount_nano, AMOUNT_NANO_MAX), answer.code)


def usage_row(item: Settlement, currency: str) -> Row:
    usage = item.usage
    return (
        *(usage.id, usage.request_id, _day(usage), usage.time, usage.tenant, usage.app),
        *(usage.use_case, usage.user, usage.model, usage.provider, usage.outcome, usage.code),
        *(usage.sensitivity, usage.language, usage.stream),
        *(usage.usage.input_tokens, usage.usage.output_tokens, _token_source(usage.usage)),
        *(item.hold.id if item.hold else None, item.cost_nano, item.overage_nano),
        *(_paid_in(item, currency), usage.queued_ms, usage.provider_ms, usage.config_version),
        *(usage.operation, usage.usage.characters),
    )


def attempt_rows(item: Settlement, currency: str) -> Iterable[Row]:
    usage, paid_in = item.usage, _paid_in(item, currency)
    for ordinal, charge in enumerate(item.charges):
        call = charge.attempt
        yield (
            *(call.id, usage.id, _day(usage), ordinal, call.provider, call.model, call.outcome),
            *(call.error_class, call.duration_ms, call.first_token_ms),
            *(call.input_tokens, call.output_tokens, charge.cost_nano, charge.price_id, paid_in),
            *(call.characters, call.released),
        )


def resolution_row(resolution: Resolution, usage_id: UUID | None) -> Row:
    hold = resolution.hold
    return (hold.id, resolution.state, resolution.posted_nano, resolution.overage_nano, usage_id)


def correction_rows(item: Settlement) -> Iterable[Row]:
    if (made := item.correction) is not None:
        yield (item.usage.id, made.hold.id, made.posted_nano, made.overage_nano, made.reason)


def _asked_row(answer: Answer) -> Row:
    request = answer.wanted.request
    return (
        *(request.id, request.request_id, request.tenant, request.app, request.use_case),
        *(request.user, answer.wanted.budget, request.provider, request.model),
    )


def _token_source(usage: TokenUsage) -> str:
    return PARTIAL if usage.partial else usage.source


def _paid_in(item: Settlement, currency: str) -> str:
    return item.hold.price.currency if item.hold else currency


def _day(usage: UsageRecorded) -> date:
    return usage.time.astimezone(UTC).date()
