"""Decides about money: which holds fit their budget, and what a request really cost.

Accounts and holds come in, decisions and changed accounts go out. All amounts are integer
nano-units of one currency; nothing is ever rounded, and a hold is never made smaller to fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.contracts.billing import HoldRequest, HoldState
from shared.contracts.errors import ErrorCode
from shared.contracts.money import Price
from shared.contracts.usage import Attempt, AttemptOutcome, UsageRecorded

ROOM_SHARE: Final = 20
"""A budget has room again when a 20th of its limit is free: else each settlement near the limit
would report it exhausted once more."""

HOLD_TIME_MAX: Final = timedelta(hours=1)
"""A hold ends at last an hour after it was granted, six times the longest deadline of a request."""
TOKENS_MAX: Final = 1_000_000_000
"""More tokens, or characters, than any model reads or writes in one call: more is a mistake."""


@dataclass(frozen=True, slots=True)
class Account:
    """One budget in one period: `pending_nano` is held, `posted_nano` is spent.

    The database enforces pending + posted <= limit. `overage_nano` is what calls cost beyond their
    holds: it has happened, so it stands outside that rule, but new holds must leave room for it.
    """

    key: str
    currency: str
    limit_nano: int
    pending_nano: int = 0
    posted_nano: int = 0
    overage_nano: int = 0
    exhausted_nano: int = 0
    """The hold whose refusal was reported; 0 while there is room."""

    @property
    def used_nano(self) -> int:
        return self.pending_nano + self.posted_nano + self.overage_nano

    @property
    def free_nano(self) -> int:
        return self.limit_nano - self.used_nano

    def moved(self, pending_nano: int, posted_nano: int = 0, overage_nano: int = 0) -> "Account":
        """Return the account after a movement; it counts as exhausted until it has room again."""
        # Spelled out, since `replace` would take twice as long and this runs for every hold.
        moved = Account(
            self.key,
            self.currency,
            self.limit_nano,
            self.pending_nano + pending_nano,
            self.posted_nano + posted_nano,
            self.overage_nano + overage_nano,
            self.exhausted_nano,
        )
        assert min(moved.pending_nano, moved.posted_nano, moved.overage_nano) >= 0, self.key
        room_nano = max(moved.exhausted_nano, moved.limit_nano // ROOM_SHARE)
        if moved.exhausted_nano and moved.free_nano >= room_nano:
            return replace(moved, exhausted_nano=0)
        return moved

    def limited(self, limit_nano: int) -> "Account":
        """Return the account under another limit; what is used stays, also where it is more."""
        return replace(self, limit_nano=limit_nano).moved(0)


# --- prices ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One line of the price book; it never changes, a new price is a new line."""

    price: Price
    provider: str
    model: str
    source: str
    valid_from: datetime


class PriceBook:
    """All prices that were ever valid, by provider, model and date."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self._rows: dict[tuple[str, str], list[PriceRow]] = {}
        for row in rows:
            self._rows.setdefault((row.provider, row.model), []).append(row)
        for of_one_model in self._rows.values():
            # The sort is stable: of two prices valid from one day, the later entered one counts.
            of_one_model.sort(key=lambda row: row.valid_from)

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Return what a call costs at a time; None if nobody has ever said, which is not zero."""
        for row in reversed(self._rows.get((provider, model), ())):
            if row.valid_from <= at:
                return row.price
        return None


# --- holds -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold request, with the budget and the price it falls under."""

    request: HoldRequest
    budget: str
    price: Price | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer that a hold's id will ever get."""

    wanted: Wanted
    amount_nano: int
    expires_at: datetime
    code: ErrorCode | None = None
    reported: Account | None = None
    """The account as it was when this refusal was the first since it had room."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Answers in the order of the requests, and the accounts they leave behind."""

    answers: tuple[Answer, ...]
    accounts: Mapping[str, Account]


