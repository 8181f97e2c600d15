"""What docs/analysts/index.md says: each query of it prints exactly what stands below it."""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.postgres import find_binaries
from deploy.provision.database import READER
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from tests.fixtures.ledger import Ledger, MakeLedger, call, hold_request, price_row, usage_of

PAGE = Path(__file__).parents[2] / "docs" / "analysts" / "index.md"
QUESTION = re.compile(
    r"## (?P<asked>[^\n]*\?)\n\n```sql\n(?P<query>.*?)```\n\n```\n(?P<printed>.*?)```", re.DOTALL
)
ANALYST, PASSWORD = "dorte", "only-in-tests"
NORTH = price_row("north-large", "north", input_token_nano=2_000, output_token_nano=6_000)
LOCAL = price_row("local-default", "local", input_token_nano=50, output_token_nano=200)


@pytest.fixture
async def november(make_ledger: MakeLedger) -> Ledger:
    """Return a ledger with an invented November of one company."""
    ledger = await make_ledger("100.00", NORTH, LOCAL)
    usages = list(_usages())
    requests = [
        hold_request(
            request_id=usage.request_id,
            id=usage.hold_id,
            model=usage.model,
            provider=usage.provider,
            output_tokens_max=10_000,
        )
        for usage in usages
        if usage.model is not None
    ]
    await ledger.ask(*requests)
    await ledger.record(*usages)
    await ledger.schema.admin.execute(
        f"DROP ROLE IF EXISTS {ANALYST};"
        f" CREATE ROLE {ANALYST} LOGIN PASSWORD '{PASSWORD}' IN ROLE {READER}"
    )
    return ledger


def _usages() -> Iterator[UsageRecorded]:
    first = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    for number in range(240):
        day = {"time": first + timedelta(hours=2 * number)}
        user = f"u-{(number * number) % 7:02}"
        if number % 4:
            asked = hold_request(app="letters", use_case="reply", user=user)
            calls = [call(400 + number, input_tokens=1_200, model="north-large", provider="north")]
            if number % 20 == 1:  # The first model was silent, the second answered.
                calls.insert(0, call(model="local-default", outcome=AttemptOutcome.FAILED))
        else:
            asked = hold_request(app="archive", use_case="summary", user=user)
            calls = [call(250, input_tokens=3_000 + number, model="local-default")]
        yield usage_of(asked, *calls, **day)
    for number in range(3):
        refused = {"outcome": Outcome.REFUSED, "code": ErrorCode.BUDGET_EXHAUSTED, "hold_id": None}
        asked = hold_request(app="letters", use_case="reply", user=f"u-{number:02}")
        yield usage_of(asked, time=first + timedelta(days=number), **refused)
    october = hold_request(app="letters", use_case="reply", user="u-01")
    yield usage_of(
        october,
        call(9_000, model="north-large", provider="north"),
        time=datetime(2026, 10, 31, 23, 59, tzinfo=UTC),
    )


async def psql(ledger: Ledger, query: str) -> str:
    """Return what psql prints for an analyst."""
    address = ledger.schema.url.split("@")[1]
    process = await asyncio.create_subprocess_exec(
        *(str(find_binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
        *(f"postgresql://{ANALYST}@{address}", "--command", query),
        env=os.environ | {"PGPASSWORD": PASSWORD, "PGTZ": "UTC", "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return printed.decode()


async def test_each_query_of_the_page_prints_what_stands_below_it(november: Ledger) -> None:
    questions = list(QUESTION.finditer(PAGE.read_text(encoding="utf-8")))
    assert len(questions) >= 3
    for question in questions:
        printed = await psql(november, question["query"])
        shown = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n"
        assert shown == question["printed"], question["asked"]


def test_the_page_names_every_published_view() -> None:
    services = Path(__file__).parents[2] / "services"
    published = {f"{view.parts[-3]}.{view.stem}" for view in services.glob("*/views/*.sql")}
    named = set(
        re.findall(r"^\| `([a-z_.0-9]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert named == published


async def test_an_analyst_may_read_the_view_and_no_table(november: Ledger) -> None:
    for forbidden in ("billing.usage", "billing.budget", "billing.hold", "billing.outbox"):
        assert "permission denied" in await psql(november, f"TABLE {forbidden}")
    assert "permission denied" in await psql(november, "CREATE TABLE billing.mine (n int)")


async def test_sums_over_the_view_are_the_sums_of_the_records_to_the_last_nano(
    november: Ledger,
) -> None:
    row = await november.schema.admin.fetchrow(
        """
        SELECT sum(requests) = (SELECT count(*) FROM billing.usage),
            sum(calls) = (SELECT count(*) FROM billing.attempt),
            sum(cost) * 1000000000 = (SELECT sum(posted_nano) FROM billing.budget),
            sum(cost) * 1000000000 = (SELECT sum(cost_nano) FROM billing.usage)
        FROM billing.usage_daily_v1
        """
    )
    assert row is not None
    assert tuple(row) == (True, True, True, True)


async def test_a_call_without_a_price_is_counted_and_adds_nothing_to_the_cost(
    make_ledger: MakeLedger,
) -> None:
    ledger = await make_ledger()
    await ledger.record(usage_of(hold_request(), call(5, model="unheard-of"), hold_id=None))
    row = await ledger.schema.admin.fetchrow(
        "SELECT calls, calls_unpriced, cost, currency FROM billing.usage_daily_v1"
    )
    assert row is not None
    assert tuple(row) == (1, 1, 0, "EUR")


async def test_every_column_of_the_view_says_what_it_means(make_ledger: MakeLedger) -> None:
    ledger = await make_ledger()
    silent = await ledger.schema.admin.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'billing.usage_daily_v1'::regclass"
        " AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"
    )
    assert silent == []
