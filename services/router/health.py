"""How each model does: whether its circuit is open, how much its limits let in, how fast it is.

A circuit opens after faults that say that the other side is unwell, and is tried again with one
request at a time. Limits are those that models.yaml states and those that the provider's answers
tell of; the smaller one counts.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from services.router.attempts import Heard
from services.router.domain import Condition, Model
from shared.contracts.routing import StatedResilience

LOOKED_AT: Final = 20
"""So many of the last calls are looked at."""
REST_S_MAX: Final = 120.0
TRIED_LAST_S: Final = 5.0
"""After one fault already, so that the next requests do not all wait for the same time-out."""
Clock = Callable[[], float]


@dataclass(slots=True)
class _State:
    """What is known of one model."""

    faults_in_a_row: int = 0
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    first_ms: deque[int] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    last_until: float = 0.0
    open_until: float | None = None
    rest_s: float = 0.0
    trial: bool = False
    in_flight: int = 0


class Health:
    """What this replica knows of all models."""

    def __init__(self, resilience: StatedResilience, clock: Clock = time.monotonic) -> None:
        self._resilience = resilience
        self._clock = clock
        self._states: dict[str, _State] = {}

    def configured(self, resilience: StatedResilience) -> None:
        """Judge by other numbers from now on."""
        self._resilience = resilience

    def conditions(self, models: Mapping[str, Model]) -> dict[str, Condition]:
        """Return how each model does that does not simply do well."""
        at = self._clock()
        return {
            name: self._condition(state, at)
            for name, state in self._states.items()
            if name in models
        }

    def begin(self, model: Model) -> None:
        """Note that a call to a model begins."""
        state = self._states.setdefault(model.name, _State())
        state.in_flight += 1
        if state.open_until is not None:
            state.trial = True

    def end(self, model: Model, heard: Heard) -> None:
        """Note how a call ended that was begun."""
        state = self._states[model.name]
        state.in_flight -= 1
        state.trial = False
        if heard.is_cancelled:
            return  # That says nothing about the model.
        if heard.attempt.first_token_ms is not None:
            state.first_ms.append(heard.attempt.first_token_ms)
        fault = heard.error_class
        if fault is None or not fault.opens_circuit:
            state.outcomes.append(True)
            state.faults_in_a_row, state.open_until, state.rest_s = 0, None, 0.0
            state.last_until = 0.0
            return
        state.last_until = self._clock() + TRIED_LAST_S
        state.outcomes.append(False)
        state.faults_in_a_row += 1
        if self._is_unwell(state):
            rest_s = state.rest_s * 2 if state.open_until else self._resilience.circuit_rests_s
            state.rest_s = min(rest_s, REST_S_MAX)
            state.open_until = self._clock() + state.rest_s

    def _is_unwell(self, state: _State) -> bool:
        if state.open_until is not None:
            return True  # The trial failed.
        half = len(state.outcomes) == LOOKED_AT and state.outcomes.count(False) * 2 >= LOOKED_AT
        return half or state.faults_in_a_row >= self._resilience.circuit_opens_after

    def _condition(self, state: _State, at: float) -> Condition:
        is_open = state.open_until is not None and (state.trial or at < state.open_until)
        first_ms = round(median(state.first_ms)) if state.first_ms else None
        return Condition(
            circuit_open=is_open, resting=at < state.last_until, first_token_ms=first_ms
        )
