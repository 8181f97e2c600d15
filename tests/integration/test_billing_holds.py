"""Holds on a real PostgreSQL: none too many, each answered once, whoever asks how often."""

import asyncio
import random
from collections import Counter
from datetime import timedelta

from services.router.commits import GroupCommit
from shared.contracts.billing import BudgetExhausted, HoldGranted, HoldReply
from shared.contracts.errors import ErrorCode
from shared.contracts.values import now
from tests.fixtures.ledger import Ledger, MakeLedger, call, hold_request, price_row, usage_of

CENT = 10_000_000
"""Nano-units in a cent, and the worst case of one request at the price `cent`."""
CENTS = price_row(model="cent", input_token_nano=0, output_token_nano=0, request_nano=CENT)


def granted(replies: list[HoldReply]) -> list[HoldReply]:
    return [reply for reply in replies if reply.code is None]


async def test_two_thousand_concurrent_holds_take_exactly_what_the_budget_has(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("7.77", CENTS)
    group = GroupCommit(ledger.schema.database, ledger.answer)
    requests = [hold_request(model="cent") for _ in range(2_000)]

    replies = await asyncio.gather(*(group.submit(request) for request in requests))

    assert [reply.id for reply in replies] == [request.id for request in requests]
    assert len(granted(replies)) == 777
    assert await ledger.balances() == (777 * CENT, 0, 0) == await ledger.rebuilt()
    assert await ledger.value("SELECT count(*) FROM billing.refusal") == 2_000 - 777


async def test_two_replicas_of_billing_never_overspend_one_budget_together(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("5.00", CENTS)
    groups = [GroupCommit(ledger.schema.database, ledger.answer) for _ in range(2)]
    requests = [hold_request(model="cent") for _ in range(800)]

    replies = await asyncio.gather(
        *(groups[number % 2].submit(request) for number, request in enumerate(requests))
    )

    assert len(granted(replies)) == 500
    assert await ledger.balances() == (500 * CENT, 0, 0) == await ledger.rebuilt()


async def test_a_budget_is_used_again_as_far_as_settlements_free_it(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("1.00")
    group = GroupCommit(ledger.schema.database, ledger.answer)
    chance = random.Random(7)
    spent = 0

    async def one() -> None:
        nonlocal spent
        request = hold_request(output_tokens_max=2_000_000)
        if (await group.submit(request)).code is None:
            tokens = chance.randrange(2_000_000)
            spent += tokens * 36
            await ledger.record(usage_of(request, call(tokens)))

    await asyncio.gather(*(one() for _ in range(120)))

    assert await ledger.balances() == (0, spent, 0) == await ledger.rebuilt()


async def test_asking_again_with_the_same_id_gets_the_same_answer_and_holds_nothing_more(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("0.01", CENTS)
    first, second = hold_request(model="cent"), hold_request(model="cent")

    [yes, no], _ = await ledger.ask(first, second)
    again, events = await ledger.ask(second, first)

    assert yes.code is None
    assert no.code is ErrorCode.BUDGET_EXHAUSTED
    assert list(again) == [no, yes]
    assert events == []
    assert await ledger.balances() == (CENT, 0, 0)


async def test_an_answer_stays_when_the_budget_has_room_again(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.01", CENTS)
    first, second = hold_request(model="cent"), hold_request(model="cent")
    await ledger.ask(first, second)
    await ledger.record(usage_of(first))

    [again], _ = await ledger.ask(second)

    assert again.code is ErrorCode.BUDGET_EXHAUSTED
    assert await ledger.balances() == (0, 0, 0)


async def test_one_id_twice_in_one_batch_is_one_hold(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.02", CENTS)
    twice, other = hold_request(model="cent"), hold_request(model="cent")

    replies, events = await ledger.ask(twice, other, twice)

    assert [reply.code for reply in replies] == [None, None, None]
    assert replies[0] == replies[2]
    assert [type(event) for event in events] == [HoldGranted, HoldGranted]
    assert await ledger.balances() == (2 * CENT, 0, 0)


async def test_one_id_asked_by_many_at_once_is_one_hold(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("1.00", CENTS)
    groups = [GroupCommit(ledger.schema.database, ledger.answer) for _ in range(4)]
    request = hold_request(model="cent")

    replies = await asyncio.gather(*(groups[n % 4].submit(request) for n in range(40)))

    assert Counter(reply.held_nano for reply in replies) == {CENT: 40}
    assert await ledger.balances() == (CENT, 0, 0)


async def test_an_exhausted_budget_is_reported_once_until_it_has_room_again(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("0.10", CENTS)

    def reported(events: object) -> list[BudgetExhausted]:
        assert isinstance(events, list)
        return [event for event in events if isinstance(event, BudgetExhausted)]

    requests = [hold_request(model="cent") for _ in range(12)]
    _, events = await ledger.ask(*requests)
    assert [(one.limit_nano, one.used_nano) for one in reported(events)] == [(10 * CENT, 10 * CENT)]

    _, events = await ledger.ask(hold_request(model="cent"))
    assert reported(events) == []

    await ledger.record(usage_of(requests[0]))
    _, events = await ledger.ask(hold_request(model="cent"), hold_request(model="cent"))
    assert len(reported(events)) == 1


async def test_tenants_spend_from_their_own_budgets_only(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.01", CENTS, nordlys="0.03")
    requests = [
        hold_request(model="cent", tenant=tenant)
        for tenant in ("default", "nordlys", "default", "nordlys", "nordlys", "nordlys", "fjord")
    ]

    replies, _ = await ledger.ask(*requests)

    refused = [number for number, reply in enumerate(replies) if reply.code]
    assert refused == [2, 5]
    assert await ledger.balances("nordlys") == (3 * CENT, 0, 0)
    assert await ledger.balances("fjord") == (CENT, 0, 0)


async def test_what_has_no_price_no_time_or_no_sense_is_refused_and_stays_refused(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    requests = [
        hold_request(model="unheard-of"),
        hold_request(expires_at=now() - timedelta(seconds=1)),
        hold_request(output_tokens_max=10**30),
        hold_request(output_tokens_max=900_000_000),
    ]

    replies, events = await ledger.ask(*requests)

    codes = [reply.code for reply in replies]
    assert codes == [
        ErrorCode.NO_CAPABLE_MODEL,
        ErrorCode.DEADLINE,
        ErrorCode.INVALID_REQUEST,
        None,
    ]
    again, _ = await ledger.ask(*requests)
    assert [reply.code for reply in again] == codes
    assert [type(event) for event in events] == [HoldGranted]


async def test_a_hold_that_asks_to_last_for_ever_ends_within_the_hour(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()

    await ledger.ask(hold_request(expires_at=now() + timedelta(days=400)))

    longest = await ledger.value("SELECT max(expires_at) - now() FROM billing.open_hold")
    assert timedelta(minutes=59) < longest <= timedelta(hours=1)


async def test_starting_again_changes_no_price_and_no_limit(make_ledger: MakeLedger) -> None:
    ledger: Ledger = await make_ledger("0.01", CENTS)
    before = await ledger.value("SELECT array_agg(price ORDER BY id) FROM billing.price")

    await ledger.billing.open()

    assert before == await ledger.value("SELECT array_agg(price ORDER BY id) FROM billing.price")
    assert await ledger.value("SELECT array_agg(limit_nano) FROM billing.budget") == [CENT]
