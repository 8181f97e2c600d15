"""The calls of one request: whom, how often, after which pause, and when the bus takes it back.

Every call is written down before it is made, the same model's second one too.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services.router import attempts
from services.router.attempts import Call, Heard, Leaving
from services.router.chunks import Chunks
from services.router.domain import Leg
from services.router.faults import ErrorClass, failure_code
from services.router.health import Admission, arrival_of
from services.router.outbound import LeakFoundError, cleared
from services.router.outcomes import Story
from services.router.providers.base import ClearedRequest
from services.router.rows import Start
from services.router.store import Step
from services.router.translating import as_asked_of
from services.router.world import World
from shared.contracts.errors import ErrorCode
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import Sensitivity, new_id, now
from shared.errors import Postponed

HERE_S_MAX: Final = 1.0
"""A longer wait is not worth a slot: the bus keeps the request meanwhile."""
LATER_S_MIN: Final = 0.05
BACKOFF_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Before the same model is asked again, give or take a half, so that not all come at once."""
LIMITED_MAX: Final = 8
"""Calls of one request that its provider's limits have refused; it is not sent for ever."""
PROVIDER: Final = "provider"
Soonest = tuple[float, Leg]
"""In how many seconds which model could be asked."""


@dataclass(slots=True)
class Next:
    """A call that may be made: whom, with what, and the leave to do so."""

    leg: Leg
    request: ClearedRequest
    start: Start
    admission: Admission
    tries: int = 0
    """How often this model was asked before, for this request and by this process."""


