"""Takes masked requests and yields what becomes of them, live and for good."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from services.router.attempts import Leaving
from services.router.chunks import Chunks
from services.router.journey import Journey, Result
from services.router.outcomes import lost, refused
from services.router.replicas import Replicas
from services.router.reporting import agreements, changed, states_of
from services.router.settings import today
from services.router.world import World
from shared.bus import Answered, GivenUp
from shared.contracts.completions import CompletionFailed
from shared.contracts.configuration import ConfigurationVersion
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, RequestEvent
from shared.contracts.providers import ProviderTest, ProviderTestReply
from shared.contracts.requests import RequestCancelled, RequestRedacted, RequestRefused
from shared.contracts.values import now

LEFT_KEPT_S: Final = 600.0
"""A caller may leave before its request has come here: so long it is known that nobody waits."""
LEFT_MAX: Final = 50_000


HasLeft = Callable[[RequestRedacted], Awaitable[bool]]


@dataclass(slots=True)
class _InHand:
    """One request that is being worked on."""

    event: RequestRedacted
    leaving: Leaving = field(default_factory=Leaving)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Router:
    """The handler of the slots: each request that it is given ends in one outcome and one usage."""

    def __init__(
        self, world: World, missed: HasLeft | None = None, replicas: Replicas | None = None
    ) -> None:
        """Work in `world`; `missed` finds out whose caller left before this process listened."""
        self._world = world
        self._missed = missed
        self._replicas = replicas
        self._told: date | None = None
        self._in_hand: dict[UUID, _InHand] = {}
        self._left: OrderedDict[tuple[str, str, UUID], float] = OrderedDict()

    async def request_redacted(self, event: RequestRedacted) -> AsyncIterator[Event]:
        """Have a request answered; yield chunks while it is, then what is kept of it."""
        while event.request_id in self._in_hand:
            # The same request, sent again before it was answered: its answer is ours too.
            await self._in_hand[event.request_id].ended.wait()
        own = self._in_hand[event.request_id] = _InHand(event)
        try:
            if _place(event) in self._left or (self._missed and await self._missed(event)):
                own.leaving.leave()
            world = self._world  # A request ends under the configuration that it began under.
            if event.stream:
                async for effect in _streamed(event, world, own.leaving):
                    yield effect
            else:
                for effect in (await Journey(event, world, None, own.leaving).run()).events:
                    yield effect
        finally:
            del self._in_hand[event.request_id]
            own.ended.set()

    async def requests_cancelled(self, events: Sequence[RequestCancelled]) -> Sequence[Event]:
        """Break off requests that nobody waits for; they end as such, and cost what was used.

        One that is not here may still come, so it is remembered: then no provider is called.
        """
        at = time.monotonic()
        for event in events:
            self._left[_place(event)] = at
            self._left.move_to_end(_place(event))
            own = self._in_hand.get(event.request_id)
            if own is not None and _place(own.event) == _place(event):
                own.leaving.leave()
        while self._left and (
            len(self._left) > LEFT_MAX or next(iter(self._left.values())) < at - LEFT_KEPT_S
        ):
            self._left.popitem(last=False)
        return ()

    async def configured(self, version: ConfigurationVersion) -> None:
        """Work by another version from the next request on; those in hand keep theirs.

        Raises `ConfigError` if it cannot be used here; then nothing changes.
        """
        await self._take_over(self._world.configured(version))

    async def probe(self) -> None:
        """Ask every address in force whether it is there."""
        await self._world.endpoints.probe()
        if self._replicas is not None:
            await self._replicas.forget()

    async def look_around(self) -> Sequence[Event]:
        """Share what is known with the other replicas; return what others should know.

        Prices and retirements follow the calendar here, too.
        """
        await self._take_over(self._world.on(today()))
        health, configuration = self._world.health, self._world.configuration
        known = health.known(configuration.models)
        if self._replicas is not None:
            health.shared(await self._replicas.exchange(known))
        events: list[Event] = [*changed(health.changes(), configuration.version, now())]
        day = today()
        if self._told != day:
            # Each replica says it once a day, with one id for all of them.
            self._told = day
            events += agreements(configuration, day)
        return events

    async def provider_test(self, commands: Sequence[ProviderTest]) -> Answered:
        """Return how each provider does just now, also those that are off."""
        return Answered(await asyncio.gather(*map(self._tested, commands)))

    async def close(self) -> None:
        """Close all connections."""
        if self._replicas is not None:
            await self._replicas.leave()
        await self._world.endpoints.close()

    def given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Tell the caller of a request that could not be handled, and settle its hold."""
        version = self._world.configuration.version
        if isinstance(letter.event, RequestRedacted):
            if letter.code.is_refusal:
                return [refused(letter.event, version, letter.code)]
            releases = self._world.resilience.on_unknown == "release"
            return lost(letter.event, version, letter.code, releases=releases)
        if letter.code.is_refusal:
            return [letter.following(RequestRefused, code=letter.code)]
        return [letter.following(CompletionFailed, code=letter.code, attempts=0)]

    async def _take_over(self, world: World) -> None:
        before = self._world
        if world is not before:
            self._world = world
            await before.endpoints.close_unless(world.endpoints)

    async def _tested(self, command: ProviderTest) -> ProviderTestReply:
        world = self._world
        configuration, endpoints = world.configuration, world.endpoints
        if command.provider is not None and command.provider not in configuration.providers:
            return ProviderTestReply(id=command.id, code=ErrorCode.NOT_FOUND)
        wanted = [command.provider] if command.provider else list(configuration.providers)
        await endpoints.probe({place for name in wanted for place in endpoints.places_of(name)})
        known = world.health.known(configuration.models)
        states = states_of(configuration, endpoints, known, today(), command.provider)
        return ProviderTestReply(id=command.id, providers=states)


async def _streamed(event: RequestRedacted, world: World, leaving: Leaving) -> AsyncIterator[Event]:
    chunks = Chunks(event, world.configuration.version)
    work = asyncio.create_task(Journey(event, world, chunks, leaving).run())
    try:
        async for chunk in chunks.until_done(work):
            yield chunk
        result = await work
    finally:
        await _cancelled(work)
    if result.tell:
        yield chunks.end(result.code)
    for effect in result.events:
        yield effect


def _place(event: RequestEvent) -> tuple[str, str, UUID]:
    return event.tenant, event.app, event.request_id


async def _cancelled(work: asyncio.Task[Result]) -> None:
    """End work that nobody waits for any more, and with it the call that it has open."""
    if not work.done():
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
