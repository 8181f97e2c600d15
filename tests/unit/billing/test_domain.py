"""What billing decides, on amounts small enough to add up by hand."""

from datetime import timedelta

import pytest

from services.billing.domain import (
    Account,
    Books,
    CorrectionReason,
    Decided,
    Hold,
    PriceBook,
    PriceRow,
    Wanted,
    decide,
    expire,
    settle,
)
from shared.contracts.billing import HoldRequest, HoldState
from shared.contracts.errors import ErrorCode
from shared.contracts.usage import AttemptOutcome
from shared.contracts.values import new_id
from tests.fixtures.ledger import LONG_AGO, call, hold_request, price_row, usage_of

NOW = LONG_AGO + timedelta(days=300)
KEY = "tenant/default/2026-10"
TEN_A_TOKEN = price_row(input_token_nano=1, output_token_nano=10)


def wanted(output_tokens_max: int = 10, **changes: object) -> Wanted:
    request = hold_request(output_tokens_max, expires_at=NOW + timedelta(minutes=3), **changes)
    return Wanted(request, KEY, TEN_A_TOKEN.price)


def one(limit_nano: int, **changes: int) -> dict[str, Account]:
    return {KEY: Account(KEY, "EUR", limit_nano, **changes)}


def codes(decided: Decided) -> list[ErrorCode | None]:
    return [answer.code for answer in decided.answers]


def held(request: HoldRequest, amount_nano: int, **changes: object) -> Hold:
    return Hold(
        **{  # type: ignore[arg-type]
            "id": request.id,
            "request_id": request.request_id,
            "tenant": request.tenant,
            "app": request.app,
            "budget": KEY,
            "provider": request.provider,
            "model": request.model,
            "held_nano": amount_nano,
            "price": TEN_A_TOKEN.price,
            **changes,
        }
    )


def books(*holds: Hold, prices: tuple[PriceRow, ...] = (), posted_nano: int = 0) -> Books:
    pending_nano = sum(hold.held_nano for hold in holds if hold.state is HoldState.PENDING)
    kept = Books(PriceBook(prices), one(10_000, pending_nano=pending_nano, posted_nano=posted_nano))
    for hold in holds:
        kept.keep(hold)
    return kept


def balances(kept: Books) -> tuple[int, int, int]:
    account = kept.accounts[KEY]
    return account.pending_nano, account.posted_nano, account.overage_nano


# --- holds -----------------------------------------------------------------------------


def test_a_hold_is_the_worst_case_of_the_price() -> None:
    decided = decide([wanted(10, input_tokens_max=7)], one(1_000), NOW)
    assert [answer.amount_nano for answer in decided.answers] == [107]
    assert decided.accounts[KEY].pending_nano == 107


def test_holds_are_decided_in_order_of_arrival_and_a_smaller_one_may_still_fit() -> None:
    decided = decide([wanted(6), wanted(6), wanted(4)], one(100), NOW)
    assert codes(decided) == [None, ErrorCode.BUDGET_EXHAUSTED, None]
    assert decided.accounts[KEY].pending_nano == 100


def test_a_hold_that_does_not_fit_is_refused_and_never_made_smaller() -> None:
    decided = decide([wanted(11)], one(100), NOW)
    assert codes(decided) == [ErrorCode.BUDGET_EXHAUSTED]
    assert decided.accounts[KEY].pending_nano == 0


def test_what_is_spent_beyond_holds_leaves_less_room_for_new_ones() -> None:
    decided = decide([wanted(5), wanted(5)], one(100, overage_nano=50), NOW)
    assert codes(decided) == [None, ErrorCode.BUDGET_EXHAUSTED]


def test_no_price_means_no_hold_also_when_the_account_is_full_of_money() -> None:
    unpriced = Wanted(wanted().request, KEY, None)
    assert codes(decide([unpriced], one(10**18), NOW)) == [ErrorCode.NO_CAPABLE_MODEL]


def test_a_price_in_another_currency_is_not_held_since_no_rate_is_known() -> None:
    dollars = Wanted(wanted().request, KEY, price_row(currency="USD").price)
    assert codes(decide([dollars], one(10**18), NOW)) == [ErrorCode.NO_CAPABLE_MODEL]


def test_a_hold_whose_time_is_over_is_not_granted() -> None:
    late = Wanted(hold_request(expires_at=NOW), KEY, TEN_A_TOKEN.price)
    assert codes(decide([late], one(10**18), NOW)) == [ErrorCode.DEADLINE]


def test_no_account_means_no_hold() -> None:
    assert codes(decide([wanted()], {}, NOW)) == [ErrorCode.BUDGET_EXHAUSTED]


def test_a_model_that_costs_nothing_is_held_on_an_empty_budget() -> None:
    free = Wanted(wanted().request, KEY, price_row(input_token_nano=0, output_token_nano=0).price)
    assert codes(decide([free], one(0), NOW)) == [None]


