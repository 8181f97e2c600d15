"""Changed limits and prices count at once, and break nothing that was granted before."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.billing.domain import PriceRow
from services.router.commits import GroupCommit
from shared.configuration import ConfigError
from shared.contracts.billing import BudgetExhausted, HoldGranted
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.errors import ErrorCode
from shared.contracts.values import now
from tests.fixtures.ledger import Ledger, MakeLedger, call, hold_request, price_row, usage_of

CENT = 10_000_000
CENTS = price_row(model="cent", input_token_nano=0, output_token_nano=0, request_nano=CENT)
NO_MODELS = "models: {}"


def version(
    limit: str, number: int = 2, models: str = NO_MODELS, **own: str
) -> ConfigurationVersion:
    """Return a version in which every tenant but those named has one limit."""
    tenants = ", ".join(f'{name}: {{limit: "{each}", period: month}}' for name, each in own.items())
    budgets = (
        f'{{currency: EUR, default: {{limit: "{limit}", period: month}}, tenants: {{{tenants}}}}}'
    )
    documents = {Document.BUDGETS: budgets, Document.MODELS: models}
    return ConfigurationVersion(version=f"{number:012x}", number=number, documents=documents)


def priced(per_million: str, since: datetime) -> str:
    price = (
        f'{{currency: EUR, input_per_million: "0", output_per_million: "{per_million}",'
        f" source: invented, valid_from: {since:%Y-%m-%d}}}"
    )
    return f"models: {{swift: {{provider: local, price: {price}}}}}"


async def codes(ledger: Ledger, count: int = 1) -> list[ErrorCode | None]:
    """Ask for so many holds of a cent, one after the other, and return what was said."""
    said = []
    for _ in range(count):
        (reply,), _ = await ledger.ask(hold_request(model="cent"))
        said.append(reply.code)
    return said


async def test_a_raised_limit_works_at_once(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.02", CENTS)
    assert await codes(ledger, 3) == [None, None, ErrorCode.BUDGET_EXHAUSTED]

    await ledger.billing.configured(version("0.03"))
    _, events = await ledger.ask(hold_request(model="cent"), hold_request(model="cent"))

    # It had room again, so that it is exhausted once more is news.
    (told,) = [event for event in events if isinstance(event, BudgetExhausted)]
    assert (told.limit_nano, told.used_nano) == (3 * CENT, 3 * CENT)
    assert await ledger.balances() == (3 * CENT, 0, 0) == await ledger.rebuilt()


async def test_what_billing_decides_bears_the_version_it_was_decided_under(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("1.00", CENTS)
    await ledger.billing.configured(version("2.00", 7))

    _, (granted,) = await ledger.ask(hold_request(model="cent"))

    assert isinstance(granted, HoldGranted)
    assert granted.config_version == version("2.00", 7).version


async def test_a_limit_below_what_is_used_refuses_new_holds_and_keeps_the_old_ones(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("0.04", CENTS)
    requests = [hold_request(model="cent") for _ in range(4)]
    await ledger.ask(*requests)

    await ledger.billing.configured(version("0.02"))
    first = await codes(ledger)
    for request in requests:
        await ledger.record(usage_of(request))
        # Four are held, then three, two, one, none; two may be.
        free = await ledger.value("SELECT limit_nano - pending_nano FROM billing.budget")
        assert (await codes(ledger) == [None]) is (free >= CENT)

    assert first == [ErrorCode.BUDGET_EXHAUSTED]
    assert await ledger.balances() == (2 * CENT, 0, 0) == await ledger.rebuilt()
    assert await ledger.value("SELECT over_limit_nano FROM billing.budget") == 0


async def test_the_database_itself_refuses_to_add_to_a_budget_that_was_lowered(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("0.04", CENTS)
    await codes(ledger, 3)
    await ledger.billing.configured(version("0.01"))

    with pytest.raises(asyncpg.CheckViolationError, match="budget_never_overspent"):
        await ledger.schema.admin.execute("UPDATE billing.budget SET posted_nano = 1")


async def test_every_tenant_of_the_period_has_its_changed_limit(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.01", CENTS, nordlys="0.02")
    await ledger.ask(hold_request(model="cent", tenant="fjord"))

    await ledger.billing.configured(version("0.05", nordlys="0.07"))

    rows = await ledger.schema.admin.fetch("SELECT tenant, limit_nano FROM billing.budget")
    assert {row["tenant"]: row["limit_nano"] // CENT for row in rows} == {
        "default": 5,
        "fjord": 5,
        "nordlys": 7,
    }


async def test_a_folder_does_not_bring_back_what_it_says_at_the_next_start(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("0.04", CENTS)
    await ledger.billing.configured(version("0.01"))

    await ledger.billing.open()

    assert await ledger.value("SELECT limit_nano FROM billing.budget") == CENT


async def test_holds_that_compete_while_the_limit_moves_never_overspend_it(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("1.00", CENTS)
    group = GroupCommit(ledger.schema.database, ledger.answer)

    async def ask() -> bool:
        return (await group.submit(hold_request(model="cent"))).code is None

    async def change() -> None:
        for number in range(20):
            await ledger.billing.configured(version(("0.40", "0.90")[number % 2], number + 2))
            await asyncio.sleep(0.01)

    work = [asyncio.create_task(ask()) for _ in range(600)]
    await change()
    granted = sum(await asyncio.gather(*work))

    assert granted <= 100
    assert await ledger.balances() == (granted * CENT, 0, 0) == await ledger.rebuilt()


async def test_a_new_price_counts_for_the_next_hold_and_not_for_one_that_stands(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("100.00")
    old = hold_request(100)
    (before,), _ = await ledger.ask(old)
    yesterday = now() - timedelta(days=1)

    await ledger.billing.configured(version("100.00", models=priced("0.500", yesterday)))
    new = hold_request(100)
    (after,), _ = await ledger.ask(new)
    await ledger.record(usage_of(old, call(10)), usage_of(new, call(10)))

    assert (before.held_nano, after.held_nano) == (100 * 36, 100 * 500)
    assert await ledger.balances() == (0, 10 * 36 + 10 * 500, 0) == await ledger.rebuilt()


async def test_going_back_to_an_earlier_price_without_a_new_day_is_said_aloud(
    make_ledger: MakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    ledger = await make_ledger()
    for number, price in enumerate(("0.500", "0.600", "0.500"), start=2):
        await ledger.billing.configured(version("1.00", number, priced(price, day)))
    (reply,), _ = await ledger.ask(hold_request(100))

    assert reply.held_nano == 100 * 600
    assert [record.message for record in caplog.records] == ["a later price counts"]


async def test_a_price_that_comes_after_the_question_is_no_refusal_for_ever(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger("1.00", CENTS)
    request = hold_request(model="later")
    (early,), _ = await ledger.ask(request)

    models = priced("0.20", now()).replace("swift", "later")
    await ledger.billing.configured(version("1.00", models=models))
    (later,), _ = await ledger.ask(request)

    assert early.code is ErrorCode.NO_CAPABLE_MODEL
    assert (later.code, later.held_nano > 0) == (None, True)


async def test_a_budget_keeps_its_currency_until_the_next_period(make_ledger: MakeLedger) -> None:
    dollars = price_row(model="dollar", currency="USD")
    ledger = await make_ledger(
        "1.00", CENTS, PriceRow(dollars.price, "local", "dollar", "x", day())
    )
    changed = version("5.00").documents | {
        Document.BUDGETS: '{currency: USD, default: {limit: "5.00", period: month}}'
    }

    await ledger.billing.configured(ConfigurationVersion(version="2", number=2, documents=changed))
    (refused,), _ = await ledger.ask(hold_request(model="dollar"))

    assert await ledger.value("SELECT limit_nano FROM billing.budget") == 100 * CENT
    assert refused.code is ErrorCode.NO_CAPABLE_MODEL
    assert await codes(ledger) == [None]


async def test_a_version_that_cannot_be_used_changes_nothing(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger("0.04", CENTS)

    with pytest.raises(ConfigError, match="more decimals"):
        await ledger.billing.configured(version("0.0000000001"))

    assert await ledger.value("SELECT limit_nano FROM billing.budget") == 4 * CENT
    assert await codes(ledger) == [None]


def day() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)
