"""What a replica knows of models: limits they share, who waits, what others should hear."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from services.router import health as healths
from services.router.attempts import Heard
from services.router.domain import Model
from services.router.faults import ErrorClass
from services.router.health import Admission, Health
from services.router.providers.base import Limits
from services.router.quotas import OVERDUE_S
from shared.contracts.providers import ModelHealth, ProviderChange, ReplicaHealth
from shared.contracts.routing import StatedLimits, StatedResilience
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import now
from tests.unit.router.world import model, request

RULES = StatedResilience(circuit_opens_after=2, circuit_rests_s=5.0)
TWO = StatedLimits(requests_per_minute=2)
TEN_LEFT = Limits(requests_a_minute=10, requests_left=9, requests_back_in_s=6.0)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def heard(
    one: Model, fault: ErrorClass | None = None, limits: Limits | None = None, **said: Any
) -> Heard:
    outcome = AttemptOutcome.ANSWERED if fault is None else AttemptOutcome.FAILED
    attempt = Attempt(
        id=UUID(int=1), model=one.name, provider=one.provider, outcome=outcome, **said
    )
    return Heard(attempt, error_class=fault, limits=limits)


def called(health: Health, one: Model, fault: ErrorClass | None = None, **said: Any) -> None:
    health.admit(one).end(heard(one, fault, **said))


def other(*models: ModelHealth) -> ReplicaHealth:
    return ReplicaHealth(replica="r2", at=now(), models=models)


def waits(health: Health, *models: Model) -> Sequence[float]:
    known = health.conditions({one.name: one for one in models})
    return [known[one.name].wait_s if one.name in known else 0.0 for one in models]


def test_what_was_never_called_simply_does_well() -> None:
    one = model("large")

    assert Health(RULES).conditions({one.name: one}) == {}


def test_a_limit_stated_at_the_provider_is_shared_by_its_models() -> None:
    one, two = (model(name, limits=TWO, limits_shared=True) for name in ("large", "small"))
    health = Health(RULES, Clock())
    called(health, one)
    called(health, one)

    assert waits(health, one, two) == pytest.approx([30.0, 30.0])


def test_a_limit_stated_at_a_model_is_its_own() -> None:
    one, two = (model(name, limits=TWO) for name in ("large", "small"))
    health = Health(RULES, Clock())
    called(health, one)
    called(health, one)

    assert waits(health, one, two) == pytest.approx([30.0, 0.0])


def test_a_changed_statement_counts_at_once() -> None:
    health, clock = Health(RULES, Clock()), model("large", limits=TWO)
    called(health, clock)
    called(health, clock)
    raised = model("large", limits=StatedLimits(requests_per_minute=120))

    assert waits(health, raised)[0] <= 0.5


def test_tokens_count_as_they_were_used_once_that_is_known() -> None:
    one = model("large", limits=StatedLimits(tokens_per_minute=1000))
    health = Health(RULES, Clock())
    health.admit(one, 900).end(heard(one, input_tokens=50, output_tokens=50))

    assert health.counts_tokens
    assert health.wait_s(one, 0.0, 900) == pytest.approx(0.0)
    assert health.wait_s(one, 0.0, 1000) == pytest.approx(6.0)


def test_calls_side_by_side_have_a_limit_of_their_own() -> None:
    one = model("large", limits=StatedLimits(side_by_side=2))
    health = Health(RULES, Clock())
    first, _ = health.admit(one), health.admit(one)
    assert waits(health, one)[0] > 0

    first.end(heard(one))
    assert waits(health, one) == [0.0]


def test_an_admission_ends_once_and_one_that_was_not_used_is_given_back() -> None:
    one = model("large", limits=TWO)
    health = Health(RULES, Clock())
    admission = health.admit(one)
    admission.end()
    admission.end(heard(one))

    (known,) = health.known({one.name: one})
    assert (known.in_flight, known.calls_in_minute, known.room) == (0, 0, 1.0)


def test_replicas_share_and_a_circuit_open_elsewhere_makes_a_model_the_last() -> None:
    one, two = model("large", limits=TWO), model("small")
    health = Health(RULES, Clock())
    ill = ModelHealth(model="small", provider="house", circuit_open=True)
    health.shared([other(ill)])
    called(health, one)

    assert waits(health, one) == pytest.approx([60.0])
    assert health.conditions({two.name: two})[two.name].resting
    health.shared([])
    assert waits(health, one)[0] < 60.0


def test_who_waits_is_let_in_before_who_comes_later() -> None:
    one, clock = model("large", limits=TWO), Clock()
    health = Health(RULES, clock)
    called(health, one)
    called(health, one)
    early = request()
    assert health.queue(early, one, 30.0)
    clock.at += 30.0

    arrived = healths.arrival_of(early)
    assert health.wait_s(one, arrived) == 0.0
    assert health.wait_s(one, arrived + 1) == OVERDUE_S, "who is due now may come any moment"
    clock.at += OVERDUE_S
    assert health.wait_s(one, arrived + 1) == 0.0, "and has not come"


def test_who_sleeps_on_the_bus_for_longer_holds_up_nobody() -> None:
    one, clock = model("large", limits=TWO), Clock()
    health = Health(RULES, clock)
    called(health, one)
    called(health, one)
    early = request()
    health.queue(early, one, 300.0)

    assert health.wait_s(one, healths.arrival_of(early) + 1) == pytest.approx(30.0)


def test_who_comes_next_waits_behind_all_that_wait() -> None:
    one, clock = model("large", limits=TWO), Clock()
    health = Health(RULES, clock)
    called(health, one)
    called(health, one)
    waits_s = []
    for _ in range(5):
        event = request()
        waits_s.append(health.wait_s(one, healths.arrival_of(event)))
        health.queue(event, one, waits_s[-1] or 0.0)

    assert waits_s == pytest.approx([30.0, 60.0, 90.0, 120.0, 150.0])


def test_who_does_not_come_back_here_is_not_waited_for() -> None:
    one, clock = model("large", limits=TWO), Clock()
    health = Health(RULES, clock)
    health.admit(one)
    health.queue(request(), one, 10.0)
    clock.at += 13.0
    health.shared([])

    (known,) = health.known({one.name: one})
    assert known.waiting == 0


def test_who_waits_for_one_provider_leaves_room_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(healths, "WAITING_AT_ONE_MAX", 2)
    monkeypatch.setattr(healths, "WAITING_MAX", 3)
    one, two = model("large", limits=TWO), model("small", limits=TWO)
    health = Health(RULES, Clock())

    assert [health.queue(request(), one, 9.0) for _ in range(3)] == [True, True, False]
    assert [health.queue(request(), two, 9.0) for _ in range(2)] == [True, False]


def test_a_circuit_is_told_of_when_it_opens_and_when_it_closes() -> None:
    one, clock = model("large"), Clock()
    health = Health(RULES, clock)
    called(health, one, ErrorClass.UNREACHABLE)
    called(health, one, ErrorClass.TIMEOUT)
    clock.at += 5.0
    called(health, one)

    opened, closed = health.changes()
    assert (opened.change, opened.error_class) == (ProviderChange.CIRCUIT_OPENED, "timeout")
    assert (closed.change, closed.error_class) == (ProviderChange.CIRCUIT_CLOSED, None)
    assert health.changes() == []


def test_a_limit_is_told_of_when_it_changes_and_only_then() -> None:
    one = model("large")
    health = Health(RULES, Clock())
    for limit in (10, 10, 5, 5):
        health.admit(one).end(heard(one, limits=Limits(requests_a_minute=limit, requests_left=3)))

    assert [one.requests_a_minute for one in health.changes()] == [10, 5]


def test_what_is_known_counts_the_last_minute_only() -> None:
    one, clock = model("large"), Clock()
    health = Health(RULES, clock)
    called(health, one, ErrorClass.SERVER_ERROR)
    clock.at += 61.0
    called(health, one, first_token_ms=40)

    (known,) = health.known({one.name: one})
    assert (known.calls_in_minute, known.faults_in_minute) == (1, 0)
    assert known.first_token_ms == 40


def test_a_cancelled_call_says_nothing_of_the_model() -> None:
    one = model("large")
    health = Health(RULES, Clock())
    called(health, one, ErrorClass.UNREACHABLE)
    admission: Admission = health.admit(one)
    said = heard(one)
    said.attempt = said.attempt.model_copy(update={"outcome": AttemptOutcome.CANCELLED})
    admission.end(said)
    called(health, one, ErrorClass.UNREACHABLE)

    assert health.conditions({one.name: one})[one.name].circuit_open
