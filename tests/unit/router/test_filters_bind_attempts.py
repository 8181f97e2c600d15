"""Whatever fails on the way: nobody is called whom the filters exclude, also on a second try."""

import asyncio
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.router.faults import ErrorClass
from services.router.providers.base import ProviderError, Reasoning, Stopped, Text
from services.router.settings import today
from shared.contracts.completions import CompletionFailed, CompletionProduced, FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRefused
from shared.contracts.routing import StatedResilience
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import Sensitivity
from shared.errors import Postponed
from tests.unit.router.any_routing import Officer, situation
from tests.unit.router.world import WHOLE, Scene, Script, abroad, model, policy, request

ENDS: tuple[Script, ...] = (
    (Text("Hej."), *WHOLE),
    (Text("Hej."),),
    (Reasoning("hm"), Stopped(FinishReason.STOP)),
    (Text("Hej."), ErrorClass.BROKEN),
    (ProviderError(ErrorClass.RATE_LIMITED, 429, retry_after_s=0.001),),
    *((fault,) for fault in ErrorClass),
)
NOT_WAITED_FOR = [
    one for one in ErrorClass if one.may_fall_back and one is not ErrorClass.RATE_LIMITED
]
OPENS_AT_ONCE = StatedResilience(retries_max=1, circuit_opens_after=1, hand_on_after_s=0)


def outcomes_of(events: list[Event]) -> list[Event]:
    return [
        one
        for one in events
        if isinstance(one, CompletionProduced | CompletionFailed | RequestRefused)
    ]


async def _play(seed: int) -> None:
    drawn, chance = situation(seed), Random(seed)
    models = list(drawn.sight.models.values())
    scripts = {one.name: chance.choice(ENDS) for one in models}
    scene = Scene(models, scripts, drawn.sight.policy, resilience=OPENS_AT_ONCE)
    officer = Officer(drawn.sight.policy, today())

    events: list[Event] = []
    try:
        events = await scene.play(drawn.ask)
    except Postponed:
        assert any(scene.calls(one.name) for one in models)  # A limit was met, so one was asked.

    for one in models:
        assert not scene.calls(one.name) or not list(officer.objections(drawn.ask, one)), one.name
    called = {
        attempt.model
        for one in events
        if isinstance(one, UsageRecorded)
        for attempt in one.attempts
    }
    assert called <= {one.name for one in models if scene.calls(one.name)}
    if events:
        assert len(outcomes_of(events)) == 1


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**48))
def test_no_provider_is_called_that_the_filters_exclude(seed: int) -> None:
    async def play_many() -> None:
        # Side by side, so that their pauses between two tries are one.
        await asyncio.gather(*(_play(seed + number) for number in range(150)))

    asyncio.run(play_many())


@pytest.mark.parametrize("fault", NOT_WAITED_FOR)
async def test_special_categories_end_where_the_house_model_fails(fault: ErrorClass) -> None:
    scene = Scene([model("house"), abroad("eu", "eu"), abroad("us")], {"house": (fault,)})

    events = await scene.play(request(sensitivity=Sensitivity.SPECIAL))

    (failed,) = outcomes_of(events)
    assert isinstance(failed, CompletionFailed)
    too_long = fault is ErrorClass.CONTEXT_TOO_LONG
    assert failed.code is (
        ErrorCode.CONTEXT_TOO_LONG if too_long else ErrorCode.SENSITIVITY_LOCAL_ONLY
    )
    assert (scene.calls("eu"), scene.calls("us")) == (0, 0)


async def test_special_categories_are_refused_while_the_house_models_circuit_is_open() -> None:
    scene = Scene(
        [model("house"), abroad("eu", "eu"), abroad("us")],
        {"house": (ErrorClass.UNREACHABLE,)},
        resilience=StatedResilience(retries_max=0, circuit_opens_after=1),
    )
    router = scene.router

    first = await scene.play(request(sensitivity=Sensitivity.SPECIAL), router)
    then = await scene.play(request(sensitivity=Sensitivity.SPECIAL), router)

    (failed,), (refused,) = outcomes_of(first), outcomes_of(then)
    assert isinstance(failed, CompletionFailed)
    assert isinstance(refused, RequestRefused)
    assert failed.code is refused.code is ErrorCode.SENSITIVITY_LOCAL_ONLY
    assert [scene.calls(name) for name in ("house", "eu", "us")] == [1, 0, 0]


async def test_a_personal_request_goes_home_when_the_eu_is_down_and_never_further() -> None:
    models = [abroad("eu", "eu"), abroad("us"), model("house")]
    scene = Scene(models, {"eu": (ErrorClass.SERVER_ERROR,)}, policy("eu", "us", "house"))

    events = await scene.play(request())

    (answer,) = outcomes_of(events)
    assert isinstance(answer, CompletionProduced)
    assert answer.model == "house"
    assert [scene.calls(one.name) for one in models] == [1, 0, 1]
