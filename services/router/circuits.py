"""Whether a model is left alone: its circuit opens after faults, and one trial at a time closes it.

Pure: the clock is the caller's.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from services.router.faults import ErrorClass
from shared.contracts.routing import StatedResilience

LOOKED_AT: Final = 20
"""So many of the last calls are looked at."""
REST_S_MAX: Final = 120.0
TRIED_LAST_S: Final = 5.0
"""After one fault already, so that the next requests do not all wait for the same time-out."""


@dataclass(slots=True)
class Circuit:
    """The circuit of one model at one replica."""

    faults_in_a_row: int = 0
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    last_until: float = 0.0
    open_until: float | None = None
    """Until then nobody calls; after it, one trial does. None: the circuit is closed."""
    rest_s: float = 0.0
    trial: bool = False

    @property
    def is_open(self) -> bool:
        """Return whether it has not been proved well since it opened."""
        return self.open_until is not None

    def bars(self, now: float) -> bool:
        """Return whether nobody may call just now."""
        return self.open_until is not None and (self.trial or now < self.open_until)

    def rests(self, now: float) -> bool:
        """Return whether others are tried first."""
        return now < self.last_until

    def begin(self) -> bool:
        """Note that a call begins; return whether it is the trial of an open circuit."""
        self.trial = self.trial or self.is_open
        return self.is_open

    def break_off(self, *, is_trial: bool) -> None:
        """Note that a call ended with no word on the model, so that another may be the trial."""
        if is_trial:
            self.trial = False

    def end(
        self, fault: ErrorClass | None, rules: StatedResilience, now: float, *, is_trial: bool
    ) -> None:
        """Note how a call ended; a fault that is not the model's counts as well done."""
        if self.is_open and not is_trial:
            return  # It began before the circuit opened, and says nothing of now.
        self.break_off(is_trial=is_trial)
        if fault is None or not fault.opens_circuit:
            self.outcomes.append(True)
            self.faults_in_a_row, self.open_until, self.rest_s = 0, None, 0.0
            self.last_until = 0.0
            return
        self.last_until = now + TRIED_LAST_S
        self.outcomes.append(False)
        self.faults_in_a_row += 1
        if self._is_unwell(rules):
            rest_s = self.rest_s * 2 if self.is_open else rules.circuit_rests_s
            self.rest_s = min(rest_s, max(REST_S_MAX, rules.circuit_rests_s))
            self.open_until = now + self.rest_s
            self.outcomes.clear()

    def _is_unwell(self, rules: StatedResilience) -> bool:
        if self.is_open:
            return True  # The trial failed.
        half = len(self.outcomes) == LOOKED_AT and self.outcomes.count(False) * 2 >= LOOKED_AT
        return half or self.faults_in_a_row >= rules.circuit_opens_after
