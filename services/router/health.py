"""How each model does: whether its circuit is open, how much its limits let in, how fast it is.

A call is let in by `admit`, which takes its part of the limits and, behind an open circuit, the one
trial; the admission is ended exactly once, whatever happens to the call. What other replicas know
comes in by `shared`: they use their part of each limit, and a circuit that is open there is a
reason to try others first here.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.router import metrics
from services.router.attempts import Heard
from services.router.circuits import LOOKED_AT, Circuit
from services.router.domain import Condition, Model
from services.router.faults import ErrorClass
from services.router.quotas import Quota
from shared.contracts.providers import ModelHealth, ProviderChange, ReplicaHealth
from shared.contracts.requests import RequestRedacted
from shared.contracts.routing import StatedResilience

MINUTE_S: Final = 60
WAITING_MAX: Final = 2_048
"""That wait for limits, at all replicas together. What waits on the bus counts as not acknowledged,
and of that there may be 4,096: the rest is for those that are being answered."""
WAITING_AT_ONE_MAX: Final = 512
"""That wait for one limit, so that those who wait for one provider leave room for the others."""
LATE_CHANGES_MAX: Final = 1_000
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Change:
    """Something about a provider that others should know."""

    provider: str
    model: str
    change: ProviderChange
    error_class: str | None = None
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None


@dataclass(slots=True)
class _State:
    """What is known of one model."""

    model: Model
    quota: Quota
    circuit: Circuit = field(default_factory=Circuit)
    first_ms: deque[int] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    first_ms_median: int | None = None
    in_flight: int = 0
    seconds: deque[list[int]] = field(default_factory=lambda: deque(maxlen=MINUTE_S))
    """Of each of the last seconds with a call: which it was, its calls, its faults."""
    seen: dict[Any, Any] = field(default_factory=dict)
    """Metrics by label: looking one up costs more than counting with it."""
    told: tuple[int | None, int | None] = None, None

    def count(self, second: int, *, is_fault: bool) -> None:
        """Count a call of this second."""
        if not self.seconds or self.seconds[-1][0] != second:
            self.seconds.append([second, 0, 0])
        self.seconds[-1][1] += 1
        self.seconds[-1][2] += is_fault


class Admission:
    """Leave to make one call. Ended once: by what was heard, or by None if nothing was sent."""

    __slots__ = ("_health", "_is_trial", "_state", "_tokens")

    def __init__(self, health: "Health", state: _State, tokens: int, *, is_trial: bool) -> None:
        self._health = health
        self._state: _State | None = state
        self._tokens = tokens
        self._is_trial = is_trial

    def end(self, heard: Heard | None = None) -> None:
        """Say what became of the call; a second word counts for nothing."""
        state, self._state = self._state, None
        if state is not None:
            self._health.ended(state, heard, self._tokens, is_trial=self._is_trial)


class Health:
    """What this replica knows of all models."""

    def __init__(self, resilience: StatedResilience, clock: Clock = time.monotonic) -> None:
        self.counts_tokens = False
        """Whether any limit is one of tokens, so that requests must be counted before they go."""
        self._resilience = resilience
        self._clock = clock
        self._states: dict[str, _State] = {}
        self._quotas: dict[tuple[str, str | None], Quota] = {}
        self._share = 1.0
        self._shares_quotas = False
        self._ill_elsewhere: frozenset[str] = frozenset()
        self._waiting_elsewhere = 0
        self._changes: deque[Change] = deque(maxlen=LATE_CHANGES_MAX)

    def configured(self, resilience: StatedResilience) -> None:
        """Judge by other numbers from now on."""
        self._resilience = resilience

    # --- before a call -----------------------------------------------------------------------

    def conditions(
        self, models: Mapping[str, Model], arrived: float = 0.0, tokens: int = 1
    ) -> dict[str, Condition]:
        """Return how each model does that does not simply do well.

        For a request that came to the bus at `arrived` and may need so many tokens.
        """
        at = self._clock()
        found: dict[str, Condition] = {}
        for name, state in self._states.items():
            model = models.get(name)
            if model is not None:
                known = state if state.model is model else self._state(model)
                found[name] = self._condition(name, known, at, arrived, tokens)
        if self._ill_elsewhere or self._shares_quotas:
            # What others know counts for models, too, that were never called here.
            for name in models.keys() - found.keys():
                quota = self._quotas.get(_place(models[name]))
                if quota is not None or name in self._ill_elsewhere:
                    state = self._state(models[name])
                    found[name] = self._condition(name, state, at, arrived, tokens)
        return found

    def wait_s(self, model: Model, arrived: float, tokens: int = 1) -> float | None:
        """Return how long a call must wait for a model; None while its circuit is open."""
        state, at = self._state(model), self._clock()
        if state.circuit.bars(at):
            return None
        return state.quota.wait_s(at, tokens, arrived)

    def admit(self, model: Model, tokens: int = 1) -> Admission:
        """Let one call to a model in. End what is returned, whatever happens."""
        state = self._state(model)
        state.in_flight += 1
        state.quota.take(self._clock(), tokens)
        return Admission(self, state, tokens, is_trial=state.circuit.begin())

    def queue(self, event: RequestRedacted, model: Model, wait_s: float) -> bool:
        """Note that a request waits for a model; return False if too many do already."""
        quota = self._state(model).quota
        waiting = self._waiting_elsewhere + sum(one.waiting for one in self._quotas.values())
        if waiting >= WAITING_MAX or quota.waiting >= WAITING_AT_ONE_MAX * self._share:
            return False
        quota.queue(event.request_id, arrival_of(event), self._clock() + wait_s)
        return True

    def returned(self, event: RequestRedacted) -> None:
        """Note that a request waits no more."""
        for quota in self._quotas.values():
            quota.leave(event.request_id)

    # --- after a call ------------------------------------------------------------------------

    def ended(self, state: _State, heard: Heard | None, tokens: int, *, is_trial: bool) -> None:
        """Note how an admitted call ended; `Admission.end` alone says so."""
        at, quota, circuit = self._clock(), state.quota, state.circuit
        state.in_flight -= 1
        if heard is None:
            quota.give_back(at, tokens)
            circuit.break_off(is_trial=is_trial)
            return
        attempt, fault = heard.attempt, heard.error_class
        used = attempt.input_tokens + attempt.output_tokens
        quota.end(at, attempt.duration_ms / 1000, tokens - used if used else 0)
        _measure(state, heard)
        if heard.limits is not None:
            quota.hear(heard.limits, at)
        if fault is ErrorClass.RATE_LIMITED:
            quota.refuse(heard.limits, heard.retry_after_s, at)
        if heard.limits is not None or fault is ErrorClass.RATE_LIMITED:
            self._tell_limits(state)
        if heard.is_cancelled:
            circuit.break_off(is_trial=is_trial)
            return  # That says nothing about the model.
        state.count(int(at), is_fault=fault is not None)
        if attempt.first_token_ms is not None:
            state.first_ms.append(attempt.first_token_ms)
            state.first_ms_median = sorted(state.first_ms)[len(state.first_ms) // 2]
        was_open = circuit.is_open
        circuit.end(fault, self._resilience, at, is_trial=is_trial)
        if circuit.is_open is not was_open and state.model.name not in self._ill_elsewhere:
            opened, closed = ProviderChange.CIRCUIT_OPENED, ProviderChange.CIRCUIT_CLOSED
            change = opened if circuit.is_open else closed
            error_class = fault.value if fault is not None and circuit.is_open else None
            self._changes.append(
                Change(state.model.provider, state.model.name, change, error_class)
            )

    def changes(self) -> list[Change]:
        """Return what has changed since the last time."""
        told = list(self._changes)
        self._changes.clear()
        return told

    # --- with other replicas -----------------------------------------------------------------

    def shared(self, others: Collection[ReplicaHealth]) -> None:
        """Take over what the other replicas know, and leave them their part of each limit."""
        self._share = 1 / (1 + len(others))
        for quota in self._quotas.values():
            quota.shared(self._share)
            quota.forget_overdue(self._clock())
        self._ill_elsewhere = frozenset(
            one.model for other in others for one in other.models if one.circuit_open
        )
        self._waiting_elsewhere = sum(one.waiting for other in others for one in other.models)

    def known(self, models: Mapping[str, Model]) -> tuple[ModelHealth, ...]:
        """Return what this replica knows of the models it has called; the gauges say so, too."""
        at = self._clock()
        told: set[int] = set()
        found = []
        for name, state in self._states.items():
            if name not in models:
                continue
            # Whoever waits for a limit that models share is counted once, at the first of them.
            waiting = 0 if id(state.quota) in told else state.quota.waiting
            told.add(id(state.quota))
            found.append(_known(state, at, waiting))
        for one in found:
            _show(one)
        return tuple(found)

    def _state(self, model: Model) -> _State:
        state = self._states.get(model.name)
        if state is not None and state.model is model:
            return state
        place = _place(model)
        quota = self._quotas.get(place)
        if quota is None:
            quota = self._quotas[place] = Quota()
            quota.shared(self._share)
        quota.stated(model.limits)
        self._shares_quotas |= model.limits_shared
        self.counts_tokens |= quota.tokens.stated is not None
        if state is None:
            state = self._states[model.name] = _State(model, quota)
        state.model, state.quota = model, quota
        return state

    def _condition(
        self, name: str, state: _State, at: float, arrived: float, tokens: int
    ) -> Condition:
        return Condition(
            circuit_open=state.circuit.bars(at),
            resting=state.circuit.rests(at) or name in self._ill_elsewhere,
            wait_s=state.quota.wait_s(at, tokens, arrived),
            first_token_ms=state.first_ms_median,
            room=state.quota.room(at),
        )

    def _tell_limits(self, state: _State) -> None:
        """Note a limit that differs from what was last told of it."""
        requests, tokens = state.quota.requests, state.quota.tokens
        self.counts_tokens |= tokens.limit is not None
        learned = requests.told or requests.found, tokens.told or tokens.found
        if learned == state.told:
            return
        state.told = learned
        self._changes.append(
            Change(
                state.model.provider,
                state.model.name,
                ProviderChange.LIMIT_LEARNED,
                requests_a_minute=requests.a_minute,
                tokens_a_minute=tokens.a_minute,
            )
        )


def arrival_of(event: RequestRedacted) -> float:
    """Return when a request came to the bus, by the bus's own clock: who came first goes first."""
    return event.received_at.timestamp()


