"""PostgreSQL is away: single requests go on, those of cases and conversations wait."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats.js.errors
import pytest
from pydantic import SecretStr

from services.redactor.__main__ import wired
from services.redactor.settings import Settings
from shared.bus.publishing import SEALED
from shared.contracts.catalog import known_types, row_of
from shared.contracts.completions import (
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    TokenUsage,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, decode
from shared.contracts.requests import RequestRedacted, RequestRefused, RequestSubmitted
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.servers import PostgresServer

pytestmark = pytest.mark.timeout(60)
LETTER = "Mette Skovlund ringede."


@pytest.fixture
async def redactor(
    bus: Bus, provision_schema: ProvisionSchema, postgres_server: PostgresServer, tmp_path: Path
) -> AsyncIterator[None]:
    vault = await provision_schema("redactor")
    (tmp_path / "master").write_text("ab" * 32)
    settings = Settings(
        nats_url=bus.server.url,
        database_url=SecretStr(vault.url),
        master_key_file=tmp_path / "master",
    )
    async with running(wired(settings)):
        yield
    postgres_server.restart()


async def _stored(bus: Bus, event: type[Event], request: RequestSubmitted) -> Any | None:  # noqa: ANN401
    row = row_of(event)
    assert row.stream is not None
    subject = f"{row.prefix}.{request.tenant}.{request.app}.{request.request_id}"
    try:
        return await bus.js.get_last_msg(row.stream.name, subject)
    except nats.js.errors.NotFoundError:
        return None


async def _masked(bus: Bus, request: RequestSubmitted) -> tuple[RequestRedacted, str]:
    async def is_there() -> bool:
        return await _stored(bus, RequestRedacted, request) is not None

    await eventually(is_there)
    message = await _stored(bus, RequestRedacted, request)
    assert message is not None
    event = decode(message.data, known_types(RequestRedacted))
    assert isinstance(event, RequestRedacted)
    return event, message.headers[SEALED]


async def _restored(bus: Bus, request: RequestSubmitted) -> bool:
    return await _stored(bus, CompletionRestored, request) is not None


async def _answer(bus: Bus, redacted: RequestRedacted, sealed: str) -> None:
    event = CompletionProduced.following(
        redacted,
        text="Kære Klient_001",
        finish_reason=FinishReason.STOP,
        model="small",
        provider="scripted",
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        cost_nano=1,
        currency="EUR",
        attempts=1,
    )
    await bus.send(event, headers={SEALED: sealed})


@pytest.mark.usefixtures("redactor")
async def test_single_requests_flow_and_turns_go_on_when_it_is_back(
    bus: Bus, postgres_server: PostgresServer
) -> None:
    before, single = submitted(content=LETTER, case_id="s-1"), submitted(content=LETTER)
    turn, late = (
        submitted(content=LETTER, conversation_id="c-1", timeout_ms=timeout)
        for timeout in (60_000, 1_000)
    )
    await bus.send(before)
    masked_before = await _masked(bus, before)
    postgres_server.kill()

    for request in (turn, late, single):
        await bus.send(request)
    masked_single = await _masked(bus, single)
    for masked in (masked_before, masked_single):
        await _answer(bus, *masked)

    await eventually(lambda: _restored(bus, single))

    async def is_refused() -> bool:
        return await _stored(bus, RequestRefused, late) is not None

    await eventually(is_refused)
    message = await _stored(bus, RequestRefused, late)
    assert message is not None
    refused = decode(message.data, known_types(RequestRefused))
    assert isinstance(refused, RequestRefused)
    assert refused.code is ErrorCode.DEADLINE
    assert await _stored(bus, RequestRedacted, turn) is None
    assert not await _restored(bus, before)

    postgres_server.restart()
    redacted, _ = await _masked(bus, turn)
    assert redacted.messages[0].content == "Klient_001 ringede."
    await eventually(lambda: _restored(bus, before))
