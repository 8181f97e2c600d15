"""One request from its claim to its end: hold, calls, and the events that tell of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.router import attempts
from services.router.attempts import Call, Heard, Leaving, Patience
from services.router.chunks import Chunks
from services.router.costs import Terms
from services.router.deciding import Sight, Strategies, decide
from services.router.domain import Leg
from services.router.endpoints import Endpoints
from services.router.faults import failure_code
from services.router.health import Health
from services.router.ledger import Ledger
from services.router.outbound import LeakFoundError, cleared
from services.router.outcomes import Story, events_in, refused
from services.router.providers.base import ClearedRequest
from services.router.rows import Claim, Start
from services.router.settings import Configuration, Settings, configuration_of, today
from services.router.store import Claimed, Step
from services.router.strategies.base import check_strategies
from services.router.translating import as_asked_of
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.commands import Command, Reply
from shared.contracts.configuration import ConfigurationVersion
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import Sensitivity, new_id, now
from shared.errors import DependencyDown

HOLD_KEPT: Final = timedelta(minutes=15)
"""A hold outlives its request's deadline by this, so that a late settlement still finds it."""
RETRY_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)

Ask = Callable[[Command], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class World:
    """What a request meets on its way."""

    configuration: Configuration
    endpoints: Endpoints
    ledger: Ledger
    ask: Ask
    patience: Patience
    health: Health
    strategies: Strategies
    settings: Settings = field(default_factory=Settings)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where references of the configuration have their values; secrets are among them."""

    def configured(self, version: ConfigurationVersion) -> "World":
        """Return this world under another version. Raises `ConfigError` if it cannot be used."""
        if version.version == self.configuration.version:
            return self
        configuration = configuration_of(version.version, version.documents, self.environment)
        check_strategies(configuration.policy, self.strategies)
        endpoints = Endpoints.of(configuration, self.settings, self.endpoints)
        self.health.configured(configuration.policy.resilience)
        return replace(self, configuration=configuration, endpoints=endpoints)


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
        configuration = world.configuration
        sight = Sight(configuration.models, configuration.policy, world.strategies, today())
        routing = decide(event, sight, world.health.conditions(configuration.models))
        self._plan = routing.plan
        self._story = Story(event, configuration.version, routing, configuration.models, now())
        self._known: Claimed | None = None

    async def run(self) -> Result:
        """Return how the request ends; the ledger has it by then.

        Raises `DependencyDown` when the ledger cannot be reached before the deadline, and
        `Transient` when billing says that it failed.
        """
        code, request = self._ready()
        if code is None:
            code = await self._hold()
        start = self._start(self._plan[0]) if code is None else None
        if self._known is None or not (self._known.ending or self._known.conflict):
            self._known = await self._claim(start)
        known = self._known
        if known.ending is not None:
            return Result(events_in(known.ending))
        if known.conflict:
            conflict = refused(self._event, self._story.config_version, ErrorCode.CONFLICT)
            return Result([conflict])
        self._story.attempts += known.attempts
        if code is None:
            assert start is not None
            assert request is not None
            code = await self._call_all(start, request)
        return await self._end(code)

    # --- before the first call ---------------------------------------------------------------

    def _ready(self) -> tuple[ErrorCode | None, ClearedRequest | None]:
        """Return what the first call sends, or why there will be none."""
        if self._leaving.has_left:
            return ErrorCode.CANCELLED, None
        if self._is_late():
            return ErrorCode.DEADLINE, None
        if self._story.routing.code is not None:
            return self._story.routing.code, None
        try:
            return None, self._request(self._plan[0])
        except LeakFoundError:
            return ErrorCode.LEAK_CHECK, None

    async def _hold(self) -> ErrorCode | None:
        """Have the worst case set aside; return why it was not.

        Billing away is waited for until the deadline: a request is never sent unpaid.
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
                if self._is_late():
                    return ErrorCode.BILLING_UNAVAILABLE
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
            else:
                break
        assert isinstance(reply, HoldReply)
        if reply.code is None:
            leg = self._story.routing.dearest
            price = reply.price or leg.model.price
            self._story.terms = Terms(leg.model.name, reply.held_nano, price)
        return reply.code or self._over()

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

    # --- calls -------------------------------------------------------------------------------

    async def _call_all(self, start: Start, request: ClearedRequest) -> ErrorCode | None:
        """Call the models of the plan until one answers; return why none did."""
        for number, leg in enumerate(self._plan):
            if number > 0:
                start = self._start(leg)
                try:
                    request = self._request(leg)
                except LeakFoundError:
                    return ErrorCode.LEAK_CHECK
                step = Step(self._story.attempts[-1], start)
                await self._world.ledger.step(step, self._event.deadline)
            over = self._over()
            if over is not None:
                self._story.attempts.append(_cancelled(start))
                return over
            heard = await self._call(start.id, leg, request, others=len(self._plan) - number - 1)
            if heard.is_cancelled:
                return ErrorCode.CANCELLED
            fault = heard.error_class
            if fault is None:
                return None
            spoken = self._chunks is not None and bool(heard.text)
            late = self._is_late()
            last = leg is self._plan[-1]
            if spoken or late or last or not fault.may_fall_back:
                in_house = self._event.sensitivity is Sensitivity.SPECIAL
                return failure_code(fault, spoken=spoken, late=late, in_house=in_house)
        raise AssertionError("a plan has at least one model")

    async def _call(
        self, attempt_id: UUID, leg: Leg, request: ClearedRequest, others: int
    ) -> Heard:
        left_s = (self._event.deadline - now()).total_seconds()
        call = Call(
            id=attempt_id,
            leg=leg,
            request=request,
            deadline=asyncio.get_running_loop().time() + left_s,
            others=others,
            operation=self._event.operation,
            messages=len(self._event.messages),
            leaving=self._leaving,
        )
        world = self._world
        provider = world.endpoints.provider_of(leg.model)
        say = self._chunks.say if self._chunks is not None else _to_nobody
        world.health.begin(leg.model)
        heard = await attempts.make(call, provider, world.patience, say)
        world.health.end(leg.model, heard)
        self._story.attempts.append(heard.attempt)
        self._story.heard = heard
        return heard

    def _start(self, leg: Leg) -> Start:
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

    def _request(self, leg: Leg) -> ClearedRequest:
        provider = self._world.endpoints.provider_of(leg.model)
        ask = as_asked_of(leg.model, self._event)
        return cleared(provider.request(ask, leg.model.upstream, leg.output_tokens_max))

    def _over(self) -> ErrorCode | None:
        """Return why no call may be begun any more."""
        if self._leaving.has_left:
            return ErrorCode.CANCELLED
        return ErrorCode.DEADLINE if self._is_late() else None

    def _is_late(self) -> bool:
        return now() >= self._event.deadline

    # --- the end -----------------------------------------------------------------------------

    async def _end(self, code: ErrorCode | None) -> Result:
        if self._chunks is not None:
            self._story.chunks = self._chunks.count_with_rest
        answer, usage, end = self._story.ended(code)
        ending = await self._world.ledger.end(end)
        if ending is not end.ending:
            # Somebody else had the same request and was faster: theirs is the one result.
            return Result(events_in(ending))
        return Result([answer, usage], tell=True, code=code)


def _cancelled(start: Start) -> Attempt:
    """Return a call that was written down and never made."""
    return Attempt(
        id=start.id,
        model=start.model,
        provider=start.provider,
        outcome=AttemptOutcome.CANCELLED,
    )


def _to_nobody(_text: str) -> None:
    """Keep an answer that is not streamed to ourselves until it is whole."""
