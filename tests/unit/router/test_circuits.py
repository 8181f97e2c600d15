"""A circuit opens after faults, lets one trial through at a time, and rests longer after each."""

import pytest

from services.router.circuits import LOOKED_AT, REST_S_MAX, Circuit
from services.router.faults import ErrorClass
from shared.contracts.routing import StatedResilience

RULES = StatedResilience(circuit_opens_after=3, circuit_rests_s=5.0)
DOWN = ErrorClass.UNREACHABLE


def called(circuit: Circuit, fault: ErrorClass | None, at: float) -> None:
    circuit.end(fault, RULES, at, is_trial=circuit.begin())


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(3):
        called(circuit, DOWN, at)
    return circuit


def test_it_opens_after_faults_in_a_row_and_is_tried_again_after_its_rest() -> None:
    circuit = Circuit()
    called(circuit, DOWN, 0.0)
    called(circuit, DOWN, 0.0)
    assert not circuit.bars(0.0)
    assert circuit.rests(0.0)

    called(circuit, DOWN, 0.0)
    assert circuit.bars(4.9)
    assert not circuit.bars(5.0)


def test_half_of_the_last_calls_open_it_too() -> None:
    circuit = Circuit()
    for number in range(LOOKED_AT):
        called(circuit, DOWN if number % 2 else None, 0.0)

    assert circuit.is_open


@pytest.mark.parametrize("fault", [one for one in ErrorClass if not one.opens_circuit])
def test_what_is_not_the_models_fault_never_opens_it(fault: ErrorClass) -> None:
    circuit = Circuit()
    for _ in range(2 * LOOKED_AT):
        called(circuit, fault, 0.0)

    assert not circuit.is_open


def test_one_trial_at_a_time_and_a_good_one_closes_it() -> None:
    circuit = opened()
    is_trial = circuit.begin()

    assert is_trial
    assert circuit.bars(5.0)
    circuit.end(None, RULES, 5.0, is_trial=is_trial)
    assert not circuit.is_open
    assert not circuit.bars(5.0)


def test_a_failed_trial_doubles_the_rest_up_to_two_minutes() -> None:
    circuit, at, rests = opened(), 5.0, []
    for _ in range(8):
        called(circuit, DOWN, at)
        assert circuit.open_until is not None
        rests.append(circuit.open_until - at)
        at = circuit.open_until

    assert rests[:3] == [10.0, 20.0, 40.0]
    assert rests[-1] == REST_S_MAX


def test_a_trial_that_is_broken_off_leaves_room_for_the_next() -> None:
    circuit = opened()
    circuit.break_off(is_trial=circuit.begin())

    assert not circuit.bars(5.0)
    assert circuit.is_open


def test_calls_that_began_before_it_opened_say_nothing_any_more() -> None:
    circuit = Circuit()
    early = circuit.begin()
    for _ in range(3):
        called(circuit, DOWN, 0.0)
    trial = circuit.begin()

    circuit.end(None, RULES, 5.0, is_trial=early)
    assert circuit.bars(5.0), "the trial still runs"
    circuit.end(DOWN, RULES, 5.0, is_trial=early)
    assert circuit.rest_s == 5.0
    circuit.end(None, RULES, 5.0, is_trial=trial)
    assert not circuit.is_open
