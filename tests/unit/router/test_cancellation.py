"""A caller that leaves ends its request at once; what was used by then is counted and paid."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from services.router import handlers
from services.router.handlers import Router
from services.router.outcomes import hold_id_of
from services.router.providers.base import Stage, Text
from services.router.sizing import estimated_tokens
from shared.contracts.commands import Command, Reply
from shared.contracts.completions import (
    ChunkProduced,
    CompletionFailed,
    CompletionProduced,
    Outcome,
    UsageSource,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestCancelled, RequestRedacted
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from tests.unit.router.world import WHOLE, Desk, Scene, model, request

SAID = "Kære Klient_001"
ENDLESS = {"large": (Text("Kære "), Text("Klient_001"), 30.0)}


def left(event: RequestRedacted, **changes: object) -> RequestCancelled:
    said = {"tenant": event.tenant, "app": event.app, "request_id": event.request_id}
    return RequestCancelled.model_validate(
        {**said, "actor": "gateway", "reason": "caller-left", **changes}
    )


async def played(
    scene: Scene, router: Router, event: RequestRedacted, until: Callable[[list[Event]], bool]
) -> list[Event]:
    """Return the effects of a request whose caller leaves as soon as `until` holds."""
    effects: list[Event] = []

    async def play() -> None:
        async for effect in router.request_redacted(event):
            effects.append(effect)  # noqa: PERF401 -- what came so far is looked at meanwhile

    work = asyncio.create_task(play())
    async with asyncio.timeout(5):
        while not until(effects):  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
        await router.requests_cancelled([left(event)])
        await work
    return effects


def spoken(effects: Sequence[Event]) -> str:
    return "".join(one.text for one in effects if isinstance(one, ChunkProduced))


async def test_a_caller_that_leaves_in_mid_stream_ends_the_call_and_pays_what_was_used() -> None:
    scene = Scene([model("large"), model("small")], ENDLESS)
    event = request(stream=True)

    effects = await played(scene, scene.router, event, lambda seen: spoken(seen) == SAID)

    *_, end, failed, usage = effects
    assert isinstance(end, ChunkProduced)
    assert (end.end, end.code, end.sha256) == (True, ErrorCode.CANCELLED, None)
    assert isinstance(failed, CompletionFailed)
    assert (failed.code, failed.attempts) == (ErrorCode.CANCELLED, 1)
    assert isinstance(usage, UsageRecorded)
    assert (usage.outcome, usage.code) == (Outcome.FAILED, ErrorCode.CANCELLED)
    assert usage.usage.partial
    assert usage.usage.source is UsageSource.ESTIMATED
    (call,) = usage.attempts
    assert call.outcome is AttemptOutcome.CANCELLED
    assert call.output_tokens == estimated_tokens(SAID)
    assert call.input_tokens > 0
    assert usage.cost_nano == call.input_tokens * 10 + call.output_tokens * 100
    assert usage.hold_id == hold_id_of(event.request_id)
    assert scene.providers["http://large.example/v1"].open == 0
    assert scene.calls("small") == 0


async def test_a_caller_that_leaves_before_the_first_word_pays_for_what_was_read() -> None:
    scene = Scene([model("large")], {"large": (30.0,)})

    effects = await played(scene, scene.router, request(), lambda _: scene.calls("large") == 1)

    failed, usage = effects
    assert isinstance(failed, CompletionFailed)
    assert isinstance(usage, UsageRecorded)
    assert usage.attempts[0].input_tokens > 0
    assert usage.attempts[0].output_tokens == 0
    assert scene.providers["http://large.example/v1"].open == 0


async def test_a_caller_that_leaves_while_a_connection_is_opened_pays_nothing() -> None:
    scene = Scene([model("large")], {"large": (Stage.CONNECTING, 30.0)})

    effects = await played(scene, scene.router, request(), lambda _: scene.calls("large") == 1)

    failed, usage = effects
    assert isinstance(failed, CompletionFailed)
    assert isinstance(usage, UsageRecorded)
    (call,) = usage.attempts
    assert (call.outcome, call.input_tokens) == (AttemptOutcome.CANCELLED, 0)
    assert (usage.cost_nano, usage.hold_id) == (0, hold_id_of(failed.request_id))
    assert scene.providers["http://large.example/v1"].open == 0


async def test_a_caller_that_leaves_once_the_request_may_have_left_pays_for_it() -> None:
    script = (Stage.CONNECTING, Stage.SENDING, 30.0)
    scene = Scene([model("large")], {"large": script})

    effects = await played(scene, scene.router, request(), lambda _: scene.calls("large") == 1)

    assert isinstance(effects[1], UsageRecorded)
    assert effects[1].attempts[0].input_tokens > 0


async def test_a_request_that_comes_after_its_caller_has_left_is_never_called() -> None:
    scene = Scene([model("large")])
    router, event = scene.router, request(stream=True)
    await router.requests_cancelled([left(event)])

    effects = await scene.play(event, router)

    end, failed, usage = effects
    assert isinstance(end, ChunkProduced)
    assert isinstance(failed, CompletionFailed)
    assert isinstance(usage, UsageRecorded)
    assert end.code is failed.code is usage.code is ErrorCode.CANCELLED
    assert (usage.attempts, usage.hold_id, usage.cost_nano) == ((), None, 0)
    assert not usage.usage.partial
    assert scene.calls("large") == 0
    assert scene.desk.asked == []


@dataclass
class SlowDesk(Desk):
    """Billing that answers only when it is let."""

    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, command: Command) -> Reply:
        reply = await super().ask(command)
        await self.let.wait()
        return reply


async def test_a_caller_that_leaves_before_the_call_has_its_hold_given_back() -> None:
    desk = SlowDesk()
    scene = Scene([model("large")], desk=desk)
    router, event = scene.router, request()
    work = asyncio.create_task(scene.play(event, router))
    while not desk.asked:  # noqa: ASYNC110 -- what is waited for has no event
        await asyncio.sleep(0)
    await router.requests_cancelled([left(event)])
    desk.let.set()

    _, usage = await work

    assert isinstance(usage, UsageRecorded)
    # A hold that is named with no call is voided.
    assert (usage.code, usage.attempts) == (ErrorCode.CANCELLED, ())
    assert usage.hold_id == hold_id_of(event.request_id)
    assert scene.calls("large") == 0


async def test_billing_away_does_not_hold_up_a_caller_that_leaves() -> None:
    scene = Scene([model("large")], desk=Desk(away=1_000))

    effects = await played(scene, scene.router, request(), lambda _: len(scene.desk.asked) > 1)

    assert isinstance(effects[0], CompletionFailed)
    assert scene.calls("large") == 0


async def test_leaving_after_the_answer_changes_nothing() -> None:
    scene = Scene([model("large")])
    router, event = scene.router, request()
    first = await scene.play(event, router)

    await router.requests_cancelled([left(event)])
    again = await scene.play(event, router)

    assert isinstance(first[0], CompletionProduced)
    assert [one.id for one in again] == [one.id for one in first]


async def test_leaving_while_a_whole_answer_is_put_away_leaves_it_whole() -> None:
    scene = Scene([model("large")], {"large": (Text("Hej."), *WHOLE, 30.0)})
    event = request(stream=True)

    effects = await played(scene, scene.router, event, lambda seen: spoken(seen) == "Hej.")

    assert any(isinstance(one, CompletionProduced) for one in effects)


async def test_a_request_that_comes_again_after_it_was_cancelled_ends_the_same_unpaid() -> None:
    scene = Scene([model("large")], ENDLESS)
    event = request(stream=True)
    first = await played(scene, scene.router, event, lambda seen: spoken(seen) == SAID)

    again = await scene.play(event)

    assert [one.id for one in again] == [one.id for one in first[-2:]]
    assert scene.calls("large") == 1


async def test_another_apps_caller_breaks_nothing_off() -> None:
    scene = Scene([model("large")])
    router, event = scene.router, request()
    await router.requests_cancelled([left(event, app="hr")])

    effects = await scene.play(event, router)

    assert isinstance(effects[0], CompletionProduced)


async def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "LEFT_MAX", 2)
    scene = Scene([model("large")])
    router, events = scene.router, [request() for _ in range(3)]
    await router.requests_cancelled([left(event) for event in events])

    ends = [(await scene.play(event, router))[0] for event in events]

    assert [type(end) for end in ends] == [CompletionProduced, CompletionFailed, CompletionFailed]
