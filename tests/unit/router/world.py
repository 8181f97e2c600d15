"""A world for the router: invented models, a ledger in memory, providers with a script."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.router import deciding
from services.router.attempts import Patience
from services.router.deciding import Conditions, Sight
from services.router.domain import Model, Policy, Route, Routing
from services.router.endpoints import Endpoints, place_of
from services.router.faults import ErrorClass
from services.router.handlers import Router
from services.router.health import Health
from services.router.providers.base import (
    ClearedRequest,
    Counted,
    Ended,
    Outgoing,
    Piece,
    ProviderError,
    Stopped,
    Text,
)
from services.router.rows import Claim, End, Ending
from services.router.settings import Configuration
from services.router.store import Claimed, Step
from services.router.strategies.base import strategies
from services.router.world import World
from shared.contracts.billing import HoldReply, HoldRequest
from shared.contracts.commands import Command, Reply
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.money import Price
from shared.contracts.requests import Message, RequestRedacted, Role
from shared.contracts.routing import Agreement, Capability, StatedResilience
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import Sensitivity, new_id, now
from shared.errors import DependencyDown

PRICE = Price(id=UUID(int=1), currency="EUR", input_token_nano=10, output_token_nano=100)
AnyEvent = TypeVar("AnyEvent", bound=Event)
DAY = date(2026, 11, 24)
AGREEMENT = Agreement(reference="DPA 2026-17", signed=date(2026, 1, 1))
COUNTED = Counted(TokenUsage(input_tokens=20, output_tokens=5))
WHOLE = (COUNTED, Stopped(FinishReason.STOP), Ended())
"""How an answer ends that is whole."""


def model(name: str, **changes: Any) -> Model:
    """Return an invented local model that can do everything."""
    made = Model(
        name=name,
        provider="house",
        upstream=name,
        wire="openai",
        base_url=f"http://{name}.example/v1",
        local=True,
        region="house",
        residency="local",
        capabilities=frozenset(Capability),
        context_tokens=4096,
        output_tokens_max=512,
        price=PRICE,
    )
    return replace(made, **changes)


def abroad(name: str, residency: str = "us", **changes: Any) -> Model:
    """Return an invented model of somebody else's."""
    stated = {"provider": "elsewhere", "residency": residency, "agreement": AGREEMENT}
    return model(name, local=False, **(stated | changes))


def policy(*names: str, **changes: Any) -> Policy:
    """Return a policy that tries these models in this order."""
    made = Policy(
        default=Route(names, "as-listed"),
        tasks={},
        residency={
            Sensitivity.PERSONAL: frozenset({"local", "eu"}),
            Sensitivity.SPECIAL: frozenset({"local"}),
        },
        fallbacks={},
    )
    return replace(made, **changes)


def request(content: str = "Skriv til Klient_001.", **changes: Any) -> RequestRedacted:
    """Return a masked request that has half a minute left."""
    said: dict[str, Any] = {
        "request_id": new_id(),
        "tenant": "default",
        "app": "letters",
        "messages": (Message(role=Role.USER, content=content),),
        "sensitivity": Sensitivity.PERSONAL,
        "fingerprint": "ab" * 32,
        "deadline": now() + timedelta(seconds=30),
        "redactor": "r1",
    }
    return RequestRedacted(**(said | changes))


def only(events: Sequence[Event], kind: type[AnyEvent]) -> AnyEvent:
    """Return the one event of a kind."""
    (found,) = (event for event in events if isinstance(event, kind))
    return found


def decide(
    ask: RequestRedacted,
    models: Mapping[str, Model],
    rules: Policy,
    conditions: Conditions | None = None,
    day: date = DAY,
) -> Routing:
    """Return what is decided on an invented day, by the strategies that ship."""
    return deciding.decide(ask, Sight(models, rules, strategies(), day), conditions or {})


Script = Sequence[Piece | ErrorClass | ProviderError | float]
"""What a provider does: pieces it says, an error it ends with, seconds that it is silent."""


