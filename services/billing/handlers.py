"""Hold requests and usage in; answers, charges and what others must know of them out."""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from services.billing import store
from services.billing.domain import (
    Account,
    Answer,
    PriceBook,
    PriceRow,
    Resolution,
    Settlement,
    Wanted,
    decide,
    expire,
    settle,
)
from services.billing.store import NewAccount
from shared.bus import Answered, Transient
from shared.contracts.billing import (
    BudgetExhausted,
    HoldGranted,
    HoldReply,
    HoldRequest,
    HoldSettled,
    HoldState,
    UsagePriced,
)
from shared.contracts.catalog import subject_of
from shared.contracts.event import Event, encode
from shared.contracts.stated import BudgetsDocument
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import derived_id, now
from shared.db import Database, OutboxMessage, Transaction, put_in_outbox

_log = logging.getLogger(__name__)

SERVICE: Final = "billing"
EXPIRED_MAX: Final = 256
"""Holds that one transaction of the sweep ends; the rest waits for the next transaction."""

HOLDS: Final = Counter(
    "stellwerk_billing_holds_total",
    "Holds by answer. Rising budget_exhausted: raise the limit or ask who spends.",
    ["answer"],
)
EXPIRED: Final = Counter(
    "stellwerk_billing_holds_expired_total",
    "Holds posted in full because no usage came. Look for routers that died or lost the bus.",
)
OVERAGE_NANO: Final = Counter(
    "stellwerk_billing_overage_nano_total",
    "Nano-units that calls cost beyond their holds. Look for a provider that ignores max_tokens.",
)
UNPRICED: Final = Counter(
    "stellwerk_billing_calls_unpriced_total",
    "Provider calls without a price; their cost is unknown. Add the model to models.yaml.",
)
DISAGREEMENTS: Final = Counter(
    "stellwerk_billing_cost_disagreements_total",
    "Requests whose router computed another cost. Billing's counts; report it as a bug.",
)


class Billing:
    """The desk: knows the price book and the plan, keeps everything else in the database."""

    def __init__(
        self, database: Database, plan: BudgetsDocument, prices: Sequence[PriceRow]
    ) -> None:
        """Remember what the files say; `open` enters it into the ledger."""
        self._database = database
        self._plan = plan
        self._stated = prices
        self._prices = PriceBook(())
        self._opened: set[str] = set()

    async def open(self) -> None:
        """Enter new prices and the budgets of this period; nothing that exists is changed."""
        stated = [self._account(tenant, now()) for tenant in ("default", *self._plan.tenants)]
        async with self._database.transaction() as tx:
            await store.add_prices(tx, self._stated)
            self._prices = await store.read_prices(tx)
            await store.open_accounts(tx, stated)
            accounts = await store.lock_accounts(tx, {account.key for account in stated})
        for account in stated:
            if accounts[account.key].limit_nano != account.limit_nano:
                facts = {"budget": account.key, "kept_nano": accounts[account.key].limit_nano}
                _log.warning("changed limit waits for the next period", extra={"facts": facts})

    async def hold_requested(self, commands: Sequence[HoldRequest], tx: Transaction) -> Answered:
        """Answer each hold's id as it was answered before, or decide it now in order of arrival."""
        at = now()
        wanted = [self._wanted(command, at) for command in commands]
        accounts = await self._locked({item.budget: item for item in wanted}, at, tx)
        replies = await store.read_answers(tx, [command.id for command in commands])
        fresh: dict[UUID, Wanted] = {}
        for item in wanted:
            if item.request.id not in replies:
                fresh.setdefault(item.request.id, item)
        decided = decide(list(fresh.values()), accounts, at)
        await store.write_answers(tx, decided.answers, decided.accounts)
        replies |= {answer.wanted.request.id: _reply(answer) for answer in decided.answers}
        for answer in decided.answers:
            HOLDS.labels(answer.code.value if answer.code else "granted").inc()
        return Answered(
            replies=[replies[command.id] for command in commands],
            events=[event for answer in decided.answers for event in _events_of(answer)],
        )

    async def usage_recorded(
        self, events: Sequence[UsageRecorded], tx: Transaction
    ) -> Sequence[Event]:
        """Charge each request for its provider calls and end its holds."""
        books = await store.claim_for(tx, events, self._prices)
        settlements = [settle(event, books) for event in events]
        await store.write_settlements(tx, settlements, books, self._plan.currency)
        for settlement in settlements:
            _report(settlement)
        return [event for settlement in settlements for event in _effects_of(settlement)]

    async def expire_holds(self) -> Sequence[Event]:
        """End holds whose time is over; the events go through the outbox with them."""
        ended = EXPIRED_MAX
        while ended == EXPIRED_MAX:
            async with self._database.transaction() as tx:
                ended = await self._expire_some(tx)
        return ()

    async def _expire_some(self, tx: Transaction) -> int:
        books, known = await store.claim_expired(tx, now(), EXPIRED_MAX, self._prices)
        due = [hold for of_request in books.holds.values() for hold in of_request.values()]
        if not due:
            return 0
        ends = [expire(hold, books, usage_known=hold.request_id in known) for hold in due]
        await store.write_expiries(tx, ends, books)
        settled = [_settled(end) for end in ends]
        await put_in_outbox(
            tx, [OutboxMessage(e.id, subject_of(e), encode(e, SERVICE)) for e in settled]
        )
        EXPIRED.inc(sum(end.state is HoldState.EXPIRED for end in ends))
        _log.warning("holds expired", extra={"facts": {"holds": len(ends)}})
        return len(ends)

    def _wanted(self, request: HoldRequest, at: datetime) -> Wanted:
        price = self._prices.price(request.provider, request.model, at)
        return Wanted(request, budget_key(request.tenant, at), price)

    async def _locked(
        self, wanted: dict[str, Wanted], at: datetime, tx: Transaction
    ) -> dict[str, Account]:
        """Return the accounts, opened if this is their first hold of the period, and locked."""
        new = [
            self._account(wanted[key].request.tenant, at) for key in wanted.keys() - self._opened
        ]
        if new:
            # Before any lock is taken: whoever waits for a new account here holds no other.
            await store.open_accounts(tx, new)
        accounts = await store.lock_accounts(tx, wanted)
        if len(accounts) < len(wanted):
            self._opened.clear()
            raise Transient("an account was opened by a transaction that failed", delay_s=0)
        self._opened.update(accounts)
        return accounts

    def _account(self, tenant: str, at: datetime) -> NewAccount:
        limit_nano = self._plan.limit_nano(tenant)
        return NewAccount(
            budget_key(tenant, at), tenant, period_of(at), self._plan.currency, limit_nano
        )


