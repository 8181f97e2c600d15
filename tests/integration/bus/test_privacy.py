"""Text from people is in messages and nowhere else: no repr, error, log line, header or span."""

import asyncio
import io
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus.deliveries import GivenUp, open_deliveries, outgoing
from shared.contracts.catalog import known_types
from shared.contracts.errors import ErrorCode
from shared.contracts.event import ContractError, Event, decode, encode
from shared.contracts.requests import RequestSubmitted
from shared.contracts.values import new_id
from shared.logs import JsonLines
from shared.telemetry import span
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import NAME, mask_all, tell

PLACE = "$JS.ACK.SW_INBOX.redactor-requests.1.7.7.1760000000000000000.0"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what a service's log writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("redactor", "r1"))
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    return written


def test_no_repr_holds_text() -> None:
    event = submitted(content=NAME, metadata={"kunde": NAME})
    message = Msg(_client=Client(), subject="sw.clear.request.submitted.default.crm", reply=PLACE)
    message.data = encode(event, "test")
    (delivery,) = open_deliveries([message], "redactor", "test", known_types(RequestSubmitted))
    assert isinstance(delivery.event, RequestSubmitted)
    given_up = GivenUp("default", "crm", event.id, ErrorCode.INTERNAL, event, new_id())
    for shown in (event, delivery, given_up, outgoing(event, "test", None)):
        assert NAME not in f"{shown!r} {shown!s} {[shown]}"
    assert NAME in delivery.event.messages[0].content


def test_no_contract_error_holds_text() -> None:
    # Trap 10: the text of pydantic's validation error holds the value.
    payload = encode(submitted(), "test").replace(b'"role":"user"', f'"role":"{NAME}"'.encode())
    with pytest.raises(ContractError) as caught:
        decode(payload, known_types(RequestSubmitted))
    assert NAME not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_handler_whose_exception_holds_a_name_leaves_none_behind(
    bus: Bus, lines: io.StringIO
) -> None:
    attempts = 0

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        nonlocal attempts
        attempts += 1
        with span("look up", attributes={"messages": len(events)}):
            cause = KeyError(NAME)
            raise ValueError(f"{NAME} has no address") from cause

    event = submitted(content=NAME)
    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await bus.send(event)
        await eventually(lambda: attempts == 2, within_s=4.0)
        _unnoticed()
        await eventually(lambda: "an exception went unnoticed" in lines.getvalue())
    assert '"exception": "ValueError"' in lines.getvalue()
    assert NAME not in lines.getvalue()
    assert "lgaard" not in lines.getvalue()
    spans = await _messages(bus, "SW_META")
    assert b"look up" in b"".join(message.data or b"" for message in spans)
    assert b"ValueError" in b"".join(message.data or b"" for message in spans)
    assert b"lgaard" not in b"".join(message.data or b"" for message in spans)


def _unnoticed() -> None:
    """Leave an exception to the event loop, whose own log line would hold its text."""

    def fail() -> None:
        raise ValueError(NAME)

    asyncio.get_running_loop().call_soon(fail)


async def test_a_dead_letter_and_its_failure_hold_no_text_but_the_message(
    bus: Bus, lines: io.StringIO
) -> None:
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all, given_up=tell)
    async with running(service):
        broken = encode(submitted(content=NAME), "test").replace(b'"role"', b'"rule"')
        await bus.js.publish("sw.clear.request.submitted.default.crm", broken)
        await eventually(lambda: _count(bus, "SW_CLEAR", 2))
    letter, failure = await _messages(bus, "SW_CLEAR")
    assert "message given up" in lines.getvalue()
    for text in (repr(letter.headers), repr(failure.headers), str(failure.data), lines.getvalue()):
        assert "lgaard" not in text
    assert b"lgaard" in (letter.data or b"")


async def _messages(bus: Bus, stream: str) -> list[Any]:
    state = (await bus.js.stream_info(stream)).state
    return [await bus.js.get_msg(stream, seq) for seq in range(state.first_seq, state.last_seq + 1)]


async def _count(bus: Bus, stream: str, count: int) -> bool:
    return await bus.stored(stream) == count
