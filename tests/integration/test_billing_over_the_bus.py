"""Billing as a process on a real bus: asked, told twice, killed in the middle, started wrongly."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import nats.errors
import pytest

from services.billing.handlers import budget_key
from shared.bus.commands import ask
from shared.bus.publishing import MESSAGE_ID
from shared.contracts.billing import HoldReply, HoldRequest, UsagePriced
from shared.contracts.catalog import row_of, subject_of
from shared.contracts.event import Event, decode, encode
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import new_id, now
from shared.errors import DependencyDown
from tests.fixtures.ledger import call, hold_request, usage_of
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema

BUDGETS = "{currency: EUR, default: {limit: 1, period: month}}"
REQUESTS = 300
HELD_NANO, COST_NANO = 100 * 600, 40 * 600
"""At the price of the model `scripted`: EUR 0.60 a million tokens answered."""


def scripted_request() -> HoldRequest:
    return hold_request(100, model="scripted", provider="scripted")


def scripted_usage(request: HoldRequest) -> UsageRecorded:
    made = call(40, model="scripted", provider="scripted")
    return usage_of(request, made, cost_nano=COST_NANO)


async def hold(bus: ProvisionedBus, request: HoldRequest) -> HoldReply:
    """Ask until billing answers, as the router does."""
    while True:
        with suppress(DependencyDown):
            reply = await ask(bus.client, request, timeout_s=1.0)
            assert isinstance(reply, HoldReply)
            return reply
        await asyncio.sleep(0.05)


async def balances(schema: ProvisionedSchema) -> tuple[int, int, int]:
    row = await schema.admin.fetchrow(
        "SELECT pending_nano, posted_nano, overage_nano FROM billing.budget WHERE key = $1",
        budget_key("default", now()),
    )
    return tuple(row or ())


async def published(bus: ProvisionedBus, kind: type[Event]) -> list[Event]:
    """Return all events of a kind that the stream holds."""
    js = bus.client.jetstream()
    reading = await js.subscribe(row_of(kind).filter, ordered_consumer=True)
    found: list[Event] = []
    with suppress(nats.errors.TimeoutError):
        while True:
            message = await reading.next_msg(timeout=0.5)
            found.append(decode(message.data, {kind.type_name(): kind}))
    return found


@pytest.mark.usefixtures("scripted_configuration")
async def test_a_killed_billing_charges_each_call_once_and_leaves_no_hold_open(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("billing")
    answered: dict[UUID, HoldReply] = {}

    async def one() -> None:
        request = scripted_request()
        answered[request.id] = await hold(provisioned_bus, request)
        await provisioned_bus.publish([scripted_usage(request)])

    async with running("billing", provisioned_bus, schema) as first:
        work = [asyncio.create_task(one()) for _ in range(REQUESTS)]
        await until(lambda: _is_true(len(answered) > REQUESTS // 3))
        first.kill()
        await first.wait()
    async with running("billing", provisioned_bus, schema):
        await asyncio.gather(*work)
        await until(lambda: _counted(schema, "usage", REQUESTS))

    assert {reply.held_nano for reply in answered.values()} == {HELD_NANO}
    assert await balances(schema) == (0, REQUESTS * COST_NANO, 0)
    for table in ("hold", "resolution", "usage", "attempt"):
        assert await _counted(schema, table, REQUESTS), table
    assert await _counted(schema, "open_hold", 0)
    told = await published(provisioned_bus, UsagePriced)
    assert len({event.id for event in told}) == len(told) == REQUESTS


@pytest.mark.usefixtures("scripted_configuration")
async def test_usage_that_the_stream_holds_twice_is_charged_once(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("billing")
    request, later = scripted_request(), scripted_request()
    async with running("billing", provisioned_bus, schema):
        await hold(provisioned_bus, request)
        await hold(provisioned_bus, later)
        twice = scripted_usage(request)
        js = provisioned_bus.client.jetstream()
        for _ in range(2):
            headers = {MESSAGE_ID: str(new_id())}  # As if the stream's window were over.
            await js.publish(subject_of(twice), encode(twice, "router"), headers=headers)
        await provisioned_bus.publish([scripted_usage(later)])
        await until(lambda: _counted(schema, "usage", 2))

    assert await balances(schema) == (0, 2 * COST_NANO, 0)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("budgets.yaml", None, "budgets.yaml cannot be read: No such file or directory."),
        (
            "models.yaml",
            "models: {a: {provider: local, price: {}}}",
            "models.yaml breaks its rules",
        ),
    ],
)
async def test_a_file_that_cannot_be_used_stops_the_start_with_one_sentence(
    tmp_path: Path, file: str, content: str | None, said: str
) -> None:
    (tmp_path / "budgets.yaml").write_text(BUDGETS, encoding="utf-8")
    (tmp_path / file).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / file).write_text(content, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.billing", "--check"),
        env=os.environ | {"SW_BILLING_CONFIG_FOLDER": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, printed = await process.communicate()

    assert process.returncode == 1
    assert said in printed.decode()
    assert len(printed.decode().splitlines()) == 1


async def _counted(schema: ProvisionedSchema, table: str, count: int) -> bool:
    found: int = await schema.admin.fetchval(f"SELECT count(*) FROM billing.{table}")
    return found == count


async def _is_true(value: bool) -> bool:  # noqa: FBT001
    return value