class Calls:
    """Makes calls until one has answered or none may be made any more."""

    def __init__(
        self,
        story: Story,
        world: World,
        tokens: int,
        chunks: Chunks | None,
        leaving: Leaving,
    ) -> None:
        self._story = story
        self._event = story.event
        self._world = world
        self._tokens = tokens
        self._chunks = chunks
        self._leaving = leaving

    def start(self, leg: Leg) -> Start:
        """Return a call as it is written down before it is made."""
        return Start(
            id=new_id(),
            request_id=self._event.request_id,
            model=leg.model.name,
            provider=leg.model.provider,
            input_tokens_max=leg.input_tokens_max,
            output_tokens_max=leg.output_tokens_max,
            region=leg.model.region,
            residency=leg.model.residency,
            deadline=self._event.deadline,
        )

    def request(self, leg: Leg) -> ClearedRequest:
        """Return what a model is sent. Raises `LeakFoundError`."""
        provider = self._world.endpoints.provider_of(leg.model)
        ask = as_asked_of(leg.model, self._event)
        return cleared(provider.request(ask, leg.model.upstream, leg.output_tokens_max))

    def over(self) -> ErrorCode | None:
        """Return why no call may be begun any more."""
        if self._leaving.has_left:
            return ErrorCode.CANCELLED
        return ErrorCode.DEADLINE if self.left_s <= 0 else None

    @property
    def left_s(self) -> float:
        return (self._event.deadline - now()).total_seconds()

    @property
    def may_go_back(self) -> bool:
        """Return whether the bus may have it again: not once its caller has heard anything.

        Who takes it up then begins a stream at its first chunk. Until that comes, no caller counts
        silence, so one that waits is told nothing before it is its turn.
        """
        return self._chunks is None or self._chunks.count_with_rest == 0

    async def make_all(self, first: Next) -> ErrorCode | None:
        """Call models until one answers; return why none did.

        Raises `Postponed` when the bus shall keep the request until limits let it in, and
        `DependencyDown` when the ledger cannot be reached before the deadline.
        """
        following: Next | None = first
        while True:
            assert following is not None
            over = self.over()
            if over is not None:
                following.admission.end()
                self._story.attempts.append(_uncalled(following.start))
                return over
            heard = await self._call(following)
            fault = heard.error_class
            if heard.is_cancelled or fault is None:
                return ErrorCode.CANCELLED if heard.is_cancelled else None
            spoken, late = self._chunks is not None and bool(heard.text), self.left_s <= 0
            if spoken or late or not fault.may_fall_back:
                return failure_code(fault, spoken=spoken, late=late, in_house=self._in_house)
            try:
                following, soonest = await self._next(following, heard)
            except LeakFoundError:
                return ErrorCode.LEAK_CHECK
            if following is None:
                await self._go_back(heard, soonest)
                unanswered = failure_code(fault, spoken=False, late=False, in_house=self._in_house)
                return self.over() or unanswered

    async def _call(self, following: Next) -> Heard:
        world, leg = self._world, following.leg
        call = Call(
            id=following.start.id,
            leg=leg,
            request=following.request,
            deadline=asyncio.get_running_loop().time() + self.left_s,
            others=len(self._behind(leg)),
            operation=self._event.operation,
            messages=len(self._event.messages),
            leaving=self._leaving,
        )
        say: Callable[[str], None] = self._chunks.say if self._chunks is not None else _to_nobody
        heard: Heard | None = None
        try:
            provider = world.endpoints.provider_of(leg.model)
            heard = await attempts.make(call, provider, world.patience, say)
        finally:
            # A call that is broken off says nothing of the model, and holds up no later trial.
            following.admission.end(heard)
        self._story.attempts.append(heard.attempt)
        self._story.heard = heard
        return heard

    async def _next(self, last: Next, heard: Heard) -> tuple[Next | None, Soonest | None]:
        """Return the next call, written down and let in, or who could be asked first later on."""
        soonest: Soonest | None = None
        for leg, tries, pause_s in self._candidates(last, heard):
            await self._leaving.rest(pause_s)
            wait_s = await self._wait_in_turn(leg)
            if self.over() is not None:
                return None, None
            if wait_s is None:
                continue
            if wait_s > 0 or (tries > self._world.resilience.retries_max and not self._must_stay):
                if soonest is None or wait_s < soonest[0]:
                    soonest = wait_s, leg
                continue
            admission = self._world.health.admit(leg.model, self._tokens)
            try:
                following = Next(leg, self.request(leg), self.start(leg), admission, tries)
                step = Step(heard.attempt, following.start)
                await self._world.ledger.step(step, self._event.deadline)
            except BaseException:
                admission.end()
                raise
            return following, None
        return None, soonest

    def _candidates(self, last: Next, heard: Heard) -> Iterator[tuple[Leg, int, float]]:
        """Yield whom to ask next, how often it was asked, and how long to pause before."""
        fault, tries = heard.error_class, last.tries + 1
        assert fault is not None
        if fault is ErrorClass.RATE_LIMITED:
            # Its limits know for how long. One that was asked too often may still be worth waiting
            # for on the bus.
            yield last.leg, tries, 0.0
        elif fault.may_be_retried and tries <= self._world.resilience.retries_max:
            backoff_s = BACKOFF_S[min(tries, len(BACKOFF_S)) - 1] * random.uniform(0.5, 1.5)  # noqa: S311
            pause_s = max(backoff_s, heard.retry_after_s or 0.0)
            if pause_s <= min(HERE_S_MAX, self.left_s / 2):
                yield last.leg, tries, pause_s
        for leg in self._behind(last.leg):
            yield leg, 0, 0.0

    async def _wait_in_turn(self, leg: Leg) -> float | None:
        """Wait for a model's limits if that is soon; return how long it still takes, or None.

        None: its circuit is open. A request that the bus cannot have back waits here for longer,
        if nobody else is left to ask.
        """
        health, arrived = self._world.health, arrival_of(self._event)
        is_last = not self.may_go_back and not self._behind(leg)
        while True:
            wait_s = health.wait_s(leg.model, arrived, self._tokens)
            if wait_s is None or wait_s <= 0 or wait_s >= self.left_s:
                return wait_s
            if wait_s > HERE_S_MAX and not is_last:
                return wait_s
            if not health.queue(self._event, leg.model, wait_s):
                return wait_s
            await self._leaving.rest(wait_s)
            health.returned(self._event)
            if self.over() is not None:
                return wait_s

    async def _go_back(self, heard: Heard, soonest: Soonest | None) -> None:
        """Give the request back to the bus, if a limit lets it in before its deadline."""
        if soonest is None or soonest[0] >= self.left_s:
            return
        if self._is_worn_out or not self.may_go_back:
            return
        if self._chunks is not None:
            self._chunks.hush()
        await self._world.ledger.step(Step(heard.attempt, None), self._event.deadline)
        wait_s, leg = soonest
        if self._world.health.queue(self._event, leg.model, wait_s):
            raise postponed(wait_s)

    def _behind(self, leg: Leg) -> tuple[Leg, ...]:
        plan = self._story.routing.plan
        return plan[plan.index(leg) + 1 :]

    @property
    def _is_worn_out(self) -> bool:
        refused = (one.error_class == ErrorClass.RATE_LIMITED for one in self._story.attempts)
        return sum(refused) >= LIMITED_MAX

    @property
    def _must_stay(self) -> bool:
        """Return whether what would be tried again from the bus is tried again from here."""
        return not self.may_go_back and not self._is_worn_out

    @property
    def _in_house(self) -> bool:
        return self._event.sensitivity is Sensitivity.SPECIAL


def postponed(wait_s: float) -> Postponed:
    """Return what hands a request back to the bus for so long."""
    error = Postponed(PROVIDER, effects=(), waiting=set())
    error.delay_s = max(wait_s, LATER_S_MIN)
    return error


def _uncalled(start: Start) -> Attempt:
    """Return a call that was written down and never made."""
    return Attempt(
        id=start.id,
        model=start.model,
        provider=start.provider,
        outcome=AttemptOutcome.CANCELLED,
    )


def _to_nobody(_text: str) -> None:
    """Keep an answer that is not streamed to ourselves until it is whole."""
