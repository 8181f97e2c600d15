"""What one request costs the router: claim, hold, call and end, with the process on its own.

Run it with `pytest -s tests/bench/test_router_cpu.py`. Timings are printed, none is asserted. The
provider is the scripted one in a process of its own; billing's part is played by this process.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.ports import free_port
from deploy.provision.bus import provision_bus
from shared.bus.publishing import MESSAGE_ID
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.catalog import command_row_of, row_of, subject_of
from shared.contracts.completions import CompletionProduced
from shared.contracts.event import encode
from shared.contracts.money import Price
from shared.contracts.values import now
from tests.bench.measuring import spent, use_of
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.servers import NatsServer, PostgresServer
from tests.unit.router.world import request

pytestmark = [pytest.mark.bench, pytest.mark.timeout(240)]

LETTER = (
    "Kære kundeservice, mit navn er Klient_001, og jeg bor Adresse_001. Jeg har stadig ikke "
    "modtaget min vare, som jeg bestilte for to uger siden, ordre 4711-2089. I kan ringe til mig "
    "på Telefon_001 eller skrive til Email_001. Vil I svare mig kort på dansk, hvornår den kommer?"
)
REQUESTS = {1: 300, 16: 2_000, 64: 4_000}
PRICE = Price(id=UUID(int=1), currency="EUR", input_token_nano=150, output_token_nano=600)


async def test_print_cpu_per_request(
    tmp_path: Path,
    own_nats_server: NatsServer,
    postgres_server: PostgresServer,
    provision_schema: ProvisionSchema,
    scripted_configuration: Path,
) -> None:
    schema, port = await provision_schema("router"), free_port()
    client = await nats.connect(own_nats_server.url)
    await provision_bus(client.jetstream(), replicas=1, apply=True)
    await client.subscribe(command_row_of(HoldRequest).subject, cb=_grant)
    environment = os.environ | {
        "SW_ROUTER_NATS_URL": own_nats_server.url,
        "SW_ROUTER_DATABASE_URL": schema.url,
        "SW_ROUTER_SCRIPTED_URL": f"http://127.0.0.1:{port}/v1",
    }
    provider = ("deploy.local.scripted", "--port", str(port))
    with (
        _process(provider, {}, tmp_path) as scripted,
        _process(("services.router",), environment, tmp_path) as router,
    ):
        pids = {
            "router": [router],
            "postgres": [postgres_server.running.pid],
            "nats": [own_nats_server.running.pid],
            "provider": [scripted],
        }
        await _cycle(client, 200, 8, stream=False)
        print("\nin flight  streamed  requests/s  µs of CPU per request")
        for stream in (False, True):
            for side_by_side, requests in REQUESTS.items():
                before = {name: use_of(one) for name, one in pids.items()}
                took_s = await _cycle(client, requests, side_by_side, stream=stream)
                used = spent(before, {name: use_of(one) for name, one in pids.items()})
                line = "  ".join(
                    f"{name} {cpu_s / requests * 1e6:4.0f}" for name, cpu_s in used.items()
                )
                rate = requests / took_s
                print(f"{side_by_side:9}  {stream!s:8}  {rate:10.0f}  {line}")
    await client.close()


async def _grant(message: Msg) -> None:
    asked = HoldRequest.model_validate_json(message.data)
    reply = HoldReply(id=asked.id, held_nano=700_000, price=PRICE)
    await message.respond(reply.model_dump_json().encode())


@contextmanager
def _process(command: tuple[str, ...], environment: dict[str, str], folder: Path) -> Iterator[int]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _cycle(client: Client, requests: int, side_by_side: int, *, stream: bool) -> float:
    """Have so many requests answered, so many at once; return how long it took."""
    answered: dict[str, asyncio.Event] = {}
    left = requests

    async def note(message: Msg) -> None:
        waiting = answered.pop(message.subject.rpartition(".")[2], None)
        if waiting is not None:
            waiting.set()

    reading = await client.subscribe(row_of(CompletionProduced).filter, cb=note)
    started = time.monotonic()

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            deadline = now() + timedelta(minutes=2)
            event = request(LETTER, model="scripted", stream=stream, deadline=deadline)
            waiting = answered[str(event.request_id)] = asyncio.Event()
            headers = {MESSAGE_ID: str(event.id)}
            await client.publish(subject_of(event), encode(event, "redactor"), headers=headers)
            await waiting.wait()

    await asyncio.gather(*(work() for _ in range(side_by_side)))
    took_s = time.monotonic() - started
    await reading.unsubscribe()
    return took_s