def decide(wanted: Sequence[Wanted], accounts: Mapping[str, Account], at: datetime) -> Decided:
    """Return which holds are granted, in order of arrival: each sees what the ones before it took.

    Fails closed: no price, no account or no time left means no hold.
    """
    left = dict(accounts)
    answers = []
    for item in wanted:
        account = left.get(item.budget)
        amount_nano, code = _verdict(item, account, at)
        first = code is ErrorCode.BUDGET_EXHAUSTED and _is_first(amount_nano, account)
        expires_at = min(item.request.expires_at, at + HOLD_TIME_MAX)
        answers.append(Answer(item, amount_nano, expires_at, code, account if first else None))
        if account is None:
            continue
        if code is None:
            left[account.key] = account.moved(amount_nano)
        elif first:
            left[account.key] = replace(account, exhausted_nano=amount_nano)
    return Decided(answers=tuple(answers), accounts=left)


def _verdict(item: Wanted, account: Account | None, at: datetime) -> tuple[int, ErrorCode | None]:
    """Return what the worst case costs, and why it is not held, if it is not."""
    request, price = item.request, item.price
    if price is None or (account is not None and price.currency != account.currency):
        return 0, ErrorCode.NO_CAPABLE_MODEL
    counts = (request.input_tokens_max, request.output_tokens_max, request.characters_max)
    if max(counts) > TOKENS_MAX:
        return 0, ErrorCode.INVALID_REQUEST
    amount_nano = price.cost_nano(*counts)
    if request.expires_at <= at:
        return amount_nano, ErrorCode.DEADLINE
    if account is None or amount_nano > account.free_nano:
        return amount_nano, ErrorCode.BUDGET_EXHAUSTED
    return amount_nano, None


def _is_first(amount_nano: int, account: Account | None) -> bool:
    """Return whether a refusal tells of an exhausted budget that nobody has heard of yet.

    A hold beyond the whole limit could never fit: its refusal says nothing about what is left.
    """
    return account is not None and not account.exhausted_nano and amount_nano <= account.limit_nano


# --- settlement ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hold:
    """A granted hold. `corrected` means that a settlement came after it had expired."""

    id: UUID
    request_id: UUID
    tenant: str
    app: str
    budget: str
    provider: str
    model: str
    held_nano: int
    price: Price
    state: HoldState = HoldState.PENDING
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What one provider call cost; None where no price is known, which is not zero."""

    attempt: Attempt
    cost_nano: int | None
    price_id: UUID | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The one end of a hold."""

    hold: Hold
    state: HoldState
    posted_nano: int = 0
    overage_nano: int = 0


class CorrectionReason(StrEnum):
    """Why a resolved hold needed another record."""

    LATE_SETTLEMENT = "late_settlement"
    SECOND_SETTLEMENT = "second_settlement"


@dataclass(frozen=True, slots=True)
class Correction:
    """A change to what a resolved hold has posted, never made in place."""

    hold: Hold
    posted_nano: int
    overage_nano: int
    reason: CorrectionReason


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one request's usage leads to; `charges` holds only calls that were never counted."""

    usage: UsageRecorded
    charges: tuple[Charge, ...]
    hold: Hold | None
    resolutions: tuple[Resolution, ...] = ()
    correction: Correction | None = None

    @property
    def cost_nano(self) -> int:
        return sum(charge.cost_nano or 0 for charge in self.charges)

    @property
    def overage_nano(self) -> int:
        resolved = sum(resolution.overage_nano for resolution in self.resolutions)
        return resolved + (self.correction.overage_nano if self.correction else 0)


@dataclass(slots=True)
class Books:
    """What settlements need to know, taken from the database under lock; `settle` updates it."""

    prices: PriceBook
    accounts: dict[str, Account] = field(default_factory=dict)
    holds: dict[UUID, dict[UUID, Hold]] = field(default_factory=dict)
    """By request and hold."""
    counted: set[UUID] = field(default_factory=set)
    """Provider calls that an earlier usage has already paid for."""

    def keep(self, hold: Hold) -> None:
        self.holds.setdefault(hold.request_id, {})[hold.id] = hold

    def of_request(self, request_id: UUID) -> list[Hold]:
        return list(self.holds.get(request_id, {}).values())

    def move(self, key: str, pending_nano: int, posted_nano: int, overage_nano: int) -> None:
        self.accounts[key] = self.accounts[key].moved(pending_nano, posted_nano, overage_nano)


