"""The redactor on a real bus: masked bytes out, real values back, envelopes in headers only."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import nats.js.errors
import pytest
from nats.aio.msg import Msg
from pydantic import SecretStr

from services.redactor.__main__ import wired
from services.redactor.settings import Settings
from shared.bus import Service
from shared.bus.publishing import SEALED
from shared.contracts.catalog import known_types, row_of, subject_of
from shared.contracts.completions import (
    ChunkProduced,
    ChunkRestored,
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    Outcome,
    TokenUsage,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, decode, encode
from shared.contracts.requests import RequestRedacted, RequestRefused, RequestSubmitted
from shared.contracts.stores import ANSWERS, MASKED_LOG
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema

LETTER = "Kære kundeservice. Jeg hedder Mette Skovlund, CPR 140385-4218, tlf. 40 28 11 93."
VALUES = (b"Mette", b"Skovlund", b"140385", b"40 28 11 93")


@pytest.fixture
async def vault(provision_schema: ProvisionSchema) -> ProvisionedSchema:
    return await provision_schema("redactor")


@pytest.fixture
def settings(bus: Bus, vault: ProvisionedSchema, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "master").write_text("ab" * 32)
    return {
        "nats_url": bus.server.url,
        "database_url": SecretStr(vault.url),
        "master_key_file": tmp_path / "master",
    }


@pytest.fixture
async def redactor(settings: dict[str, Any]) -> AsyncIterator[Service]:
    service = wired(Settings(**settings))
    async with running(service):
        yield service


async def _stored(bus: Bus, event: type[Event], request: RequestSubmitted) -> Any:  # noqa: ANN401
    """Return the message that holds the event of this request, once it is there."""
    row = row_of(event)
    assert row.stream is not None
    subject = f"{row.prefix}.{request.tenant}.{request.app}.{request.request_id}"
    found: list[Any] = []

    async def is_there() -> bool:
        try:
            found.append(await bus.js.get_last_msg(row.stream.name, subject))  # type: ignore[union-attr]
        except nats.js.errors.NotFoundError:
            return False
        return True

    await eventually(is_there)
    return found[-1]


async def _masked(bus: Bus, request: RequestSubmitted) -> tuple[RequestRedacted, str]:
    message = await _stored(bus, RequestRedacted, request)
    event = decode(message.data, known_types(RequestRedacted))
    assert isinstance(event, RequestRedacted)
    return event, message.headers[SEALED]


async def _result(bus: Bus, request: RequestSubmitted) -> CompletionRestored:
    message = await _stored(bus, CompletionRestored, request)
    event = decode(message.data, known_types(CompletionRestored))
    assert isinstance(event, CompletionRestored)
    assert SEALED not in (message.headers or {})
    return event


def _answer(redacted: RequestRedacted, text: str) -> CompletionProduced:
    return CompletionProduced.following(
        redacted,
        text=text,
        finish_reason=FinishReason.STOP,
        model="small",
        provider="scripted",
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        cost_nano=1,
        currency="EUR",
        attempts=1,
    )


async def test_a_request_is_masked_and_its_answer_restored(bus: Bus, redactor: Service) -> None:
    request = submitted(content=LETTER)
    await bus.send(request)
    redacted, sealed = await _masked(bus, request)

    await bus.send(_answer(redacted, "Kære Klient_001s nabo: Id_001"), headers={SEALED: sealed})
    result = await _result(bus, request)

    assert result.text == "Kære Mette Skovlunds nabo: 140385-4218"
    assert redacted.messages[0].content.startswith("Kære kundeservice. Jeg hedder Klient_001")
    assert await bus.stored("SW_INBOX") == 0


async def test_no_masked_byte_and_no_table_holds_a_value(
    bus: Bus, redactor: Service, vault: ProvisionedSchema
) -> None:
    request = submitted(content=LETTER, metadata={"kunde": "Mette Skovlund"})
    await bus.send(request)
    _, sealed = await _masked(bus, request)

    raw = await bus.js.get_msg(MASKED_LOG.name, seq=1)
    scopes = await vault.admin.fetchval("SELECT count(*) FROM vault.scope")

    assert not [value for value in VALUES if value in (raw.data or b"")]
    assert not [value for value in VALUES if value in sealed.encode()]
    assert scopes == 0


async def test_another_replica_restores_the_answer(
    bus: Bus, redactor: Service, settings: dict[str, Any]
) -> None:
    request = submitted(content=LETTER)
    await bus.send(request)
    redacted, sealed = await _masked(bus, request)
    redactor.stop()
    async with running(wired(Settings(**settings))):
        await bus.send(_answer(redacted, "Klient_001"), headers={SEALED: sealed})

        assert (await _result(bus, request)).text == "Mette Skovlund"


async def test_a_stream_comes_back_restored(bus: Bus, redactor: Service) -> None:
    request = submitted(content=LETTER, stream=True)
    await bus.send(request)
    redacted, _ = await _masked(bus, request)
    arrived: list[ChunkRestored] = []
    await _listen(bus, request, arrived)
    pieces = ["Kære Kli", "ent_00", "1s nabo"]
    chunks = [
        ChunkProduced.following(redacted, redactor=redacted.redactor, sequence=at, text=text)
        for at, text in enumerate(pieces)
    ]
    digest = sha256("".join(pieces).encode()).hexdigest()
    end = ChunkProduced.following(
        redacted, redactor=redacted.redactor, sequence=3, end=True, sha256=digest
    )
    for chunk in [*chunks, end]:
        await bus.client.publish(subject_of(chunk), encode(chunk, "router"))

    await eventually(lambda: bool(arrived) and arrived[-1].end)

    assert "".join(chunk.text for chunk in arrived) == "Kære Mette Skovlunds nabo"
    assert arrived[-1].code is None


async def _listen(bus: Bus, request: RequestSubmitted, arrived: list[ChunkRestored]) -> None:
    async def take(message: Msg) -> None:
        event = decode(message.data, known_types(ChunkRestored))
        assert isinstance(event, ChunkRestored)
        arrived.append(event)

    subject = f"{row_of(ChunkRestored).prefix}.{request.tenant}.{request.app}.{request.request_id}"
    await bus.client.subscribe(subject, cb=take)
    await bus.client.flush()


async def test_a_refusal_reaches_the_caller(bus: Bus, redactor: Service) -> None:
    request = submitted(content="tlf. 12345678", user="12345678")
    await bus.send(request)

    refused = decode(
        (await _stored(bus, RequestRefused, request)).data, known_types(RequestRefused)
    )
    result = await _result(bus, request)

    assert isinstance(refused, RequestRefused)
    assert refused.code is ErrorCode.LEAK_CHECK
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert "12345678" not in result.error.message


async def test_a_broken_request_is_refused_and_nothing_of_it_is_echoed(
    bus: Bus, redactor: Service
) -> None:
    request = submitted(content=LETTER)
    broken = encode(request, "test").replace(b'"role":"user"', b'"role":"Mette Skovlund"')
    message_id = {"Nats-Msg-Id": str(request.id)}
    await bus.js.publish(subject_of(request), broken, headers=message_id)

    result = await _result(bus, request)

    assert result.error is not None
    assert result.error.code is ErrorCode.INVALID_REQUEST
    assert "Mette" not in result.model_dump_json()


async def test_each_of_many_requests_has_one_result(bus: Bus, redactor: Service) -> None:
    requests = [submitted(content=f"{LETTER} Nummer {at}.") for at in range(100)]
    for request in requests:
        await bus.send(request)
    for request in requests:
        redacted, sealed = await _masked(bus, request)
        await bus.send(_answer(redacted, "Klient_001"), headers={SEALED: sealed})

    await eventually(_holds(bus, len(requests)))

    assert await bus.waiting("SW_MASKED", "redactor-completions") == 0


def _holds(bus: Bus, count: int) -> Any:  # noqa: ANN401
    async def holds() -> bool:
        stored = await bus.stored(ANSWERS.name)
        left = await bus.waiting("SW_MASKED", "redactor-completions")
        return stored == count and left == 0

    return holds
