"""Any order of holds, settlements, repeats and expiries leaves the books balanced."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from services.billing.domain import (
    Account,
    Books,
    Hold,
    PriceBook,
    Settlement,
    Wanted,
    decide,
    expire,
    settle,
)
from shared.contracts.billing import HoldRequest, HoldState
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import new_id
from tests.fixtures.ledger import LONG_AGO, call, hold_request, price_row, usage_of

NOW = LONG_AGO + timedelta(days=300)
LIMIT_NANO = 1_000
PRICE = price_row(input_token_nano=0, output_token_nano=1).price
KEYS = ("tenant/fjord/2026-10", "tenant/nordlys/2026-10")


@dataclass
class Kept:
    """What one hold has come to, kept beside the books by plain addition."""

    budget: str
    held_nano: int
    is_open: bool = True
    posted_nano: int = 0
    overage_nano: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """Two budgets, holds that compete for them, and everything that can happen to a hold."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(PriceBook(()), {key: Account(key, "EUR", LIMIT_NANO) for key in KEYS})
        self.kept: dict[object, Kept] = {}
        self.most_nano = dict.fromkeys(KEYS, LIMIT_NANO)
        """What each budget may come to at most: its limit, or what was used when it was lowered."""

    holds = Bundle("holds")
    usages = Bundle("usages")

    @rule(
        target=holds,
        asked=st.lists(
            st.tuples(st.sampled_from(KEYS), st.integers(0, LIMIT_NANO + 1)), min_size=1, max_size=6
        ),
    )
    def ask(self, asked: list[tuple[str, int]]) -> tuple[HoldRequest, ...]:
        wanted = [
            Wanted(hold_request(tokens, expires_at=NOW + timedelta(minutes=1)), key, PRICE)
            for key, tokens in asked
        ]
        free = {key: account.free_nano for key, account in self.books.accounts.items()}
        decided = decide(wanted, self.books.accounts, NOW)
        granted = []
        for answer in decided.answers:
            key, request = answer.wanted.budget, answer.wanted.request
            fits = answer.amount_nano <= free[key]
            assert (answer.code is None) == fits, "granted exactly if it fits, never made smaller"
            assert answer.amount_nano == request.output_tokens_max
            if fits:
                free[key] -= answer.amount_nano
                granted.append(request)
                self.kept[request.id] = Kept(key, answer.amount_nano)
                self.books.keep(_hold(request, key))
        self.books.accounts = dict(decided.accounts)
        return tuple(granted)

    @rule(key=st.sampled_from(KEYS), limit_nano=st.integers(0, 2 * LIMIT_NANO))
    def change_the_limit(self, key: str, limit_nano: int) -> None:
        account = self.books.accounts[key].limited(limit_nano)
        assert account.limit_nano == limit_nano
        self.books.accounts[key] = account
        self.most_nano[key] = max(limit_nano, account.pending_nano + account.posted_nano)

    @rule(
        target=usages,
        requests=consumes(holds),
        tokens=st.lists(st.integers(0, LIMIT_NANO), max_size=3),
        unknown=st.booleans(),
    )
    def settle_first(
        self, requests: tuple[HoldRequest, ...], tokens: list[int], *, unknown: bool
    ) -> tuple[UsageRecorded, ...]:
        calls = [call(count) for count in tokens]
        if unknown:
            calls.append(call(outcome=AttemptOutcome.UNKNOWN))
        usages = tuple(
            usage_of(request, *(one.model_copy(update={"id": new_id()}) for one in calls))
            for request in requests
        )
        for usage in usages:
            self._note(settle(usage, self.books))
        return usages

    @rule(usages=usages)
    def settle_again(self, usages: tuple[UsageRecorded, ...]) -> None:
        for usage in usages:
            again = settle(usage, self.books)
            assert again.cost_nano == 0, "each call is counted once"
            self._note(again)

    @rule(usages=usages, tokens=st.integers(1, LIMIT_NANO))
    def settle_with_another_call(self, usages: tuple[UsageRecorded, ...], tokens: int) -> None:
        for usage in usages:
            more = usage.model_copy(update={"id": new_id(), "attempts": (call(tokens),)})
            settlement = settle(more, self.books)
            assert settlement.cost_nano == tokens
            self._note(settlement)

    @rule(target=holds, requests=consumes(holds), usage_known=st.booleans())
    def let_expire(
        self, requests: tuple[HoldRequest, ...], *, usage_known: bool
    ) -> tuple[HoldRequest, ...]:
        for request in requests:
            hold = self.books.holds[request.request_id][request.id]
            if hold.state is HoldState.PENDING:
                end = expire(hold, self.books, usage_known=usage_known)
                kept = self.kept[hold.id]
                kept.is_open, kept.posted_nano = False, end.posted_nano
                assert end.posted_nano == (0 if usage_known else hold.held_nano)
        return requests

    def _note(self, settlement: Settlement) -> None:
        for end in settlement.resolutions:
            kept = self.kept[end.hold.id]
            assert kept.is_open, "a hold ends once"
            kept.is_open = False
            kept.posted_nano += end.posted_nano
            kept.overage_nano += end.overage_nano
        if (made := settlement.correction) is not None:
            kept = self.kept[made.hold.id]
            assert not kept.is_open, "only what has ended is corrected"
            kept.posted_nano += made.posted_nano
            kept.overage_nano += made.overage_nano
            assert 0 <= kept.posted_nano <= kept.held_nano

    @invariant()
    def no_budget_is_overspent(self) -> None:
        for key, account in self.books.accounts.items():
            used_nano = account.pending_nano + account.posted_nano
            assert used_nano <= self.most_nano[key]
            # What was given back under a lowered limit is not lent out again.
            self.most_nano[key] = max(account.limit_nano, min(self.most_nano[key], used_nano))

    @invariant()
    def balances_are_the_sums_of_the_records(self) -> None:
        for key, account in self.books.accounts.items():
            mine = [kept for kept in self.kept.values() if kept.budget == key]
            assert account.pending_nano == sum(one.held_nano for one in mine if one.is_open)
            assert account.posted_nano == sum(one.posted_nano for one in mine)
            assert account.overage_nano == sum(one.overage_nano for one in mine)


def _hold(request: HoldRequest, key: str) -> Hold:
    return Hold(
        id=request.id,
        request_id=request.request_id,
        tenant=request.tenant,
        app=request.app,
        budget=key,
        provider=request.provider,
        model=request.model,
        held_nano=request.output_tokens_max,
        price=PRICE,
    )


TestLedger = LedgerMachine.TestCase