@dataclass
class ScriptedProvider:
    """A provider in memory that follows a script, the same at each call.

    `turns` come before it: one for each of the first calls.
    """

    script: Script
    turns: list[Script] = field(default_factory=list)
    calls: list[UUID] = field(default_factory=list)
    open: int = 0
    """Calls that are neither ended nor broken off."""

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        body = f"{model} {output_tokens_max} {ask.messages[0].content}".encode()
        return Outgoing("/ask", body, stream=ask.stream)

    async def call(self, request: ClearedRequest, attempt_id: UUID) -> AsyncGenerator[Piece, None]:
        self.calls.append(attempt_id)
        self.open += 1
        try:
            for step in self.turns.pop(0) if self.turns else self.script:
                if isinstance(step, ProviderError):
                    raise step
                if isinstance(step, ErrorClass):
                    raise ProviderError(step)
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.open -= 1

    async def probe(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class MemoryLedger:
    """The ledger's rules without a database."""

    fingerprints: dict[UUID, bytes] = field(default_factory=dict)
    attempts: dict[UUID, dict[UUID, Attempt]] = field(default_factory=dict)
    ends: dict[UUID, End] = field(default_factory=dict)

    async def claim(self, claim: Claim, deadline: datetime) -> Claimed:
        known = self.fingerprints.setdefault(claim.request_id, claim.fingerprint)
        if known != claim.fingerprint:
            return Claimed(conflict=True)
        if claim.request_id in self.ends:
            return Claimed(ending=self.ends[claim.request_id].ending)
        earlier = tuple(self.attempts.get(claim.request_id, {}).values())
        if claim.start is not None:
            self._start(claim.request_id, claim.start.id, claim.start.model)
        return Claimed(attempts=earlier)

    async def step(self, step: Step, deadline: datetime) -> None:
        if step.heard is not None:
            for calls in self.attempts.values():
                if step.heard.id in calls:
                    calls[step.heard.id] = step.heard
        if step.start is not None:
            self._start(step.start.request_id, step.start.id, step.start.model)

    async def end(self, end: End) -> Ending:
        return self.ends.setdefault(end.request_id, end).ending

    def _start(self, request_id: UUID, attempt_id: UUID, name: str) -> None:
        self.attempts.setdefault(request_id, {})[attempt_id] = Attempt(
            id=attempt_id,
            model=name,
            provider="house",
            outcome=AttemptOutcome.UNKNOWN,
            input_tokens=50,
            output_tokens=512,
        )


@dataclass
class Desk:
    """Billing's side of a hold; away as often as it is told."""

    code: ErrorCode | None = None
    away: int = 0
    unpriced: int = 0
    """How often it has no price for the model yet."""
    asked: list[HoldRequest] = field(default_factory=list)

    async def ask(self, command: Command) -> Reply:
        assert isinstance(command, HoldRequest)
        self.asked.append(command)
        if self.away > 0:
            self.away -= 1
            raise DependencyDown("billing")
        if self.unpriced > 0:
            self.unpriced -= 1
            return HoldReply(id=command.id, code=ErrorCode.NO_CAPABLE_MODEL)
        price = None if self.code else PRICE
        return HoldReply(id=command.id, code=self.code, held_nano=70_000, price=price)


def world_of(
    configuration: Configuration,
    endpoints: Endpoints,
    ledger: MemoryLedger | None = None,
    desk: Desk | None = None,
) -> World:
    """Return a world with a ledger in memory and a desk that grants every hold."""
    return World(
        configuration=configuration,
        endpoints=endpoints,
        ledger=ledger or MemoryLedger(),
        ask=(desk or Desk()).ask,
        patience=Patience(5.0, 5.0),
        health=Health(configuration.policy.resilience),
        strategies=strategies(),
    )


@dataclass
class Scene:
    """A router with everything around it, to be looked at after the play."""

    models: Sequence[Model]
    scripts: Mapping[str, Script] = field(default_factory=dict)
    policy: Policy | None = None
    desk: Desk = field(default_factory=Desk)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    patience: Patience = field(default_factory=lambda: Patience(5.0, 5.0))
    resilience: StatedResilience = field(default_factory=lambda: StatedResilience(retries_max=0))

    def __post_init__(self) -> None:
        self.providers = {
            one.base_url: ScriptedProvider(self.scripts.get(one.name, (Text("Hej."), *WHOLE)))
            for one in self.models
        }

    @property
    def router(self) -> Router:
        """Return a router that starts here, with an empty memory: a process of its own."""
        configuration = Configuration(
            version="c0ffee",
            models={one.name: one for one in self.models},
            policy=replace(
                self.policy or policy(*(one.name for one in self.models)),
                resilience=self.resilience,
            ),
            keys={},
        )
        places = {place_of(one): self.providers[one.base_url] for one in self.models}
        endpoints = Endpoints(places, list(self.models))
        world = world_of(configuration, endpoints, self.ledger, self.desk)
        return Router(replace(world, patience=self.patience, health=Health(self.resilience)))

    async def play(self, event: RequestRedacted, router: Router | None = None) -> list[Event]:
        """Return everything that the router yields for a request."""
        return [effect async for effect in (router or self.router).request_redacted(event)]

    async def called(self, name: str) -> None:
        """Return when a model has been called."""
        async with asyncio.timeout(5):
            while not self.calls(name):  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0)

    def calls(self, name: str) -> int:
        """Return how often a model was called."""
        (url,) = (one.base_url for one in self.models if one.name == name)
        return len(self.providers[url].calls)