def _place(model: Model) -> tuple[str, str | None]:
    """Return where a model's limits are counted: at its provider, if they were stated there."""
    return model.provider, None if model.limits_shared else model.name


def _measure(state: _State, heard: Heard) -> None:
    attempt, model = heard.attempt, state.model
    how = attempt.outcome.value, attempt.error_class or "none"
    counted = state.seen.get(how)
    if counted is None:
        counted = state.seen[how] = (
            metrics.CALLS.labels(model.provider, model.name, *how).inc,
            metrics.CALL_SECONDS.labels(model.provider, model.name).observe,
            metrics.FIRST_SECONDS.labels(model.provider, model.name).observe,
        )
    count, took, began = counted
    count()
    took(attempt.duration_ms / 1000)
    if attempt.first_token_ms is not None:
        began(attempt.first_token_ms / 1000)


def _known(state: _State, at: float, waiting: int) -> ModelHealth:
    recent = [one for one in state.seconds if one[0] > at - MINUTE_S]
    quota = state.quota
    return ModelHealth(
        model=state.model.name,
        provider=state.model.provider,
        circuit_open=state.circuit.is_open,
        in_flight=state.in_flight,
        waiting=waiting,
        calls_in_minute=sum(calls for _, calls, _ in recent),
        faults_in_minute=sum(faults for _, _, faults in recent),
        requests_a_minute=quota.requests.a_minute,
        tokens_a_minute=quota.tokens.a_minute,
        room=round(quota.room(at), 3),
        first_token_ms=state.first_ms_median,
    )


def _show(known: ModelHealth) -> None:
    labels = known.provider, known.model
    values = known.in_flight, known.waiting, known.room, known.circuit_open
    for gauge, value in zip(metrics.GAUGES, values, strict=True):
        gauge.labels(*labels).set(value)
    for of, limit in (("requests", known.requests_a_minute), ("tokens", known.tokens_a_minute)):
        if limit is not None:
            metrics.LIMIT.labels(*labels, of).set(limit)
