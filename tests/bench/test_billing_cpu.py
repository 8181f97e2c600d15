"""What one request costs billing: hold and settlement over the bus, with the process on its own.

Run it with `pytest -s tests/bench/test_billing_cpu.py`. Timings are printed, none is asserted.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import nats
import psutil
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from deploy.provision.bus import provision_bus
from services.billing.handlers import budget_key
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.catalog import command_row_of, subject_of
from shared.contracts.event import encode
from shared.contracts.values import now
from tests.fixtures.ledger import call, hold_request, usage_of
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.fixtures.servers import NatsServer, PostgresServer

pytestmark = [pytest.mark.bench, pytest.mark.timeout(180)]

SUBJECT = command_row_of(HoldRequest).subject
REQUESTS = {1: 500, 16: 4_000, 64: 8_000}
COUNT = "SELECT count(*) FROM billing.usage"
BUDGETS = "currency: EUR\ndefault: {limit: '1000000.00', period: month}\n"
MODELS = """
models:
  swift:
    provider: local
    price: {currency: EUR, input_per_million: 0.007, output_per_million: 0.036,
            source: invented, valid_from: 2026-01-01}
"""


async def test_print_cpu_per_request(
    tmp_path: Path,
    own_nats_server: NatsServer,
    postgres_server: PostgresServer,
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("billing")
    client = await nats.connect(own_nats_server.url)
    await provision_bus(client.jetstream(), replicas=1, apply=True)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    (tmp_path / "models.yaml").write_text(MODELS)
    billing = await _start(tmp_path, own_nats_server.url, schema.url)
    meters = {
        "billing": _cpu_of(psutil.Process(billing.pid)),
        "postgres": _cpu_of(psutil.Process(postgres_server.running.pid)),
        "nats": _cpu_of(psutil.Process(own_nats_server.running.pid)),
    }
    try:
        await _ready(client)
        await _cycle(client, schema, requests=200, side_by_side=8)
        print("\nin flight  requests/s  µs of CPU per request, holds and settlements together")
        for side_by_side, requests in REQUESTS.items():
            before = {name: cpu_s() for name, cpu_s in meters.items()}
            took_s = await _cycle(client, schema, requests, side_by_side)
            shares = {
                name: (cpu_s() - before[name]) / requests * 1e6 for name, cpu_s in meters.items()
            }
            line = "  ".join(f"{name} {share:4.0f}" for name, share in shares.items())
            print(f"{side_by_side:9}  {requests / took_s:10.0f}  {line}")
        row = await schema.admin.fetchrow(
            "SELECT * FROM billing.budget WHERE key = $1", budget_key("default", now())
        )
        print(f"books: {dict(row or {})}")
    finally:
        billing.terminate()
        await billing.wait()
        await client.close()


async def _start(folder: Path, nats_url: str, database_url: str) -> asyncio.subprocess.Process:
    environment = os.environ | {
        "SW_BILLING_NATS_URL": nats_url,
        "SW_BILLING_DATABASE_URL": database_url,
        "SW_BILLING_CONFIG_FOLDER": str(folder),
    }
    with (folder / "billing.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.billing"),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
        )


async def _ready(client: Client) -> None:
    body = hold_request(0, model="unheard-of").model_dump_json(exclude_none=True).encode()
    async with asyncio.timeout(20):
        while True:
            with suppress(NoRespondersError):
                await client.request(SUBJECT, body, timeout=10)
                return
            await asyncio.sleep(0.1)


def _cpu_of(process: psutil.Process) -> Callable[[], float]:
    """Return a meter of the CPU seconds that a process and its children have used."""

    def cpu_s() -> float:
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    return cpu_s


async def _cycle(
    client: Client, schema: ProvisionedSchema, requests: int, side_by_side: int
) -> float:
    """Hold and settle so many requests and return how long it took until all were settled."""
    known = await schema.admin.fetchval(COUNT)
    pending = [hold_request(100) for _ in range(requests)]
    started = time.monotonic()

    async def work() -> None:
        while pending:
            request = pending.pop()
            body = request.model_dump_json(exclude_none=True).encode()
            message = await client.request(SUBJECT, body, timeout=10)
            assert HoldReply.model_validate_json(message.data).code is None
            usage = usage_of(request, call(50), cost_nano=1_800)
            headers = {"Nats-Msg-Id": str(usage.id)}
            await client.publish(subject_of(usage), encode(usage, "router"), headers=headers)

    await asyncio.gather(*(work() for _ in range(side_by_side)))
    while await schema.admin.fetchval(COUNT) < known + requests:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return time.monotonic() - started
