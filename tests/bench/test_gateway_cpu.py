"""What one request costs the gateway: key, dialect, bus and reply, with the process on its own.

Run it with `pytest -s tests/bench/test_gateway_cpu.py`. Timings are printed, none is asserted. All
that lies behind the bus is played by this process.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.ports import LOOPBACK, free_port
from deploy.provision.bus import provision_bus
from shared.bus.commands import ask
from shared.bus.publishing import MESSAGE_ID
from shared.contracts.access import AppCreate
from shared.contracts.catalog import known_types, row_of, subject_of
from shared.contracts.completions import (
    ChunkRestored,
    CompletionRestored,
    FinishReason,
    Outcome,
    TokenUsage,
)
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import RequestSubmitted
from shared.contracts.stores import INBOX
from shared.contracts.values import derived_id
from shared.errors import DependencyDown
from stellwerk.keys import Key, new_key
from tests.bench.measuring import spent, use_of
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.servers import NatsServer

pytestmark = [pytest.mark.bench, pytest.mark.timeout(240)]

LETTER = (
    "Kære kundeservice, mit navn er Anders Hansen, og jeg bor Vestergade 12, 8000 Aarhus C. Jeg "
    "har stadig ikke modtaget min vare, som jeg bestilte for to uger siden, ordre 4711-2089. I "
    "kan ringe til mig på 20 12 34 56. Vil I svare mig kort på dansk, hvornår den kommer?"
)
ANSWER = "Kære Anders Hansen. Tak for din henvendelse. Vi vender tilbage inden for to hverdage."
CHUNKS = 8
REQUESTS = {1: 300, 16: 3_000, 64: 4_000}


async def test_print_cpu_per_request(
    own_nats_server: NatsServer, provision_schema: ProvisionSchema
) -> None:
    schema, port, key = await provision_schema("gateway"), free_port(), new_key()
    client = await nats.connect(own_nats_server.url)
    await provision_bus(client.jetstream(), replicas=1, apply=True)
    environment = {
        "SW_GATEWAY_NATS_URL": own_nats_server.url,
        "SW_GATEWAY_DATABASE_URL": schema.url,
        "SW_GATEWAY_DOOR_PORT": str(port),
        "SW_GATEWAY_LAME_DUCK_S": "0",
    }
    async with _gateway(environment) as process:
        await _admitted(client, key)
        await _answer_everything(client)
        pids = {"gateway": [process.pid], "nats": [own_nats_server.running.pid]}
        await _load(port, key, 300, 8, stream=False)
        print("\nin flight  streamed  requests/s  µs of CPU per request")
        for stream in (False, True):
            for side_by_side, requests in REQUESTS.items():
                # Nobody takes the requests, and a full queue would refuse the next ones.
                await client.jetstream().purge_stream(INBOX.name)
                before = {name: use_of(one) for name, one in pids.items()}
                took_s = await _load(port, key, requests, side_by_side, stream=stream)
                used = spent(before, {name: use_of(one) for name, one in pids.items()})
                shares = "  ".join(
                    f"{name} {cpu_s / requests * 1e6:4.0f}" for name, cpu_s in used.items()
                )
                print(f"{side_by_side:9}  {stream!s:8}  {requests / took_s:10.0f}  {shares}")
    await client.close()


@asynccontextmanager
async def _gateway(environment: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway"),
        env=os.environ | environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _admitted(client: Client, key: Key) -> None:
    command = AppCreate(
        app="crm", key_id=key.key_id, secret_sha256=key.secret_sha256, actor="operator"
    )
    for _ in range(100):
        try:
            await ask(client, command, 1.0)
        except DependencyDown:  # It is starting.
            await asyncio.sleep(0.1)
        else:
            return


async def _answer_everything(client: Client) -> None:
    """Play the rest of the platform: a whole answer, or chunks and then the answer."""
    known = known_types(RequestSubmitted)

    async def answer(message: Msg) -> None:
        request = decode(message.data, known)
        assert isinstance(request, RequestSubmitted)
        if request.stream:
            for chunk in _chunks(request):
                await _publish(client, chunk)
        await _publish(client, _answered(request))

    await client.subscribe(row_of(RequestSubmitted).filter, cb=answer)
    await client.flush()


async def _publish(client: Client, event: Event) -> None:
    headers = {MESSAGE_ID: str(event.id), "traceparent": f"00-{1:032x}-{1:016x}-01"}
    await client.publish(subject_of(event), encode(event, "redactor"), headers=headers)


def _answered(request: RequestSubmitted) -> CompletionRestored:
    return CompletionRestored.following(
        request,
        outcome=Outcome.COMPLETION,
        text=ANSWER,
        finish_reason=FinishReason.STOP,
        model="scripted",
        provider="scripted",
        usage=TokenUsage(input_tokens=60, output_tokens=20),
        masked_count=3,
    )


def _chunks(request: RequestSubmitted) -> Sequence[ChunkRestored]:
    size = len(ANSWER) // CHUNKS + 1
    texts = [ANSWER[start : start + size] for start in range(0, len(ANSWER), size)]
    said = [{"sequence": number, "text": text} for number, text in enumerate(texts)]
    end = {
        "sequence": len(texts),
        "end": True,
        "sha256": sha256(ANSWER.encode()).hexdigest(),
    }
    return [
        ChunkRestored.following(
            request, id=derived_id(request.id, f"chunk {one['sequence']}"), **one
        )
        for one in (*said, end)
    ]


async def _load(port: int, key: Key, requests: int, side_by_side: int, *, stream: bool) -> float:
    """Return how long `requests` took, so many at a time, each on a connection of its own."""
    body = json.dumps(
        {"model": "auto", "messages": [{"role": "user", "content": LETTER}], "stream": stream}
    ).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key.text}\r\naccept: application/json\r\n"
        f"user-agent: OpenAI/Python\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    started = loop.time()
    each = requests // side_by_side
    await asyncio.gather(
        *(_caller(port, head + body, each, stream=stream) for _ in range(side_by_side))
    )
    return loop.time() - started


async def _caller(port: int, said: bytes, count: int, *, stream: bool) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    for _ in range(count):
        writer.write(said)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if stream:
            await reader.readuntil(b"0\r\n\r\n")
        else:
            length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
    writer.close()
