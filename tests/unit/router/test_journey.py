"""Nothing is called that no money has been set aside for."""

from datetime import timedelta

from shared.contracts.completions import CompletionProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import RequestRefused
from shared.contracts.values import now
from tests.unit.router.world import Desk, Scene, model, only, request


async def test_billing_away_is_waited_for() -> None:
    scene = Scene([model("large")], desk=Desk(away=2))

    effects = await scene.play(request())

    assert only(effects, CompletionProduced).text == "Hej."
    assert {hold.id for hold in scene.desk.asked} == {scene.desk.asked[0].id}


async def test_a_price_that_billing_does_not_have_yet_is_asked_for_again() -> None:
    scene = Scene([model("large")], desk=Desk(unpriced=2))

    effects = await scene.play(request())

    assert only(effects, CompletionProduced).text == "Hej."
    assert len(scene.desk.asked) == 3


async def test_a_model_without_a_price_is_refused_and_not_called() -> None:
    scene = Scene([model("large")], desk=Desk(code=ErrorCode.NO_CAPABLE_MODEL))

    effects = await scene.play(request())

    assert only(effects, RequestRefused).code is ErrorCode.NO_CAPABLE_MODEL
    assert scene.calls("large") == 0


async def test_billing_away_until_the_deadline_refuses() -> None:
    scene = Scene([model("large")], desk=Desk(away=1_000))

    effects = await scene.play(request(deadline=now() + timedelta(seconds=0.2)))

    assert only(effects, RequestRefused).code is ErrorCode.BILLING_UNAVAILABLE
    assert scene.calls("large") == 0


async def test_billing_away_does_not_delay_what_was_answered_before() -> None:
    scene = Scene([model("large")])
    event = request()
    first = await scene.play(event)
    scene.desk.away = 1_000

    again = await scene.play(event)

    assert [one.id for one in again] == [one.id for one in first]
