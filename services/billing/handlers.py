"""Hold requests and usage in; answers, charges and what others must know of them out."""

import logging
from collections.abc import Iterable, Mapping, Sequence
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
from services.billing.settings import budgets_in, prices_in
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
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, encode
from shared.contracts.stated import BudgetsDocument, Names
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import derived_id, now
from shared.db import Database, OutboxMessage, Transaction, put_in_outbox

_log = logging.getLogger(__name__)

SERVICE: Final = "billing"
UNVERSIONED: Final = "0"
"""Stands for the folder's files, until a version of the configuration is in force."""
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
        self._config_version = UNVERSIONED

    async def open(self) -> None:
        """Enter the folder's prices and budgets if no version of the configuration is in force.

        Nothing that exists is changed: a folder may be older than what was in force here before.
        """
        if self._config_version != UNVERSIONED:
            return
        stated = [self._account(tenant, now()) for tenant in ("default", *self._plan.tenants)]
        async with self._database.transaction() as tx:
            self._prices = await _entered(tx, self._stated)
            await store.open_accounts(tx, stated)
            accounts = await store.lock_accounts(tx, {account.key for account in stated})
        for account in stated:
            if accounts[account.key].limit_nano != account.limit_nano:
                facts = {"budget": account.key, "kept_nano": accounts[account.key].limit_nano}
                _log.warning("the folder's limit does not count", extra={"facts": facts})

    async def configured(self, version: ConfigurationVersion) -> None:
        """Charge and hold by another version from now on, in this period too.

        A limit that is lower than what is used refuses new holds and takes nothing back. Raises
        `ConfigError` if the version cannot be used here; then nothing changes.
        """
        plan = budgets_in(version.documents[Document.BUDGETS], Names())
        stated = prices_in(version.documents[Document.MODELS], plan.currency, Document.MODELS)
        at = now()
        opened = [_account_under(plan, tenant, at) for tenant in ("default", *plan.tenants)]
        async with self._database.transaction() as tx:
            prices = await _entered(tx, stated)
            await store.open_accounts(tx, opened)
            accounts = await store.lock_period(tx, period_of(at))
            changed = list(_limited(accounts, plan))
            await store.set_limits(tx, changed)
        self._plan, self._prices, self._config_version = plan, prices, version.version
        for account in changed:
            facts = {"budget": account.key, "limit_nano": account.limit_nano}
            _log.info("limit changed", extra={"facts": facts})

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
        # A price may be a second away: a version may reach the router before it comes here. So who
        # asks again is judged again, and nothing stands written that could be wrong by then.
        final = [one for one in decided.answers if one.code is not ErrorCode.NO_CAPABLE_MODEL]
        await store.write_answers(tx, final, decided.accounts)
        replies |= {answer.wanted.request.id: _reply(answer) for answer in decided.answers}
        for answer in decided.answers:
            HOLDS.labels(answer.code.value if answer.code else "granted").inc()
        return Answered(
            replies=[replies[command.id] for command in commands],
            events=[
                event
                for answer in decided.answers
                for event in _events_of(answer, self._config_version)
            ],
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
        settled = [_settled(end, self._config_version) for end in ends]
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
        return _account_under(self._plan, tenant, at)


async def _entered(tx: Transaction, stated: Sequence[PriceRow]) -> PriceBook:
    """Return the price book with the lines that it lacked; say where it knows better."""
    await store.add_prices(tx, stated)
    prices = await store.read_prices(tx)
    at = now()
    for row in stated:
        if row.valid_from <= at and prices.price(row.provider, row.model, at) != row.price:
            # Going back to an earlier price is a new line too: it needs a first day of its own.
            facts = {"model": row.model, "price_id": str(row.price.id)}
            _log.warning("a later price counts", extra={"facts": facts})
    return prices


def _account_under(plan: BudgetsDocument, tenant: str, at: datetime) -> NewAccount:
    key, limit_nano = budget_key(tenant, at), plan.limit_nano(tenant)
    return NewAccount(key, tenant, period_of(at), plan.currency, limit_nano)


def _limited(accounts: Mapping[str, Account], plan: BudgetsDocument) -> Iterable[Account]:
    """Yield the accounts whose limit a plan changes, as they are then."""
    for tenant, account in accounts.items():
        if account.currency != plan.currency:
            # No rate is known: it stays as it is until a new period opens in the new currency.
            facts = {"budget": account.key, "currency": account.currency}
            _log.warning("a budget keeps its currency", extra={"facts": facts})
        elif account.limit_nano != plan.limit_nano(tenant):
            yield account.limited(plan.limit_nano(tenant))


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


def _events_of(answer: Answer, config_version: str) -> Iterable[Event]:
    request, price = answer.wanted.request, answer.wanted.price
    if answer.code is None and price is not None:
        yield HoldGranted(
            id=derived_id(request.id, HoldGranted.kind),
            tenant=request.tenant,
            app=request.app,
            request_id=request.request_id,
            config_version=config_version,
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
            yield _settled(resolution, usage.config_version, usage)
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


def _settled(
    end: Resolution, config_version: str, usage: UsageRecorded | None = None
) -> HoldSettled:
    hold = end.hold
    return HoldSettled(
        # A hold ends once, so its own id names that end for ever.
        id=derived_id(hold.id, HoldSettled.kind),
        tenant=hold.tenant,
        app=hold.app,
        request_id=hold.request_id,
        config_version=config_version,
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