def settle(usage: UsageRecorded, books: Books) -> Settlement:
    """Return what a request's usage costs and how its holds end, and note both in `books`.

    The hold it names is posted with the cost of all calls, or voided if there was none; any other
    hold that the request still has is voided. Usage without a hold is recorded and moves nothing.
    """
    hold = _settled_hold(usage, books)
    charges = tuple(
        _charge(attempt, hold, books.prices, usage.time)
        for attempt in usage.attempts
        if attempt.id not in books.counted
    )
    books.counted.update(charge.attempt.id for charge in charges)
    cost_nano = sum(charge.cost_nano or 0 for charge in charges)
    resolutions = [
        resolve(other, HoldState.VOIDED, 0, books)
        for other in books.of_request(usage.request_id)
        if other is not hold and other.state is HoldState.PENDING
    ]
    correction = None
    if hold is not None and hold.state is HoldState.PENDING:
        state = HoldState.POSTED if usage.attempts else HoldState.VOIDED
        resolutions.append(resolve(hold, state, cost_nano, books))
    elif hold is not None:
        correction = _correct(hold, cost_nano, books)
    return Settlement(usage, charges, hold, tuple(resolutions), correction)


def expire(hold: Hold, books: Books, *, usage_known: bool) -> Resolution:
    """Return how a hold ends that nobody settled in time, and note it in `books`.

    It is posted in full, since what its calls cost is unknown and unknown is a liability; unless
    the request's usage was recorded before the hold was granted: then all its calls are paid.
    """
    if usage_known:
        return resolve(hold, HoldState.VOIDED, 0, books)
    return resolve(hold, HoldState.EXPIRED, hold.held_nano, books)


def resolve(hold: Hold, state: HoldState, cost_nano: int, books: Books) -> Resolution:
    """Return the end of a pending hold; what exceeds it is overage, recorded beside it."""
    posted_nano = min(cost_nano, hold.held_nano)
    overage_nano = cost_nano - posted_nano
    books.keep(replace(hold, state=state))
    books.move(hold.budget, -hold.held_nano, posted_nano, overage_nano)
    return Resolution(hold, state, posted_nano, overage_nano)


def _correct(hold: Hold, cost_nano: int, books: Books) -> Correction | None:
    """Return the record that makes a resolved hold right again; None if it is right."""
    if hold.state is HoldState.EXPIRED and not hold.corrected:
        # It was posted in full; now its true cost is known.
        posted_nano = min(cost_nano, hold.held_nano) - hold.held_nano
        overage_nano = max(0, cost_nano - hold.held_nano)
        reason = CorrectionReason.LATE_SETTLEMENT
    elif cost_nano:
        posted_nano, overage_nano = 0, cost_nano
        reason = CorrectionReason.SECOND_SETTLEMENT
    else:
        return None
    books.keep(replace(hold, corrected=True))
    books.move(hold.budget, 0, posted_nano, overage_nano)
    return Correction(hold, posted_nano, overage_nano, reason)


def _settled_hold(usage: UsageRecorded, books: Books) -> Hold | None:
    """Return the hold that pays: the one named, else one that the request still has."""
    holds = books.of_request(usage.request_id)
    for hold in holds:
        if hold.id == usage.hold_id:
            return hold
    return next((hold for hold in holds if hold.state is HoldState.PENDING), None)


def _charge(attempt: Attempt, hold: Hold | None, prices: PriceBook, at: datetime) -> Charge:
    price = _price_of(attempt, hold, prices, at)
    if attempt.released:
        return Charge(attempt, 0, price.id if price else None)
    if attempt.outcome is AttemptOutcome.UNKNOWN:
        return Charge(attempt, hold.held_nano if hold else None, price.id if price else None)
    if price is None:
        return Charge(attempt, None, None)
    called = attempt.outcome is AttemptOutcome.ANSWERED
    used = attempt.input_tokens + attempt.output_tokens + attempt.characters
    if not called and not used:
        return Charge(attempt, 0, price.id)
    cost = price.cost_nano(attempt.input_tokens, attempt.output_tokens, attempt.characters)
    return Charge(attempt, cost, price.id)


def _price_of(attempt: Attempt, hold: Hold | None, prices: PriceBook, at: datetime) -> Price | None:
    """Return the price that was held for the model called, else the book's, else the hold's."""
    if hold is None:
        return prices.price(attempt.provider, attempt.model, at)
    if (attempt.provider, attempt.model) == (hold.provider, hold.model):
        return hold.price
    other = prices.price(attempt.provider, attempt.model, at)
    return other if other is not None and other.currency == hold.price.currency else hold.price