def period_of(at: datetime) -> str:
    """Return the month that a moment belongs to, in UTC: `2026-11`."""
    return f"{at.astimezone(UTC):%Y-%m}"


def budget_key(tenant: str, at: datetime) -> str:
    """Return the account that a tenant spends from; a new period is a new account."""
    return f"tenant/{tenant}/{period_of(at)}"


def _reply(answer: Answer) -> HoldReply:
    request = answer.wanted.request
    if answer.code is not None:
        return HoldReply(id=request.id, code=answer.code)
    return HoldReply(id=request.id, held_nano=answer.amount_nano, price=answer.wanted.price)


def _events_of(answer: Answer) -> Iterable[Event]:
    request, price = answer.wanted.request, answer.wanted.price
    if answer.code is None and price is not None:
        yield HoldGranted(
            id=derived_id(request.id, HoldGranted.kind),
            tenant=request.tenant,
            app=request.app,
            request_id=request.request_id,
            cause=request.id,
            hold_id=request.id,
            budget=answer.wanted.budget,
            held_nano=answer.amount_nano,
            currency=price.currency,
            price_id=price.id,
        )
    if (account := answer.reported) is not None:
        yield BudgetExhausted(
            id=derived_id(request.id, BudgetExhausted.kind),
            tenant=request.tenant,
            app=request.app,
            cause=request.id,
            budget=account.key,
            limit_nano=account.limit_nano,
            used_nano=account.used_nano,
            currency=account.currency,
        )


def _effects_of(settlement: Settlement) -> Iterable[Event]:
    usage, hold = settlement.usage, settlement.hold
    for resolution in settlement.resolutions:
        if resolution.state is HoldState.VOIDED:
            yield _settled(resolution, usage)
    posted = any(end.state is HoldState.POSTED for end in settlement.resolutions)
    if hold is not None and (posted or settlement.correction is not None):
        yield UsagePriced.following(
            usage,
            hold_id=hold.id,
            budget=hold.budget,
            model=usage.model,
            provider=usage.provider,
            cost_nano=settlement.cost_nano,
            held_nano=hold.held_nano,
            overage_nano=settlement.overage_nano,
            currency=hold.price.currency,
            price_id=hold.price.id,
        )


def _settled(end: Resolution, usage: UsageRecorded | None = None) -> HoldSettled:
    hold = end.hold
    return HoldSettled(
        # A hold ends once, so its own id names that end for ever.
        id=derived_id(hold.id, HoldSettled.kind),
        tenant=hold.tenant,
        app=hold.app,
        request_id=hold.request_id,
        cause=usage.id if usage else hold.id,
        hold_id=hold.id,
        state=end.state,
        posted_nano=end.posted_nano,
        currency=hold.price.currency,
    )


def _report(settlement: Settlement) -> None:
    """Count and log what a person should look at."""
    usage = settlement.usage
    facts: dict[str, object] = {"request_id": str(usage.request_id)}
    unpriced = sum(charge.cost_nano is None for charge in settlement.charges)
    if unpriced:
        UNPRICED.inc(unpriced)
        _log.warning("calls without a price", extra={"facts": facts | {"calls": unpriced}})
    if settlement.overage_nano:
        OVERAGE_NANO.inc(settlement.overage_nano)
        over = {"overage_nano": settlement.overage_nano}
        _log.warning("cost beyond the hold", extra={"facts": facts | over})
    if settlement.correction is not None:
        reason = {"reason": settlement.correction.reason.value}
        _log.warning("hold corrected", extra={"facts": facts | reason})
    known = all(
        charge.attempt.outcome is not AttemptOutcome.UNKNOWN for charge in settlement.charges
    )
    whole = len(settlement.charges) == len(usage.attempts)
    if known and whole and settlement.cost_nano != usage.cost_nano:
        DISAGREEMENTS.inc()
        costs = {"billed_nano": settlement.cost_nano, "routed_nano": usage.cost_nano}
        _log.warning("costs disagree", extra={"facts": facts | costs})
