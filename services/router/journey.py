"""One request from its decision to its end: limits, hold, calls, and the events that tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from services.router.attempts import Leaving
from services.router.calling import HERE_S_MAX, Calls, Next, postponed
from services.router.chunks import Chunks
from services.router.costs import Terms
from services.router.deciding import Conditions, decide
from services.router.domain import WELL, Routing
from services.router.health import Admission, arrival_of
from services.router.outbound import LeakFoundError
from services.router.outcomes import Story, events_in, refused, released
from services.router.providers.base import ClearedRequest
from services.router.rows import Claim, Start
from services.router.sizing import OUTPUT_TOKENS_DEFAULT, size_of
from services.router.store import Claimed
from services.router.world import World
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted
from shared.contracts.usage import Attempt
from shared.contracts.values import now
from shared.errors import DependencyDown

HOLD_KEPT: Final = timedelta(minutes=15)
"""A hold outlives its request's deadline by this, so that a late settlement still finds it."""
RETRY_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
PRICED_AFTER_TRIES: Final = 5
"""Four seconds: every service looks for a new version each second."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is published. `tell` says whether a stream's caller is told the end, and with which."""

    events: list[Event] = field(repr=False)
    tell: bool = False
    code: ErrorCode | None = None


class Journey:
    """Takes one request through; `run` is called once."""

    def __init__(
        self, event: RequestRedacted, world: World, chunks: Chunks | None, leaving: Leaving
    ) -> None:
        self._event = event
        self._world = world
        self._chunks = chunks
        self._leaving = leaving
        self._known: Claimed | None = None
        self._admission: Admission | None = None
        self._story: Story
        self._calls: Calls

    async def run(self) -> Result:
        """Return how the request ends; the ledger has it by then.

        Raises `Postponed` when the bus shall keep it until a limit lets it in, `DependencyDown`
        when the ledger cannot be reached before the deadline, and `Transient` when billing says
        that it failed.
        """
        try:
            code = await self._decide()
            return await self._run(code)
        finally:
            if self._admission is not None:
                self._admission.end()  # Counts for nothing if its call was made.

    async def _run(self, code: ErrorCode | None) -> Result:
        request: ClearedRequest | None = None
        if code is None:
            code, request = self._cleared()
        if code is None:
            code = await self._hold()
        start = self._calls.start(self._story.routing.plan[0]) if code is None else None
        if self._known is None or not (self._known.ending or self._known.conflict):
            self._known = await self._claim(start)
        known = self._known
        if known.ending is not None:
            return Result(events_in(known.ending))
        if known.conflict:
            conflict = refused(self._event, self._story.config_version, ErrorCode.CONFLICT)
            return Result([conflict])
        self._story.attempts += self._counted(known.attempts)
        if code is None:
            assert start is not None
            assert request is not None
            assert self._admission is not None
            first = Next(self._story.routing.plan[0], request, start, self._admission)
            code = await self._calls.make_all(first)
        return await self._end(code)

    # --- before the first call ---------------------------------------------------------------

    async def _decide(self) -> ErrorCode | None:
        """Decide, and have the first model's limits let the request in; return why nobody may.

        A wait that is short is sat out here. A longer one the bus sits out: then the request is
        decided anew when it comes back, before any hold or claim is made for it.
        """
        health, arrived = self._world.health, arrival_of(self._event)
        tokens = self._tokens() if health.counts_tokens else 1
        models = self._world.configuration.models
        health.returned(self._event)
        while True:
            conditions = health.conditions(models, arrived, tokens)
            self._begin(decide(self._event, self._world.sight(), conditions), tokens)
            code = self._calls.over() or self._story.routing.code
            if code is not None:
                return code
            wait_s = self._first_in_time(conditions)
            leg = self._story.routing.plan[0]
            if wait_s <= 0:
                self._admission = health.admit(leg.model, tokens)
                return None
            if wait_s >= self._calls.left_s or not health.queue(self._event, leg.model, wait_s):
                return ErrorCode.PROVIDER_UNAVAILABLE
            if wait_s > HERE_S_MAX and self._calls.may_go_back:
                raise postponed(wait_s)
            await self._leaving.rest(wait_s)
            health.returned(self._event)

    def _begin(self, routing: Routing, tokens: int) -> None:
        configuration = self._world.configuration
        self._story = Story(
            self._event, configuration.version, routing, configuration.models, now()
        )
        self._calls = Calls(self._story, self._world, tokens, self._chunks, self._leaving)

    def _first_in_time(self, conditions: Conditions) -> float:
        """Return how long the plan's first model lets the request wait.

        One that would let it in after its deadline only is left out, if another is in time.
        """
        routing, left_s = self._story.routing, self._calls.left_s
        for number, leg in enumerate(routing.plan):
            wait_s = conditions.get(leg.model.name, WELL).wait_s
            if wait_s < left_s:
                self._story.routing = replace(routing, plan=routing.plan[number:])
                return wait_s
        return routing.wait_s

    def _tokens(self) -> int:
        """Return how many tokens the request may need, as limits count them."""
        return size_of(self._event).likely + (self._event.max_tokens or OUTPUT_TOKENS_DEFAULT)

    def _cleared(self) -> tuple[ErrorCode | None, ClearedRequest | None]:
        """Return what the first call sends, or why there will be none."""
        try:
            return None, self._calls.request(self._story.routing.plan[0])
        except LeakFoundError:
            return ErrorCode.LEAK_CHECK, None

    async def _hold(self) -> ErrorCode | None:
        """Have the worst case set aside; return why it was not.

        Billing away is waited for until the deadline: a request is never sent unpaid. A model that
        it has no price for yet may be as new as the version in force, so it is asked a few times.
        """
        command, tries = self._hold_request(), 0
        while True:
            try:
                reply = await self._world.ask(command)
            except DependencyDown:
                if tries == 0:
                    # Was it answered already? Then there is nothing to wait for.
                    self._known = await self._claim(None)
                    if self._known.ending or self._known.conflict:
                        return None
                if self._leaving.has_left:
                    return ErrorCode.CANCELLED
                if self._calls.left_s <= 0:
                    return ErrorCode.BILLING_UNAVAILABLE
            else:
                assert isinstance(reply, HoldReply)
                is_new = reply.code is ErrorCode.NO_CAPABLE_MODEL and tries < PRICED_AFTER_TRIES
                if not is_new or self._calls.over() is not None:
                    break
            await self._leaving.rest(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
        if reply.code is None:
            leg = self._story.routing.dearest
            price = reply.price or leg.model.price
            self._story.terms = Terms(leg.model.name, reply.held_nano, price)
        return reply.code or self._calls.over()

    def _hold_request(self) -> HoldRequest:
        event, leg = self._event, self._story.routing.dearest
        return HoldRequest(
            id=self._story.hold_id,
            actor="router",
            tenant=event.tenant,
            app=event.app,
            request_id=event.request_id,
            use_case=event.use_case,
            user=event.user,
            model=leg.model.name,
            provider=leg.model.provider,
            input_tokens_max=leg.input_tokens_max,
            output_tokens_max=leg.output_tokens_max,
            characters_max=leg.characters_max,
            expires_at=event.deadline + HOLD_KEPT,
        )

    async def _claim(self, start: Start | None) -> Claimed:
        fingerprint = bytes.fromhex(self._event.fingerprint)
        claim = Claim(self._event.request_id, fingerprint, start)
        return await self._world.ledger.claim(claim, self._event.deadline)

    # --- the end -----------------------------------------------------------------------------

    def _counted(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """Return what earlier processes called; the policy says what an unknown end costs."""
        releases = self._world.resilience.on_unknown == "release"
        return [released(one) for one in attempts] if releases else attempts

    async def _end(self, code: ErrorCode | None) -> Result:
        if self._chunks is not None:
            self._story.chunks = self._chunks.count_with_rest
        answer, usage, end = self._story.ended(code)
        ending = await self._world.ledger.end(end)
        if ending is not end.ending:
            # Somebody else had the same request and was faster: theirs is the one result.
            return Result(events_in(ending))
        return Result([answer, usage], tell=True, code=code)
