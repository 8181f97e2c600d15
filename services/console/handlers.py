"""What the pages ask: published views and other services, each of which may be away."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar
from uuid import UUID

from services.console import domain, store
from services.console.domain import Column, ModelCalls, Mood, Numbers, Turn, Visitor
from services.console.pages.base import Desk
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import (
    Incident,
    IncidentAck,
    IncidentList,
    IncidentListReply,
    IncidentReply,
    IncidentState,
)
from shared.contracts.records import RecordRead, RecordReply
from shared.contracts.traces import TraceRead, TraceReply
from shared.contracts.values import now
from shared.errors import DependencyDown, Transient

LATEST_MAX: Final = 50
INCIDENTS_MAX: Final = 50
SLICE: Final = timedelta(minutes=30)
SLICES: Final = 48
OVERVIEW_S: Final = 5.0
MODELS_DAY_S: Final = 60.0
COUNTS_KEPT_MAX: Final = 10_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An answer, or the name of who did not give one; a page shows the rest."""

    value: T | None = None
    away: str | None = None


async def found(service: str, asking: Awaitable[T]) -> Found[T]:
    """Return an answer; that somebody is away is an answer too."""
    try:
        return Found(await asking)
    except DependencyDown as error:
        return Found(away=error.dependency)
    except Transient:
        return Found(away=service)


# --- operations ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overview:
    """The last 24 hours."""

    numbers: Numbers
    columns: tuple[Column, ...]
    models: tuple[ModelCalls, ...]
    apps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incidents:
    """What is wrong, and what was."""

    open: tuple[Incident, ...]
    resolved: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class State:
    """All that the top of the operations page shows."""

    overview: Found[Overview]
    incidents: Found[Incidents]
    mood: Mood


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list, with how many values were masked, once audit knows."""

    request: store.LatestRequest
    masked: int | None


async def state(desk: Desk) -> State:
    """Return the numbers, the models and the incidents; two questions side by side."""
    overview, incidents = await asyncio.gather(
        found("postgresql", desk.remembered("overview", OVERVIEW_S, lambda: _overview(desk))),
        found("watch", _incidents(desk)),
    )
    opened = incidents.value.open if incidents.value else None
    models = overview.value.models if overview.value else None
    return State(overview, incidents, domain.mood(opened, models))


async def _overview(desk: Desk) -> Overview:
    first = _slice_start(now()) - SLICE * (SLICES - 1)
    async with store.reading(desk.database) as tx:
        numbers = await store.numbers(tx)
        parts = domain.slices(await store.slices(tx, SLICE, first), first, SLICE, SLICES)
        return Overview(numbers, domain.chart(parts), await store.models(tx), await store.apps(tx))


def _slice_start(at: datetime) -> datetime:
    past_the_hour = timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    return at - past_the_hour % SLICE


async def _incidents(desk: Desk) -> Incidents:
    reply = await desk.ask(
        IncidentList(actor="console", reason="page", resolved_too=True, limit=INCIDENTS_MAX)
    )
    assert isinstance(reply, IncidentListReply)
    by_state = [(one.state is IncidentState.RESOLVED, one) for one in reply.incidents]
    return Incidents(
        tuple(one for resolved, one in by_state if not resolved),
        tuple(one for resolved, one in by_state if resolved),
    )


async def acknowledge(desk: Desk, visitor: Visitor, incident_id: UUID) -> ErrorCode | None:
    """Say that the visitor takes care of an incident; return why it could not be said."""
    reply = await desk.ask(
        IncidentAck(actor=visitor.app, reason="console", incident_id=incident_id)
    )
    assert isinstance(reply, IncidentReply)
    return reply.code


class Latest:
    """The list of the latest requests. What was masked in one never changes, so it is kept."""

    def __init__(self) -> None:
        self._masked: OrderedDict[UUID, int] = OrderedDict()

    async def read(self, desk: Desk, app: str | None, outcome: str | None) -> Sequence[Listed]:
        """Return the requests that ended last; raises `DependencyDown`."""
        async with store.reading(desk.database) as tx:
            requests = await store.latest(tx, app, outcome, LATEST_MAX)
            unknown = [one.request_id for one in requests if one.request_id not in self._masked]
            if unknown:
                self._masked |= await store.masked_counts(tx, unknown)
        while len(self._masked) > COUNTS_KEPT_MAX:
            self._masked.popitem(last=False)
        return [Listed(one, self._masked.get(one.request_id)) for one in requests]


# --- models ---------------------------------------------------------------------------------------


async def models(desk: Desk) -> tuple[domain.ModelLine, ...]:
    """Return how each model does; a whole day is counted once a minute, whoever looks."""
    day = await desk.remembered("models_day", MODELS_DAY_S, lambda: _models_day(desk))
    return await desk.remembered("models", OVERVIEW_S, lambda: _models(desk, day))


async def _models_day(desk: Desk) -> dict[store.Place, domain.Speed]:
    async with store.reading(desk.database) as tx:
        return await store.speeds(tx, "day")


async def _models(desk: Desk, day: dict[store.Place, domain.Speed]) -> tuple[domain.ModelLine, ...]:
    async with store.reading(desk.database) as tx:
        return await store.model_lines(tx, day)


# --- one request --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows of one request."""

    request: store.Request
    calls: Sequence[store.Call]
    candidates: Sequence[store.Candidate]
    scores: Sequence[store.Score]
    masking: store.Masking | None


@dataclass(frozen=True, slots=True)
class Story:
    """One request with its trace."""

    facts: Found[Facts | None]
    bars: Found[tuple[domain.Bar, ...]]

    @property
    def total_ms(self) -> float:
        return max((bar.start_ms + bar.duration_ms for bar in self.bars.value or ()), default=0.0)


async def story(desk: Desk, visitor: Visitor, request_id: UUID) -> Story:
    """Return all that may be shown of a request without its text."""
    facts, bars = await asyncio.gather(
        found("postgresql", _facts(desk, request_id)),
        found("watch", _bars(desk, visitor, request_id)),
    )
    return Story(facts, bars)


async def _facts(desk: Desk, request_id: UUID) -> Facts | None:
    async with store.reading(desk.database) as tx:
        request = await store.request(tx, request_id)
        if request is None:
            return None
        return Facts(
            request,
            await store.calls(tx, request_id),
            await store.candidates(tx, request_id),
            await store.scores(tx, request_id),
            await store.masking(tx, request_id),
        )


async def _bars(desk: Desk, visitor: Visitor, request_id: UUID) -> tuple[domain.Bar, ...]:
    reply = await desk.ask(TraceRead(actor=visitor.app, reason="console", request_id=request_id))
    assert isinstance(reply, TraceReply)
    return domain.waterfall(reply.spans)


@dataclass(frozen=True, slots=True)
class MaskedText:
    """What audit showed, or why it did not."""

    turns: tuple[Turn, ...] = ()
    reason: str = ""
    tree_size: int = 0
    code: ErrorCode | None = None


async def masked_text(desk: Desk, visitor: Visitor, request_id: UUID, reason: str) -> MaskedText:
    """Return the masked text of a request through audit, which records the look."""
    reply = await desk.ask(
        RecordRead(actor=visitor.app, role=visitor.role, reason=reason, request_id=request_id)
    )
    assert isinstance(reply, RecordReply)
    turns = domain.turns(entry.envelope for entry in reply.entries)
    return replace(
        MaskedText(reason=reason, tree_size=reply.tree_size, code=reply.code), turns=turns
    )
