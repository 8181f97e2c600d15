"""Whom a request asks next, after which pause, and when the bus has it back."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.router import calling, chunks
from services.router.attempts import Patience
from services.router.faults import ErrorClass
from services.router.handlers import Router
from services.router.providers.base import Limits, ProviderError, Text
from shared.contracts.completions import ChunkProduced, CompletionFailed, CompletionProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestCancelled, RequestRedacted
from shared.contracts.routing import StatedLimits, StatedResilience
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import now
from shared.errors import Postponed
from tests.unit.router.world import WHOLE, Scene, Script, model, only, request

ONCE_MORE = StatedResilience(retries_max=1)
ANSWER: Script = (Text("Hej."), *WHOLE)
LARGE = "http://large.example/v1"
ONE_A_MINUTE = StatedLimits(requests_per_minute=1)


def limited(retry_after_s: float | None, limits: Limits | None = None) -> Script:
    return (ProviderError(ErrorClass.RATE_LIMITED, 429, retry_after_s, limits),)


def errors(usage: UsageRecorded) -> list[str | None]:
    return [one.error_class for one in usage.attempts]


async def postponed(scene: Scene, router: Router, event: RequestRedacted) -> float:
    """Play a request that the bus gets back; return for how long."""
    with pytest.raises(Postponed) as raised:
        await scene.play(event, router)
    return raised.value.delay_s


@pytest.mark.parametrize("fault", [one for one in ErrorClass if one.may_be_retried])
async def test_a_fault_that_cost_nothing_is_tried_once_more(fault: ErrorClass) -> None:
    scene = Scene([model("large"), model("small")], resilience=ONCE_MORE)
    scene.providers[LARGE].turns = [(ProviderError(fault, retry_after_s=0.02),)]

    effects = await scene.play(request())

    usage = only(effects, UsageRecorded)
    assert errors(usage) == [fault, None]
    assert [one.model for one in usage.attempts] == ["large", "large"]
    assert usage.cost_nano == 20 * 10 + 5 * 100
    assert len({one.id for one in usage.attempts}) == 2


@pytest.mark.parametrize("fault", [one for one in ErrorClass if not one.may_be_retried])
async def test_a_fault_that_may_have_cost_or_will_not_pass_is_not_tried_again(
    fault: ErrorClass,
) -> None:
    scene = Scene([model("large")], {"large": (fault,)}, resilience=ONCE_MORE)

    await scene.play(request())

    assert scene.calls("large") == 1


async def test_each_try_is_written_down_before_it_is_made() -> None:
    scene = Scene([model("large")], {"large": (ErrorClass.OVERLOADED,)}, resilience=ONCE_MORE)
    provider = scene.providers[LARGE]
    event = request()

    await scene.play(event)

    assert len(provider.calls) == 2
    assert list(scene.ledger.attempts[event.request_id]) == provider.calls


async def test_nothing_is_tried_again_once_the_caller_has_heard_a_word() -> None:
    script = (Text("Kære"), ErrorClass.OVERLOADED)
    scene = Scene([model("large"), model("small")], {"large": script}, resilience=ONCE_MORE)

    effects = await scene.play(request(stream=True))

    assert only(effects, CompletionFailed).code is ErrorCode.STREAM_BROKEN
    assert (scene.calls("large"), scene.calls("small")) == (1, 0)


async def test_who_must_be_waited_for_too_long_is_passed_over() -> None:
    scene = Scene([model("large"), model("small")], resilience=ONCE_MORE)
    scene.providers[LARGE].script = (ProviderError(ErrorClass.OVERLOADED, 503, retry_after_s=30),)

    effects = await scene.play(request())

    assert only(effects, CompletionProduced).model == "small"
    assert scene.calls("large") == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_fallback_still_has_time_when_the_first_one_is_silent(*, stream: bool) -> None:
    scene = Scene(
        [model("large"), model("small")], {"large": (30.0,)}, patience=Patience(60.0, 60.0)
    )
    event = request(stream=stream, deadline=now() + timedelta(seconds=1))

    effects = await scene.play(event)

    assert only(effects, CompletionProduced).model == "small"
    first, second = only(effects, UsageRecorded).attempts
    assert first.error_class == ErrorClass.TIMEOUT
    assert first.duration_ms < 700
    assert second.outcome is AttemptOutcome.ANSWERED


# --- limits ------------------------------------------------------------------------------------


async def test_a_request_beyond_a_limit_goes_back_to_the_bus_before_anything_is_set_aside() -> None:
    scene = Scene([model("large", limits=ONE_A_MINUTE)])
    router = scene.router
    await scene.play(request(), router)
    event = request(deadline=now() + timedelta(seconds=120))

    delay_s = await postponed(scene, router, event)

    assert 59 < delay_s <= 60
    assert len(scene.desk.asked) == 1
    assert event.request_id not in scene.ledger.fingerprints


async def test_a_request_beyond_a_limit_is_handed_on_to_who_has_room() -> None:
    scene = Scene([model("large", limits=ONE_A_MINUTE), model("small")])
    router = scene.router

    answers = [only(await scene.play(request(), router), CompletionProduced) for _ in range(3)]

    assert [one.model for one in answers] == ["large", "small", "small"]


async def test_what_would_be_let_in_after_its_deadline_is_refused_at_once_and_unpaid() -> None:
    scene = Scene([model("large", limits=ONE_A_MINUTE)])
    router = scene.router
    await scene.play(request(), router)

    effects = await scene.play(request(), router)

    failed = only(effects, CompletionFailed)
    assert (failed.code, failed.attempts) == (ErrorCode.PROVIDER_UNAVAILABLE, 0)
    assert failed.code.retry_after_s
    assert only(effects, UsageRecorded).hold_id is None


async def test_an_answer_given_before_is_published_although_no_limit_has_room() -> None:
    scene = Scene([model("large", limits=ONE_A_MINUTE)])
    router, event = scene.router, request()
    first = await scene.play(event, router)

    again = await scene.play(event, router)

    assert [one.id for one in again] == [one.id for one in first]


async def test_a_short_wait_is_sat_out_where_it_is() -> None:
    scene = Scene([model("large", limits=StatedLimits(requests_per_minute=600))])
    router = scene.router
    await asyncio.gather(*(scene.play(request(), router) for _ in range(600)))

    effects = await scene.play(request(), router)

    assert only(effects, CompletionProduced).text == "Hej."


async def test_a_refused_call_is_noted_and_made_again_when_the_bus_brings_it_back() -> None:
    scene = Scene([model("large")])
    scene.providers[LARGE].turns = [limited(1.2)]
    router, event = scene.router, request()

    delay_s = await postponed(scene, router, event)
    (noted,) = scene.ledger.attempts[event.request_id].values()
    await asyncio.sleep(delay_s)
    effects = await scene.play(event, router)

    assert delay_s == pytest.approx(1.2, abs=0.1)
    assert (noted.outcome, noted.error_class) == (AttemptOutcome.FAILED, "rate_limited")
    usage = only(effects, UsageRecorded)
    assert errors(usage) == ["rate_limited", None]
    assert usage.cost_nano == 20 * 10 + 5 * 100
    assert len({hold.id for hold in scene.desk.asked}) == 1


async def test_a_refusal_is_handed_on_at_once_where_somebody_else_may_answer() -> None:
    scene = Scene([model("large"), model("small")], {"large": limited(30.0)})

    effects = await scene.play(request())

    assert only(effects, CompletionProduced).model == "small"


async def test_a_provider_that_refuses_for_ever_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling, "LIMITED_MAX", 3)
    scene = Scene([model("large")], {"large": limited(0.01)})
    router, event = scene.router, request()
    for _ in range(2):
        await asyncio.sleep(await postponed(scene, router, event))

    effects = await scene.play(event, router)

    assert only(effects, CompletionFailed).code is ErrorCode.PROVIDER_UNAVAILABLE
    assert scene.calls("large") == 3


async def test_a_stream_that_has_given_a_sign_of_life_waits_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "HEARTBEAT_S", 0.05)
    scene = Scene([model("large")])
    scene.providers[LARGE].turns = [(0.12, *limited(1.2))]

    effects = await scene.play(request(stream=True))

    heard = [one for one in effects if isinstance(one, ChunkProduced)]
    assert [one.sequence for one in heard] == list(range(len(heard)))
    assert (heard[-1].end, heard[-1].code) == (True, None)
    assert only(effects, CompletionProduced).text == "Hej."


async def test_a_stream_that_waits_on_the_bus_has_said_nothing() -> None:
    scene = Scene([model("large")])
    scene.providers[LARGE].turns = [limited(1.2)]
    heard: list[Event] = []

    async def play() -> None:
        async for effect in scene.router.request_redacted(request(stream=True)):
            heard.append(effect)  # noqa: PERF401 -- what came before the end is looked at

    with pytest.raises(Postponed):
        await play()
    assert heard == []


async def test_a_caller_that_leaves_while_the_bus_has_its_request_is_never_called() -> None:
    scene = Scene([model("large")])
    scene.providers[LARGE].turns = [limited(1.2)]
    router, event = scene.router, request()
    await postponed(scene, router, event)
    place = {"tenant": event.tenant, "app": event.app, "request_id": event.request_id}
    left = RequestCancelled.model_validate(place | {"actor": "gateway", "reason": "caller-left"})
    await router.requests_cancelled([left])

    effects = await scene.play(event, router)

    assert only(effects, CompletionFailed).code is ErrorCode.CANCELLED
    assert scene.calls("large") == 1


async def test_a_call_that_is_broken_off_gives_its_place_back() -> None:
    limits = StatedLimits(side_by_side=1)
    scene = Scene([model("large", limits=limits)], {"large": (30.0,)})
    router = scene.router
    dying = asyncio.create_task(scene.play(request(), router))
    await scene.called("large")
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    scene.providers[LARGE].script = ANSWER

    effects = await scene.play(request(), router)

    assert only(effects, CompletionProduced).text == "Hej."


async def test_a_request_that_dies_before_its_call_gives_its_place_back() -> None:
    scene = Scene([model("large", limits=ONE_A_MINUTE)])
    scene.desk.away = 1_000
    router = scene.router
    dying = asyncio.create_task(scene.play(request(), router))
    while not scene.desk.asked:  # noqa: ASYNC110 -- what is waited for has no event
        await asyncio.sleep(0)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    scene.desk.away = 0

    effects = await scene.play(request(), router)

    assert only(effects, CompletionProduced).text == "Hej."


# --- circuits ----------------------------------------------------------------------------------


def opening(after: int, rests_s: float) -> StatedResilience:
    return StatedResilience(retries_max=0, circuit_opens_after=after, circuit_rests_s=rests_s)


async def failed(scene: Scene, router: Router, count: int) -> Sequence[CompletionFailed]:
    return [only(await scene.play(request(), router), CompletionFailed) for _ in range(count)]


async def test_an_open_circuit_refuses_without_a_call_and_a_trial_closes_it() -> None:
    scene = Scene([model("large")], {"large": (ErrorClass.UNREACHABLE,)})
    scene.resilience = opening(2, 0.2)
    router = scene.router
    await failed(scene, router, 2)
    await failed(scene, router, 3)
    assert scene.calls("large") == 2
    scene.providers[LARGE].script = ANSWER
    await asyncio.sleep(0.21)

    effects = await scene.play(request(), router)

    assert only(effects, CompletionProduced).text == "Hej."


async def test_one_request_is_the_trial_and_one_that_is_cancelled_frees_it() -> None:
    scene = Scene([model("large")], {"large": (ErrorClass.UNREACHABLE,)})
    scene.resilience = opening(2, 0.1)
    router = scene.router
    await failed(scene, router, 2)
    await asyncio.sleep(0.11)
    scene.providers[LARGE].script = (30.0,)
    trial = asyncio.create_task(scene.play(request(), router))
    while scene.calls("large") < 3:  # noqa: ASYNC110 -- what is waited for has no event
        await asyncio.sleep(0)

    await failed(scene, router, 2)
    assert scene.calls("large") == 3
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    scene.providers[LARGE].script = ANSWER

    assert only(await scene.play(request(), router), CompletionProduced).text == "Hej."


# --- what nobody knows the end of ----------------------------------------------------------------


async def test_an_unknown_end_that_the_policy_releases_costs_nothing_and_says_so() -> None:
    scene = Scene([model("large")], {"large": (30.0,)})
    scene.resilience = StatedResilience(on_unknown="release")
    event = request()
    dying = asyncio.create_task(scene.play(event))
    await scene.called("large")
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    scene.providers[LARGE].script = ANSWER

    usage = only(await scene.play(event), UsageRecorded)

    unknown, answered = usage.attempts
    assert (unknown.outcome, unknown.released) == (AttemptOutcome.UNKNOWN, True)
    assert not answered.released
    assert usage.cost_nano == 20 * 10 + 5 * 100
    assert usage.usage.input_tokens == 20