@pytest.mark.parametrize(("released_nano", "has_room"), [(1, False), (4, False), (5, True)])
def test_a_budget_has_room_again_when_a_twentieth_of_it_is_free(
    released_nano: int, *, has_room: bool
) -> None:
    coin = wanted(0, input_tokens_max=1)
    accounts = decide([wanted(10), coin], one(100), NOW).accounts
    freed = accounts[KEY].moved(-released_nano)
    assert (freed.exhausted_nano == 0) == has_room


def test_a_budget_has_no_room_again_before_what_it_refused_would_fit() -> None:
    accounts = decide([wanted(10), wanted(3)], one(100), NOW).accounts
    assert accounts[KEY].moved(-29).exhausted_nano == 30
    again = decide([wanted(3)], {KEY: accounts[KEY].moved(-29)}, NOW)
    assert [answer.reported for answer in again.answers] == [None]
    assert accounts[KEY].moved(-30).exhausted_nano == 0


def test_a_budget_that_had_room_again_reports_again() -> None:
    accounts = decide([wanted(10), wanted(1)], one(100), NOW).accounts
    freed = accounts[KEY].moved(-20)
    assert freed.exhausted_nano == 0
    again = decide([wanted(2), wanted(1)], {KEY: freed}, NOW)
    reported = again.answers[1].reported
    assert reported is not None
    assert reported.used_nano == 100


def test_a_hold_beyond_the_whole_limit_does_not_report_the_budget_exhausted() -> None:
    decided = decide([wanted(11)], one(100), NOW)
    assert [answer.reported for answer in decided.answers] == [None]
    assert decided.accounts[KEY].exhausted_nano == 0


# --- prices ----------------------------------------------------------------------------


def test_the_price_of_a_day_is_the_last_one_valid_by_then() -> None:
    old = price_row(output_token_nano=1)
    new = price_row(output_token_nano=2, valid_from=NOW)
    book = PriceBook([new, old])
    assert book.price("local", "swift", NOW - timedelta(seconds=1)) == old.price
    assert book.price("local", "swift", NOW) == new.price
    assert book.price("local", "swift", LONG_AGO - timedelta(days=1)) is None
    assert book.price("elsewhere", "swift", NOW) is None


def test_of_two_prices_from_one_day_the_later_entered_counts() -> None:
    first, second = price_row(output_token_nano=1), price_row(output_token_nano=2)
    assert PriceBook([first, second]).price("local", "swift", NOW) == second.price


# --- settlement ------------------------------------------------------------------------


def test_a_settlement_posts_what_was_used_and_frees_the_rest() -> None:
    request = hold_request()
    kept = books(held(request, 1_000))
    settlement = settle(usage_of(request, call(30, input_tokens=5)), kept)
    assert settlement.cost_nano == 305
    assert [(end.state, end.posted_nano) for end in settlement.resolutions] == [
        (HoldState.POSTED, 305)
    ]
    assert balances(kept) == (0, 305, 0)


def test_usage_beyond_the_hold_is_recorded_beside_it_never_silently() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    settlement = settle(usage_of(request, call(30)), kept)
    assert (settlement.cost_nano, settlement.overage_nano) == (300, 200)
    assert balances(kept) == (0, 100, 200)


def test_a_request_that_called_nobody_voids_its_hold() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    settlement = settle(usage_of(request), kept)
    assert [end.state for end in settlement.resolutions] == [HoldState.VOIDED]
    assert balances(kept) == (0, 0, 0)


def test_a_call_of_unknown_outcome_is_charged_what_was_held() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    unknown = call(outcome=AttemptOutcome.UNKNOWN)
    settlement = settle(usage_of(request, unknown, call(3)), kept)
    assert [charge.cost_nano for charge in settlement.charges] == [100, 30]
    assert balances(kept) == (0, 100, 30)


def test_a_failed_call_costs_its_tokens_and_no_fee_for_the_request() -> None:
    fee = price_row(input_token_nano=1, output_token_nano=10, request_nano=5)
    request = hold_request()
    kept = books(held(request, 100, price=fee.price))
    silent = call(outcome=AttemptOutcome.FAILED)
    broken = call(2, outcome=AttemptOutcome.CANCELLED)
    settlement = settle(usage_of(request, silent, broken), kept)
    assert [charge.cost_nano for charge in settlement.charges] == [0, 25]


def test_a_translation_is_held_and_charged_by_its_characters_to_the_nano() -> None:
    by_character = price_row(input_token_nano=0, output_token_nano=0, character_nano=7)
    asked = wanted(0, characters_max=1_003).request
    [answer] = decide([Wanted(asked, KEY, by_character.price)], one(10_000), NOW).answers
    assert (answer.amount_nano, answer.code) == (7_021, None)
    kept = books(held(asked, answer.amount_nano, price=by_character.price))
    settlement = settle(usage_of(asked, call(characters=997)), kept)
    assert settlement.cost_nano == 6_979
    assert balances(kept) == (0, 6_979, 0)


def test_more_characters_than_anybody_translates_are_no_hold() -> None:
    asked = wanted(0, characters_max=1_000_000_001)
    assert codes(decide([asked], one(10_000), NOW)) == [ErrorCode.INVALID_REQUEST]


