"""Bad input and broken parts: each ends in a typed refusal, nothing is lost, nothing is echoed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import nats
import pytest
from nats.aio.client import Client as Bus

from deploy.provision.bus import stream_config
from shared.contracts.catalog import subject_of
from shared.contracts.errors import ErrorCode
from shared.contracts.event import encode
from shared.contracts.requests import PAYLOAD_BYTES_MAX
from shared.contracts.stores import INBOX
from shared.contracts.values import new_id
from stellwerk.answer import Ticket
from stellwerk.asking import Options
from stellwerk.errors import Failed, InvalidRequest, QueueFull, Refused, StellwerkError, TooLarge
from tests.fixtures.bus import eventually, submitted
from tests.fixtures.platform import TENANT, Platform

pytestmark = pytest.mark.timeout(60)

NAME = "Mette Skovlund"
TEXT = f"Skriv til fru {NAME}."


@pytest.fixture
def unechoed(platform: Platform) -> Iterator[None]:
    """Check afterwards that no process has logged a value of a request."""
    yield
    for log in platform.folder.glob("*.log"):
        assert "Skovlund" not in log.read_text(errors="replace"), log.name


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"specversion": "1.0", "data": {"name": "Mette Skovlund"', ErrorCode.INVALID_REQUEST),
        (b'{"name": "Mette Skovlund"}', ErrorCode.INVALID_REQUEST),
        (b"Mette Skovlund \xff\x00", ErrorCode.INVALID_REQUEST),
        (b"", ErrorCode.INVALID_REQUEST),
    ],
)
async def test_what_is_no_event_is_refused(
    platform: Platform, unechoed: None, payload: bytes, code: ErrorCode
) -> None:
    async with as_app(platform) as bus:
        error = await refusal_of(platform, await raw(bus, payload))
    assert error.code is code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("request.submitted.v1", "request.submitted.v9", ErrorCode.UNKNOWN_VERSION),
        ("request.submitted.v1", "request.invented.v1", ErrorCode.UNKNOWN_VERSION),
        ('"app":"crm"', '"app":"hr"', ErrorCode.INVALID_REQUEST),
        ('"role":"user"', '"role":"Mette Skovlund"', ErrorCode.INVALID_REQUEST),
        ('"timeout_ms":120000', '"timeout_ms":-1', ErrorCode.INVALID_REQUEST),
    ],
)
async def test_an_event_that_breaks_its_contract_is_refused(
    platform: Platform, unechoed: None, old: str, new: str, code: ErrorCode
) -> None:
    event = submitted(content=TEXT)
    broken = encode(event, "app").decode().replace(old, new)
    assert new in broken
    async with as_app(platform) as bus:
        error = await refusal_of(platform, await raw(bus, broken.encode(), event.request_id))
    assert error.code is code


async def test_a_payload_over_the_limit_is_refused_by_client_and_bus(
    platform: Platform, unechoed: None
) -> None:
    text = TEXT + "x" * PAYLOAD_BYTES_MAX
    async with platform.client() as client:
        with pytest.raises(TooLarge):
            await client.complete(text, model="scripted")
    async with as_app(platform) as bus:
        subject = subject_of(submitted())
        reply = await bus.request(subject, encode(submitted(content=text), "app"), timeout=5)
    assert "message size exceeds" in json.loads(reply.data)["error"]["description"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (Options(model="no-such-model"), ErrorCode.UNKNOWN_MODEL),
        (Options(model="scripted", timeout_s=0.001), ErrorCode.DEADLINE),
        (Options(model="local-default"), ErrorCode.NO_CAPABLE_MODEL),
    ],
)
async def test_what_cannot_be_done_is_refused_in_the_callers_language(
    platform: Platform, unechoed: None, options: Options, code: ErrorCode
) -> None:
    calls = platform.provider_calls()
    async with platform.client() as client:
        with pytest.raises(Refused) as caught:
            await client.complete("Skriv et svar til kunden, tak. " + TEXT, **options)
    assert caught.value.code is code
    assert "Skovlund" not in str(caught.value)
    assert platform.provider_calls() == calls


async def test_a_field_that_breaks_its_rule_is_not_sent(platform: Platform) -> None:
    async with platform.client() as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.complete(TEXT, model="scripted", user=NAME)
    assert "Skovlund" not in str(caught.value)


async def test_a_provider_that_fails_ends_in_a_typed_failure(
    platform: Platform, unechoed: None
) -> None:
    async with platform.client() as client:
        assert (await client.complete(TEXT, model="scripted-503")).model == "scripted"
        with pytest.raises(Failed) as caught:
            await client.complete(TEXT, model="scripted-cut")
    assert caught.value.code in {ErrorCode.STREAM_BROKEN, ErrorCode.PROVIDER_UNAVAILABLE}


async def test_a_full_queue_refuses_the_app_that_filled_it_and_loses_nothing(
    platform: Platform,
) -> None:
    with stopped(platform, "redactor"):
        async with queue_of(platform, 3), platform.client() as crm, platform.client("hr") as hr:
            tickets = [await crm.submit(TEXT, model="scripted") for _ in range(3)]
            with pytest.raises(QueueFull) as caught:
                await crm.submit(TEXT, model="scripted")
            tickets_of_hr = [await hr.submit(TEXT, model="scripted")]
    assert caught.value.code is not None
    assert caught.value.code.retryable
    async with platform.client() as crm, platform.client("hr") as hr:
        answers = [await crm.collect(ticket) for ticket in tickets]
        answers += [await hr.collect(ticket) for ticket in tickets_of_hr]
    assert all(NAME in answer.text for answer in answers)


async def test_a_database_that_is_down_delays_a_request_and_loses_none(
    platform: Platform, unechoed: None
) -> None:
    async with platform.client() as client:
        platform.postgres_running.kill()
        waiting = asyncio.create_task(client.complete(TEXT, model="scripted", timeout_s=40))
        late = asyncio.create_task(client.complete(TEXT, model="scripted", timeout_s=1))
        await asyncio.sleep(2.0)
        assert not waiting.done()
        platform.start_postgres()
        assert NAME in (await waiting).text
        with pytest.raises(StellwerkError) as caught:
            await late
    assert caught.value.code in {ErrorCode.DEADLINE, ErrorCode.BILLING_UNAVAILABLE}
    await eventually(lambda: platform.unready() == {}, 20.0)


async def test_an_app_that_asks_for_nothing_it_may_see_gets_nothing(platform: Platform) -> None:
    async with platform.client() as crm, platform.client("hr") as hr:
        answer = await crm.complete(TEXT, model="scripted")
        with pytest.raises(StellwerkError):
            await hr.collect(Ticket(answer.request_id, wait_s=1.5))


# --- hands -------------------------------------------------------------------------------


@asynccontextmanager
async def as_app(platform: Platform) -> AsyncIterator[Bus]:
    """Yield a bare connection with the rights of the app `crm`."""
    bus = await nats.connect(
        platform.nats.address,
        nkeys_seed=str(platform.secrets.app_seed_file(TENANT, "crm")),
        inbox_prefix=f"_INBOX.app-{TENANT}-crm".encode(),
    )
    yield bus
    await bus.close()


async def raw(bus: Bus, payload: bytes, request_id: UUID | None = None) -> UUID:
    """Submit bytes as a request and return the id under which its result will stand."""
    message_id = request_id or new_id()
    reply = await bus.request(
        subject_of(submitted()), payload, headers={"Nats-Msg-Id": str(message_id)}, timeout=5
    )
    assert json.loads(reply.data)["stream"] == INBOX.name
    return message_id


async def refusal_of(platform: Platform, request_id: UUID) -> Refused:
    """Return how the platform refused a request."""
    async with platform.client() as client:
        with pytest.raises(Refused) as caught:
            await client.collect(Ticket(request_id, wait_s=10))
    assert "Skovlund" not in str(caught.value)
    return caught.value


@contextmanager
def stopped(platform: Platform, service: str) -> Iterator[None]:
    """Keep a service away while the block runs."""
    process = platform.processes[service]
    assert process.stop() == 0
    try:
        yield
    finally:
        process.start()
        process.wait_ready()


@asynccontextmanager
async def queue_of(platform: Platform, messages: int) -> AsyncIterator[None]:
    """Let each app have so few messages waiting while the block runs."""
    config = stream_config(INBOX, 1)
    async with platform.provisioner() as js:
        await js.update_stream(config.evolve(max_msgs_per_subject=messages))
        yield
        await js.update_stream(config)
