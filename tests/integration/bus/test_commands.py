"""Commands on a real bus: always an answer, at once, in batches, and never a value in an error."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.bus import Answered, DependencyDown, Permanent, Service, Transient
from shared.bus.commands import ERROR, Handler, ask
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.errors import ErrorCode
from tests.fixtures.bus import Bus, running
from tests.integration.bus.work import NAME, held, hold

SUBJECT = "sw.meta.cmd.billing.hold-request"
AT_ONCE_S = 0.5


@asynccontextmanager
async def billing(bus: Bus, handler: Handler) -> AsyncIterator[Service]:
    """Run a service that answers holds."""
    service = bus.service("billing")
    service.command(HoldRequest, handler)
    async with running(service):
        yield service


async def refusing_nothing(commands: Sequence[HoldRequest]) -> Answered:
    return Answered(held(commands))


# Trap 10: an exception in a stock handler sends no reply, and its caller waits for the time-out.
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(f"cannot hold for {NAME}"), Transient),
        (Permanent(ErrorCode.INTERNAL), Transient),
        (DependencyDown("postgresql"), DependencyDown),
    ],
)
async def test_a_handler_that_fails_answers_at_once(
    bus: Bus, error: Exception, told: type[Exception]
) -> None:
    async def handler(_commands: Sequence[HoldRequest]) -> Answered:
        raise error

    async with billing(bus, handler):
        started = time.monotonic()
        with pytest.raises(told) as caught:
            await ask(bus.client, hold(), timeout_s=5.0)
    assert time.monotonic() - started < AT_ONCE_S
    assert NAME not in str(caught.value)


async def test_a_service_that_is_not_there_is_known_at_once(bus: Bus) -> None:
    started = time.monotonic()
    with pytest.raises(DependencyDown, match="billing"):
        await ask(bus.client, hold(), timeout_s=5.0)
    assert time.monotonic() - started < AT_ONCE_S


async def test_two_hundred_at_once_are_few_batches_with_the_right_answers(bus: Bus) -> None:
    sizes: list[int] = []

    async def handler(commands: Sequence[HoldRequest]) -> Answered:
        sizes.append(len(commands))
        await asyncio.sleep(0.02)
        return Answered(held(commands))

    asked = [hold() for _ in range(200)]
    async with billing(bus, handler):
        replies = await asyncio.gather(*(ask(bus.client, one, timeout_s=5.0) for one in asked))
    assert [reply.id for reply in replies] == [one.id for one in asked]
    assert sum(sizes) == 200
    assert len(sizes) < 20


async def test_what_breaks_the_contract_is_refused_without_naming_a_value(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    # Trap 10: the text of a validation error holds the value that broke the rule.
    caplog.set_level(logging.DEBUG)
    async with billing(bus, refusing_nothing):
        answer = await bus.client.request(SUBJECT, f'{{"actor": "{NAME}"}}'.encode(), timeout=2.0)
    assert answer.headers == {ERROR: "invalid_request"}
    assert answer.data == b""
    assert NAME not in caplog.text


async def test_too_few_replies_are_an_error_for_all_and_end_nothing(bus: Bus) -> None:
    async def handler(commands: Sequence[HoldRequest]) -> Answered:
        return Answered([HoldReply(id=hold().id) for _ in commands] if len(commands) > 1 else [])

    async with billing(bus, handler) as service:
        for _ in range(2):
            with pytest.raises(Transient):
                await ask(bus.client, hold(), timeout_s=2.0)
        assert not service.problems()


async def test_a_command_that_is_asked_again_names_the_same_hold(bus: Bus) -> None:
    seen: list[HoldRequest] = []

    async def handler(commands: Sequence[HoldRequest]) -> Answered:
        seen.extend(commands)
        if len(seen) == 1:
            raise DependencyDown("postgresql")
        return Answered(held(commands))

    command = hold()
    async with billing(bus, handler):
        with pytest.raises(DependencyDown):
            await ask(bus.client, command, timeout_s=2.0)
        await ask(bus.client, command, timeout_s=2.0)
    assert seen[0] == seen[1]


async def test_who_is_ready_answers_whoever_asks_at_once(bus: Bus) -> None:
    # nats-py returns from `subscribe` before a byte is written; the asker has a link of its own.
    for _ in range(20):
        service = bus.service("billing")
        service.command(HoldRequest, refusing_nothing)
        serving = asyncio.create_task(service.serve())
        while service.problems():  # noqa: ASYNC110  The very moment of readiness is the point.
            await asyncio.sleep(0)
        await ask(bus.client, hold(), timeout_s=5.0)
        service.stop()
        await serving
