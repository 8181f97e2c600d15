"""Settlement on a real PostgreSQL: each call charged once, each hold ended once, whatever comes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest

from services.billing import store
from shared.contracts.billing import HoldSettled, HoldState, UsagePriced
from shared.contracts.completions import TokenUsage
from shared.contracts.event import Event
from shared.contracts.requests import Operation
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import new_id, now
from shared.db import left_in_outbox
from shared.errors import Transient
from tests.fixtures.ledger import Ledger, MakeLedger, call, hold_request, price_row, usage_of

SECOND = timedelta(seconds=1)


def kinds(events: object) -> list[type[Event]]:
    assert isinstance(events, list)
    return [type(event) for event in events]


async def pass_time(ledger: Ledger) -> None:
    """Make all open holds expire."""
    await ledger.schema.admin.execute(
        "UPDATE billing.open_hold SET expires_at = now() - interval '1 second'"
    )


async def test_usage_is_charged_and_told(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    usage = usage_of(request, call(30, input_tokens=4))

    [priced] = await ledger.record(usage)

    assert isinstance(priced, UsagePriced)
    assert (priced.cost_nano, priced.held_nano, priced.overage_nano) == (1_108, 3_600, 0)
    assert priced.cause == usage.id
    assert await ledger.balances() == (0, 1_108, 0) == await ledger.rebuilt()


async def test_characters_are_held_charged_and_recorded_to_the_nano(
    make_ledger: MakeLedger,
) -> None:
    price = price_row("letters", input_token_nano=0, output_token_nano=0, character_nano=18_519)
    ledger = await make_ledger("100.00", price)
    request = hold_request(output_tokens_max=0, characters_max=1_003, model="letters")
    [granted], _ = await ledger.ask(request)
    [again], _ = await ledger.ask(request)
    sent = call(characters=997, model="letters")
    counted = TokenUsage(input_tokens=0, output_tokens=0, characters=997)
    usage = usage_of(request, sent, operation=Operation.TRANSLATE, usage=counted)

    [priced] = await ledger.record(usage)

    assert isinstance(priced, UsagePriced)
    assert granted.held_nano == 1_003 * 18_519
    assert again == granted  # The price comes back from the book with all its parts.
    assert (priced.cost_nano, priced.overage_nano) == (997 * 18_519, 0)
    assert await ledger.balances() == (0, 997 * 18_519, 0) == await ledger.rebuilt()
    row = await ledger.schema.admin.fetchrow(
        "SELECT operation, requests.characters, calls.characters AS of_call, calls.released"
        " FROM billing.requests_v1 AS requests JOIN billing.calls_v1 AS calls USING (request_id)"
    )
    assert tuple(row or ()) == ("translate", 997, 997, False)
    assert (
        await ledger.value("SELECT characters FROM billing.usage_daily_v1 WHERE calls = 1") == 997
    )
    assert await ledger.value("SELECT characters_max FROM billing.hold") == 1_003


async def test_a_released_call_costs_nothing_and_the_record_says_why(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    unheard = call(outcome=AttemptOutcome.UNKNOWN, released=True)

    [priced] = await ledger.record(usage_of(request, unheard))

    assert isinstance(priced, UsagePriced)
    assert priced.cost_nano == 0
    assert await ledger.balances() == (0, 0, 0) == await ledger.rebuilt()
    row = await ledger.schema.admin.fetchrow("SELECT outcome, released, cost FROM billing.calls_v1")
    assert tuple(row or ()) == ("unknown", True, 0)


async def test_redelivered_usage_is_charged_once(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    usage = usage_of(request, call(30))

    first = await ledger.record(usage)
    for _ in range(3):
        assert await ledger.record(usage) == ()

    assert kinds(first) == [UsagePriced]
    assert await ledger.balances() == (0, 1_080, 0) == await ledger.rebuilt()
    assert await ledger.value("SELECT count(*) FROM billing.attempt") == 1


async def test_usage_replayed_after_the_inbox_has_forgotten_it_is_charged_once(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request, refused = hold_request(), hold_request()
    await ledger.ask(request, refused)
    usages = usage_of(request, call(30)), usage_of(refused)
    await ledger.record(*usages)

    again = await ledger.record(*usages, *usages, forgetful=True)

    assert again == []
    assert await ledger.balances() == (0, 1_080, 0) == await ledger.rebuilt()
    assert await ledger.value("SELECT count(*) FROM billing.usage") == 2


async def test_two_usages_of_one_request_in_one_batch_charge_each_call_once(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    made, later = call(10), call(20)

    events = await ledger.record(usage_of(request, made), usage_of(request, made, later))

    assert kinds(events) == [UsagePriced, UsagePriced]
    assert await ledger.balances() == (0, 360, 720) == await ledger.rebuilt()
    assert await ledger.value("SELECT array_agg(reason) FROM billing.correction") == [
        "second_settlement"
    ]


async def test_the_same_usage_delivered_to_two_replicas_at_once_is_charged_once(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    requests = [hold_request() for _ in range(40)]
    await ledger.ask(*requests)
    usages = [usage_of(request, call(10)) for request in requests]

    results = await asyncio.gather(
        ledger.record(*usages), ledger.record(*reversed(usages)), return_exceptions=True
    )
    for usage in usages:  # What a failed replica is given again.
        await ledger.record(usage)

    assert not [one for one in results if isinstance(one, asyncpg.DeadlockDetectedError)]
    assert await ledger.balances() == (0, 40 * 360, 0) == await ledger.rebuilt()


async def test_a_request_refused_before_any_call_gives_its_hold_back(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)

    [settled] = await ledger.record(usage_of(request))

    assert isinstance(settled, HoldSettled)
    assert (settled.state, settled.posted_nano) == (HoldState.VOIDED, 0)
    assert await ledger.balances() == (0, 0, 0) == await ledger.rebuilt()


async def test_a_request_that_never_got_a_hold_is_recorded_and_costs_nothing(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()

    assert await ledger.record(usage_of(hold_request(), hold_id=None)) == []

    assert await ledger.value("SELECT array_agg(cost_nano) FROM billing.usage") == [0]


async def test_a_hold_that_nobody_settled_is_posted_in_full_and_told_through_the_outbox(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request, alive = hold_request(), hold_request(expires_at=now() + 600 * SECOND)
    await ledger.ask(request)
    await pass_time(ledger)
    await ledger.ask(alive)

    await ledger.billing.expire_holds()
    await ledger.billing.expire_holds()

    assert await ledger.balances() == (3_600, 3_600, 0) == await ledger.rebuilt()
    async with ledger.schema.database.transaction() as tx:
        [told] = await left_in_outbox(tx, 0, 10)
    assert told.subject == f"sw.meta.hold.settled.default.letters.{request.request_id}"
    assert b'"state":"expired"' in told.payload


async def test_a_late_settlement_corrects_what_expiry_posted_and_says_so(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    await pass_time(ledger)
    await ledger.billing.expire_holds()

    [priced] = await ledger.record(usage_of(request, call(30)))

    assert isinstance(priced, UsagePriced)
    assert priced.cost_nano == 1_080
    assert await ledger.balances() == (0, 1_080, 0) == await ledger.rebuilt()
    row = await ledger.schema.admin.fetchrow("SELECT posted_nano, reason FROM billing.correction")
    assert row is not None
    assert tuple(row) == (-2_520, "late_settlement")
    assert await ledger.value("SELECT state FROM billing.resolution") == "expired"


async def test_a_hold_granted_after_its_request_had_ended_is_voided_by_the_sweep(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.record(usage_of(request, hold_id=None))
    await ledger.ask(request)
    await pass_time(ledger)

    await ledger.billing.expire_holds()

    assert await ledger.balances() == (0, 0, 0) == await ledger.rebuilt()
    assert await ledger.value("SELECT state FROM billing.resolution") == "voided"


async def test_more_expired_holds_than_one_transaction_takes_all_end_in_one_sweep(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    for _ in range(3):
        await ledger.ask(*(hold_request() for _ in range(200)))
    await pass_time(ledger)

    await ledger.billing.expire_holds()

    assert await ledger.value("SELECT count(*) FROM billing.open_hold") == 0
    assert await ledger.balances() == (0, 600 * 3_600, 0) == await ledger.rebuilt()


async def test_sweeps_and_settlements_side_by_side_end_each_hold_once(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    requests = [hold_request() for _ in range(300)]
    await ledger.ask(*requests)
    await pass_time(ledger)
    usages = [usage_of(request, call(10)) for request in requests]

    async def settle(batch: Sequence[UsageRecorded]) -> None:
        while True:
            try:
                await ledger.record(*batch)
            except Transient:
                await asyncio.sleep(0.01)
            else:
                return

    await asyncio.gather(
        *(ledger.billing.expire_holds() for _ in range(3)),
        *(settle(usages[start : start + 20]) for start in range(0, 300, 20)),
    )

    assert await ledger.balances() == (0, 300 * 360, 0) == await ledger.rebuilt()


async def test_a_price_that_rises_meanwhile_does_not_change_what_a_hold_pays(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    dearer = price_row(output_token_nano=1_000, valid_from=now() - SECOND)
    async with ledger.schema.database.transaction() as tx:
        await store.add_prices(tx, [dearer])
    await ledger.billing.open()
    later = hold_request()

    [reply], _ = await ledger.ask(later)
    await ledger.record(usage_of(request, call(10)), usage_of(later, call(10)))

    assert reply.held_nano == 100_000
    assert await ledger.balances() == (0, 360 + 10_000, 0) == await ledger.rebuilt()


async def test_the_database_itself_refuses_to_overspend(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.01")
    with pytest.raises(asyncpg.CheckViolationError, match="budget_never_overspent"):
        await ledger.schema.admin.execute("UPDATE billing.budget SET posted_nano = 10000001")


@pytest.mark.parametrize(
    "table", ["price", "hold", "refusal", "resolution", "correction", "usage", "attempt"]
)
async def test_the_database_itself_refuses_to_change_a_record(
    make_ledger: MakeLedger, table: str
) -> None:
    ledger = await make_ledger()
    for change in (f"DELETE FROM billing.{table}", f"TRUNCATE billing.{table} CASCADE"):
        with pytest.raises(asyncpg.RaiseError, match="is a record"):
            await ledger.schema.admin.execute(change)


async def test_the_database_itself_refuses_to_end_a_hold_twice(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger()
    request = hold_request()
    await ledger.ask(request)
    await ledger.record(usage_of(request))
    with pytest.raises(asyncpg.UniqueViolationError, match="resolution_pkey"):
        await ledger.schema.admin.execute(
            "INSERT INTO billing.resolution (hold_id, state, posted_nano, overage_nano)"
            " VALUES ($1, 'posted', 1, 0)",
            request.id,
        )


async def test_a_hold_of_another_request_is_not_touched(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger()
    victim = hold_request()
    await ledger.ask(victim)

    events = await ledger.record(usage_of(hold_request(), call(5, id=new_id()), hold_id=victim.id))

    assert events == []
    assert await ledger.balances() == (3_600, 0, 0) == await ledger.rebuilt()
