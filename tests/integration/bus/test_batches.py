"""Batch handlers on a real bus: what fails comes again, what cannot succeed is told."""

import asyncio
import itertools
import json
from collections.abc import Sequence

from shared.bus import DependencyDown, Permanent, Postponed, Transient
from shared.contracts.catalog import subject_of
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, encode
from shared.contracts.requests import RequestSubmitted
from shared.contracts.values import new_id
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import mask, tell


async def test_what_waits_is_handled_as_one_batch(bus: Bus) -> None:
    sizes: list[int] = []

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        sizes.append(len(events))
        return [mask(event) for event in events]

    for _ in range(200):
        await bus.send(submitted())
    service = bus.service("redactor")
    service.batch("redactor-requests", handler)
    async with running(service):
        await eventually(lambda: sum(sizes) == 200)
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert max(sizes) <= 64
    assert len(sizes) < 20
    assert await bus.stored("SW_MASKED") == 200


async def test_an_exception_loses_nothing_and_waits_before_it_tries_again(bus: Bus) -> None:
    # facts: the stock acknowledge policies lose the message, or retry it four times in 10 ms.
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        times.append(loop.time())
        if len(times) < 3:
            raise Transient("not yet", delay_s=0.3)
        return [mask(event) for event in events]

    service = bus.service("redactor")
    service.batch("redactor-requests", handler)
    async with running(service):
        await bus.send(submitted())
        await eventually(lambda: len(times) == 3)
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert all(later - earlier >= 0.29 for earlier, later in itertools.pairwise(times))
    assert await bus.stored("SW_MASKED") == 1


async def test_one_bad_message_does_not_hold_up_its_batch(bus: Bus) -> None:
    bad = submitted(content="bad")
    good = [submitted() for _ in range(20)]

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        if any(event.id == bad.id for event in events):
            raise Permanent(ErrorCode.INVALID_REQUEST)
        return [mask(event) for event in events]

    for event in [*good[:10], bad, *good[10:]]:
        await bus.send(event)
    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert await bus.stored("SW_MASKED") == 20
    answer = await bus.js.get_last_msg(
        "SW_CLEAR", f"sw.clear.completion.restored.default.crm.{bad.request_id}"
    )
    assert json.loads(answer.data or b"")["data"]["error"]["code"] == "invalid_request"


async def test_a_broken_message_is_kept_and_its_caller_told_at_once(bus: Bus) -> None:
    # facts: a validation error never reaches a stock handler and is retried for nothing.
    request_id = new_id()
    seen: list[object] = []

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        seen.extend(events)
        return []

    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await bus.js.publish(
            "sw.clear.request.submitted.default.crm",
            b'{"specversion": "1.0", "type": "eu.stellwerk.request.submitted.v7", "data": {}}',
            headers={"Nats-Msg-Id": str(request_id)},
        )
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    answer = await bus.js.get_last_msg(
        "SW_CLEAR", f"sw.clear.completion.restored.default.crm.{request_id}"
    )
    assert json.loads(answer.data or b"")["data"]["error"]["code"] == "unknown_version"
    letter = await bus.js.get_last_msg("SW_CLEAR", "sw.clear.dead.redactor")
    assert (letter.headers or {})["Sw-Subject"] == "sw.clear.request.submitted.default.crm"
    assert not seen


async def test_an_event_that_names_another_app_than_its_subject_is_refused(bus: Bus) -> None:
    forged = submitted(app="hr")
    seen: list[object] = []

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        seen.extend(events)
        return []

    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        payload = encode(forged, "test").replace(b"default/hr", b"default/crm")
        await bus.js.publish("sw.clear.request.submitted.default.crm", payload)
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert not seen


async def test_a_handler_that_always_fails_ends_in_a_dead_letter_and_one_result(bus: Bus) -> None:
    event = submitted()
    attempts = 0

    async def handler(_events: Sequence[RequestSubmitted]) -> list[Event]:
        nonlocal attempts
        attempts += 1
        raise Transient("never", delay_s=0.05)

    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await bus.send(event)
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert attempts == 5
    letter = await bus.js.get_last_msg("SW_CLEAR", "sw.clear.dead.redactor")
    assert (letter.headers or {})["Sw-Reason"] == "internal"
    assert await bus.stored("SW_CLEAR") == 2


async def test_a_dependency_that_is_down_counts_no_attempt_and_is_said_aloud(bus: Bus) -> None:
    down = True
    attempts = 0

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        nonlocal attempts
        attempts += 1
        if down:
            raise DependencyDown("postgresql")
        return [mask(event) for event in events]

    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await bus.send(submitted())
        await eventually(lambda: attempts >= 6)
        assert service.problems() == {"redactor-requests": "waits for postgresql"}
        down = False
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
        await eventually(lambda: not service.problems())
    assert await bus.stored("SW_MASKED") == 1
    assert await bus.stored("SW_CLEAR") == 0


async def test_a_redelivered_message_leads_to_the_same_events(bus: Bus) -> None:
    event = submitted()
    first, second = mask(event), mask(event)
    assert first.id == second.id

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        return [mask(event) for event in events]

    service = bus.service("redactor")
    service.batch("redactor-requests", handler)
    async with running(service):
        await bus.send(event)
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
        # A new message id, as when the window for duplicates has long passed.
        await bus.js.publish(subject_of(event), encode(event, "test"))
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
    assert await bus.stored("SW_MASKED") == 1


async def _is_empty(bus: Bus, stream: str) -> bool:
    return await bus.stored(stream) == 0


async def test_what_waits_for_a_dependency_holds_up_nothing_else(bus: Bus) -> None:
    waiting = {submitted(content="waits").id for _ in range(3)}
    is_back = asyncio.Event()
    seen: list[tuple[float, int]] = []
    loop = asyncio.get_running_loop()

    async def handler(events: Sequence[RequestSubmitted]) -> list[Event]:
        waits = [event for event in events if event.id in waiting]
        effects: list[Event] = [mask(event) for event in events if event.id not in waiting]
        seen.append((loop.time(), len(waits)))
        if waits and not is_back.is_set():
            raise Postponed("postgresql", effects, {event.id for event in waits})
        return effects + [mask(event) for event in waits]

    async def masked(count: int) -> bool:
        return await bus.stored("SW_MASKED") == count

    for event_id in waiting:
        await bus.send(submitted(id=event_id, request_id=event_id))
        await bus.send(submitted())
    service = bus.service("redactor")
    service.batch("redactor-requests", handler, given_up=tell)
    async with running(service):
        await eventually(lambda: masked(3), within_s=1.0)
        for sent in range(4, 11):
            await bus.send(submitted())
            await eventually(lambda sent=sent: masked(sent), within_s=1.0)
        # Five attempts would have been the end of each, had they been counted.
        await asyncio.sleep(4.5)
        assert 6 <= sum(waits for _, waits in seen) <= 12
        assert not service.problems()
        is_back.set()
        await eventually(lambda: masked(13))
        await eventually(lambda: _is_empty(bus, "SW_INBOX"))
