"""Every request ends in one outcome and one usage, and no provider is paid twice."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import pytest

from services.router.attempts import Patience
from services.router.faults import ErrorClass
from services.router.outcomes import hold_id_of
from services.router.providers.base import Ended, Stopped, Text
from shared.bus import GivenUp
from shared.contracts.completions import (
    ChunkProduced,
    CompletionFailed,
    CompletionProduced,
    FinishReason,
    UsageSource,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted, RequestRefused
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from shared.contracts.values import now
from tests.unit.router.world import WHOLE, Desk, Scene, model, only, policy, request


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ChunkProduced))


async def test_a_request_ends_in_one_completion_and_one_usage() -> None:
    scene = Scene([model("large")])
    event = request()

    effects = await scene.play(event)

    produced, usage = effects
    assert isinstance(produced, CompletionProduced)
    assert isinstance(usage, UsageRecorded)
    assert produced.text == "Hej."
    assert (produced.model, produced.provider, produced.attempts) == ("large", "house", 1)
    assert produced.cost_nano == usage.cost_nano == 20 * 10 + 5 * 100
    assert produced.config_version == usage.config_version == "c0ffee"
    assert usage.hold_id == produced.hold_id == hold_id_of(event.request_id)
    assert usage.attempts[0].id in scene.providers["http://large.example/v1"].calls


async def test_the_hold_covers_the_worst_case_until_after_the_deadline() -> None:
    scene = Scene([model("large")])
    event = request(max_tokens=100)

    await scene.play(event)

    (hold,) = scene.desk.asked
    assert hold.id == hold_id_of(event.request_id)
    assert (hold.model, hold.output_tokens_max) == ("large", 100)
    assert hold.expires_at > event.deadline


async def test_a_redelivered_request_is_not_paid_twice() -> None:
    scene = Scene([model("large")])
    event = request()

    first = await scene.play(event)
    again = await scene.play(event)

    assert scene.calls("large") == 1
    assert [one.id for one in again] == [one.id for one in first]
    assert only(again, CompletionProduced).text == "Hej."


async def test_a_request_sent_twice_at_once_is_called_once() -> None:
    scene = Scene([model("large")], {"large": (0.05, Text("Hej."), *WHOLE)})
    router, event = scene.router, request()
    twin = event.model_copy(update={"id": request().id})

    both = await asyncio.gather(scene.play(event, router), scene.play(twin, router))

    assert scene.calls("large") == 1
    assert [one.id for one in both[0]] == [one.id for one in both[1]]


async def test_the_same_id_with_another_body_is_a_conflict_and_costs_nothing() -> None:
    scene = Scene([model("large")])
    event = request()
    await scene.play(event)

    other = request(request_id=event.request_id, fingerprint="cd" * 32)
    effects = await scene.play(other)

    # No usage: it would settle the hold of the request that the id belongs to.
    assert [type(one) for one in effects] == [RequestRefused]
    assert only(effects, RequestRefused).code is ErrorCode.CONFLICT
    assert scene.calls("large") == 1


async def test_a_call_whose_process_died_is_unknown_and_charged() -> None:
    scene = Scene([model("large")], {"large": (30.0,)})
    event = request()
    dying = asyncio.create_task(scene.play(event))
    await scene.called("large")
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    scene.providers["http://large.example/v1"].script = (Text("Hej."), *WHOLE)

    usage = only(await scene.play(event), UsageRecorded)

    assert [one.outcome for one in usage.attempts] == [
        AttemptOutcome.UNKNOWN,
        AttemptOutcome.ANSWERED,
    ]
    assert usage.cost_nano == 70_000 + 20 * 10 + 5 * 100
    assert usage.usage.source is UsageSource.ESTIMATED


@pytest.mark.parametrize(
    "fault",
    [one for one in ErrorClass if one.may_fall_back],
)
async def test_a_fault_before_the_answer_falls_back_unseen(fault: ErrorClass) -> None:
    scene = Scene([model("large"), model("small")], {"large": (fault,)})

    effects = await scene.play(request(stream=True))

    assert only(effects, CompletionProduced).model == "small"
    assert text_of(effects) == "Hej."
    usage = only(effects, UsageRecorded)
    assert [one.error_class for one in usage.attempts] == [fault, None]
    assert (usage.attempts[0].input_tokens > 0) is fault.may_have_cost


async def test_a_rejected_request_is_not_tried_elsewhere() -> None:
    scene = Scene([model("large"), model("small")], {"large": (ErrorClass.REJECTED,)})

    failed = only(await scene.play(request()), CompletionFailed)

    assert failed.code is ErrorCode.PROVIDER_REJECTED
    assert scene.calls("small") == 0


async def test_when_all_fail_the_caller_hears_of_it_once() -> None:
    faults = {"large": (ErrorClass.OVERLOADED,), "small": (ErrorClass.UNREACHABLE,)}
    scene = Scene([model("large"), model("small")], faults)

    effects = await scene.play(request())

    failed = only(effects, CompletionFailed)
    assert (failed.code, failed.attempts) == (ErrorCode.PROVIDER_UNAVAILABLE, 2)
    assert only(effects, UsageRecorded).cost_nano == 0


async def test_a_fallback_stays_within_the_policy() -> None:
    abroad = model("abroad", local=False, residency="us")
    scene = Scene([model("large"), abroad], {"large": (ErrorClass.OVERLOADED,)})

    effects = await scene.play(request())

    assert only(effects, CompletionFailed).attempts == 1
    assert scene.calls("abroad") == 0


async def test_a_stream_is_numbered_without_gaps_and_ends_with_its_digest() -> None:
    script = (Text("Kære "), 0.06, Text("Klient_001"), 0.06, Text("."), *WHOLE)
    scene = Scene([model("large")], {"large": script})

    effects = await scene.play(request(stream=True))

    chunks = [one for one in effects if isinstance(one, ChunkProduced)]
    assert [one.sequence for one in chunks] == list(range(len(chunks)))
    assert [one.text for one in chunks] == ["Kære ", "Klient_001", ".", ""]
    assert (chunks[-1].end, chunks[-1].code) == (True, None)
    assert chunks[-1].sha256 == sha256("Kære Klient_001.".encode()).hexdigest()
    assert {one.redactor for one in chunks} == {"r1"}
    produced = only(effects, CompletionProduced)
    assert (produced.text, produced.chunks) == ("Kære Klient_001.", 3)
    assert effects.index(chunks[-1]) < effects.index(produced)


async def test_a_stream_that_breaks_after_its_first_word_is_never_repaired() -> None:
    script = (Text("Kære Klient_001"), ErrorClass.BROKEN)
    scene = Scene([model("large"), model("small")], {"large": script})

    effects = await scene.play(request(stream=True))

    assert only(effects, CompletionFailed).code is ErrorCode.STREAM_BROKEN
    assert scene.calls("small") == 0
    end = [one for one in effects if isinstance(one, ChunkProduced)][-1]
    assert (end.end, end.code, end.sha256) == (True, ErrorCode.STREAM_BROKEN, None)
    usage = only(effects, UsageRecorded)
    assert usage.attempts[0].output_tokens > 0
    assert usage.usage.source is UsageSource.ESTIMATED


async def test_silence_in_the_middle_of_a_stream_is_a_time_out() -> None:
    scene = Scene([model("large")], {"large": (Text("Kære"), 30.0)}, patience=Patience(5.0, 0.05))

    effects = await scene.play(request(stream=True))

    assert only(effects, CompletionFailed).code is ErrorCode.STREAM_BROKEN
    assert only(effects, UsageRecorded).attempts[0].error_class == ErrorClass.TIMEOUT


async def test_a_slow_first_word_falls_back() -> None:
    scene = Scene(
        [model("large"), model("small")], {"large": (30.0,)}, patience=Patience(0.05, 5.0)
    )

    effects = await scene.play(request(stream=True))

    assert only(effects, CompletionProduced).model == "small"


async def test_an_answer_that_is_not_streamed_may_take_until_the_deadline() -> None:
    scene = Scene(
        [model("large")], {"large": (0.1, Text("Hej."), *WHOLE)}, patience=Patience(0.05, 0.05)
    )

    assert only(await scene.play(request()), CompletionProduced).text == "Hej."


async def test_a_deadline_ends_a_call() -> None:
    scene = Scene([model("large")], {"large": (30.0,)})

    effects = await scene.play(request(deadline=now() + timedelta(seconds=0.1)))

    assert only(effects, CompletionFailed).code is ErrorCode.DEADLINE


async def test_a_request_that_is_late_is_refused_unpaid() -> None:
    scene = Scene([model("large")])

    effects = await scene.play(request(deadline=now(), stream=True))

    assert only(effects, RequestRefused).code is ErrorCode.DEADLINE
    usage = only(effects, UsageRecorded)
    assert (usage.hold_id, usage.attempts, usage.cost_nano) == (None, (), 0)
    assert scene.desk.asked == []
    assert only(effects, ChunkProduced).code is ErrorCode.DEADLINE


async def test_an_answer_given_before_a_crash_is_published_after_the_deadline_too() -> None:
    scene = Scene([model("large")])
    event = request(deadline=now() + timedelta(seconds=0.2))
    first = await scene.play(event)
    await asyncio.sleep(0.25)

    again = await scene.play(event)

    assert [one.id for one in again] == [one.id for one in first]


async def test_a_budget_that_is_exhausted_refuses_without_a_call() -> None:
    scene = Scene([model("large")], desk=Desk(code=ErrorCode.BUDGET_EXHAUSTED))

    effects = await scene.play(request())

    assert only(effects, RequestRefused).code is ErrorCode.BUDGET_EXHAUSTED
    assert only(effects, UsageRecorded).hold_id is None
    assert scene.calls("large") == 0


async def test_what_must_not_leave_is_refused_before_it_is_paid() -> None:
    scene = Scene([model("large")])

    effects = await scene.play(request("Mit cpr er 070761-4285"))

    assert only(effects, RequestRefused).code is ErrorCode.LEAK_CHECK
    assert scene.desk.asked == []
    assert scene.calls("large") == 0


async def test_an_unknown_model_is_refused_with_its_candidate() -> None:
    effects = await Scene([model("large")]).play(request(model="no-such-model"))

    assert only(effects, RequestRefused).code is ErrorCode.UNKNOWN_MODEL
    decision = only(effects, UsageRecorded).decision
    assert [one.excluded_by for one in decision.candidates] == ["unknown_model"]


async def test_without_any_model_every_request_is_refused() -> None:
    scene = Scene([model("large", disabled="SW_ROUTER_LOCAL_URL is not set")])

    effects = await scene.play(request())

    assert only(effects, RequestRefused).code is ErrorCode.NO_CAPABLE_MODEL


async def test_an_answer_that_nobody_counted_is_estimated() -> None:
    scene = Scene(
        [model("large")], {"large": (Text("Hej. " * 20), Stopped(FinishReason.LENGTH), Ended())}
    )

    produced = only(await scene.play(request()), CompletionProduced)

    assert produced.finish_reason is FinishReason.LENGTH
    assert produced.usage.source is UsageSource.ESTIMATED
    assert produced.usage.output_tokens == 25


async def test_a_model_that_is_down_is_tried_last_by_the_next_request() -> None:
    scene = Scene([model("large"), model("small")], {"large": (ErrorClass.UNREACHABLE,)})
    router = scene.router

    await scene.play(request(), router)
    second = await scene.play(request(), router)

    assert only(second, UsageRecorded).attempts[0].model == "small"
    assert scene.calls("large") == 1


async def test_no_event_of_a_request_shows_its_text() -> None:
    effects = await Scene([model("large")]).play(request(stream=True))

    assert not any("Hej" in repr(effect) for effect in effects)


def letter(event: RequestRedacted | None, code: ErrorCode) -> GivenUp:
    known = event or request()
    return GivenUp("default", "letters", known.request_id, code, event, known.id)


def test_a_request_that_is_given_up_after_a_bug_is_charged_in_full() -> None:
    event = request()

    effects = Scene([model("large")]).router.given_up(letter(event, ErrorCode.INTERNAL))

    assert only(effects, CompletionFailed).code is ErrorCode.INTERNAL
    usage = only(effects, UsageRecorded)
    assert usage.hold_id == hold_id_of(event.request_id)
    assert [one.outcome for one in usage.attempts] == [AttemptOutcome.UNKNOWN]


def test_a_request_that_cannot_be_read_is_refused() -> None:
    effects = Scene([model("large")]).router.given_up(letter(None, ErrorCode.UNKNOWN_VERSION))

    assert [type(one) for one in effects] == [RequestRefused]


async def test_tasks_go_where_the_policy_sends_them() -> None:
    scene = Scene(
        [model("large"), model("small")],
        policy=policy("large", fallbacks={"large": "small"}),
    )

    effects = await scene.play(request(model="small"))

    assert only(effects, CompletionProduced).model == "small"