def test_a_released_call_of_unknown_outcome_costs_nothing() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    released = call(outcome=AttemptOutcome.UNKNOWN, released=True)
    settlement = settle(usage_of(request, released, call(3)), kept)
    assert [charge.cost_nano for charge in settlement.charges] == [0, 30]
    assert balances(kept) == (0, 30, 0)


def test_a_fallback_is_charged_at_the_price_of_the_model_that_answered() -> None:
    dear = price_row(model="dear", output_token_nano=20)
    request = hold_request()
    kept = books(held(request, 1_000), prices=(dear,))
    failed = call(outcome=AttemptOutcome.FAILED)
    settlement = settle(usage_of(request, failed, call(3, model="dear")), kept)
    assert [charge.cost_nano for charge in settlement.charges] == [0, 60]
    assert settlement.charges[1].price_id == dear.price.id


def test_a_fallback_without_a_price_of_its_own_is_charged_at_the_held_price() -> None:
    request = hold_request()
    settlement = settle(usage_of(request, call(3, model="new")), books(held(request, 1_000)))
    assert settlement.cost_nano == 30


def test_other_holds_of_the_request_are_voided() -> None:
    request = hold_request()
    other = hold_request(request_id=request.request_id)
    kept = books(held(request, 100), held(other, 500))
    settlement = settle(usage_of(request, call(3)), kept)
    assert {end.hold.id: end.state for end in settlement.resolutions} == {
        other.id: HoldState.VOIDED,
        request.id: HoldState.POSTED,
    }
    assert balances(kept) == (0, 30, 0)


def test_a_hold_whose_answer_never_reached_the_router_is_voided_with_its_request() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    settlement = settle(usage_of(request, hold_id=None), kept)
    assert [end.state for end in settlement.resolutions] == [HoldState.VOIDED]
    assert balances(kept) == (0, 0, 0)


def test_the_hold_of_another_request_cannot_be_spent() -> None:
    victim, thief = hold_request(), hold_request()
    kept = books(held(victim, 100))
    settlement = settle(usage_of(thief, call(3), hold_id=victim.id), kept)
    assert settlement.hold is None
    assert balances(kept) == (100, 0, 0)


def test_usage_settled_twice_moves_nothing_the_second_time() -> None:
    request = hold_request()
    kept = books(held(request, 1_000))
    usage = usage_of(request, call(3))
    settle(usage, kept)
    again = settle(usage, kept)
    assert (again.charges, again.resolutions, again.correction) == ((), (), None)
    assert balances(kept) == (0, 30, 0)


def test_new_calls_on_a_settled_hold_are_charged_as_a_correction() -> None:
    request = hold_request()
    kept = books(held(request, 1_000))
    settle(usage_of(request, call(3)), kept)
    second = settle(usage_of(request, call(4)), kept)
    assert second.correction is not None
    assert second.correction.reason is CorrectionReason.SECOND_SETTLEMENT
    assert balances(kept) == (0, 30, 40)


def test_usage_without_a_hold_or_a_price_costs_an_unknown_amount_not_nothing() -> None:
    request = hold_request()
    settlement = settle(usage_of(request, call(3), hold_id=None), books())
    assert [charge.cost_nano for charge in settlement.charges] == [None]


# --- expiry ----------------------------------------------------------------------------


def test_an_expired_hold_is_posted_in_full() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    end = expire(held(request, 100), kept, usage_known=False)
    assert (end.state, end.posted_nano) == (HoldState.EXPIRED, 100)
    assert balances(kept) == (0, 100, 0)


def test_a_hold_granted_after_its_request_had_ended_is_voided() -> None:
    request = hold_request()
    kept = books(held(request, 100))
    assert expire(held(request, 100), kept, usage_known=True).state is HoldState.VOIDED
    assert balances(kept) == (0, 0, 0)


@pytest.mark.parametrize(
    ("tokens", "posted_nano", "overage_nano"), [(3, 30, 0), (10, 100, 0), (12, 100, 20)]
)
def test_a_late_settlement_corrects_the_expired_hold_to_its_true_cost(
    tokens: int, posted_nano: int, overage_nano: int
) -> None:
    request = hold_request()
    kept = books(held(request, 100, state=HoldState.EXPIRED), posted_nano=100)
    settlement = settle(usage_of(request, call(tokens)), kept)
    assert settlement.correction is not None
    assert settlement.correction.reason is CorrectionReason.LATE_SETTLEMENT
    assert balances(kept) == (0, posted_nano, overage_nano)


def test_a_late_refusal_gives_back_all_of_an_expired_hold() -> None:
    request = hold_request()
    kept = books(held(request, 100, state=HoldState.EXPIRED), posted_nano=100)
    settle(usage_of(request), kept)
    assert balances(kept) == (0, 0, 0)


def test_a_call_is_counted_once_whichever_usage_names_it() -> None:
    request = hold_request()
    kept = books(held(request, 1_000))
    made = call(3, id=new_id())
    settle(usage_of(request, made), kept)
    second = settle(usage_of(request, made, call(4)), kept)
    assert second.cost_nano == 40
