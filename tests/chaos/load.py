"""Requests that are really in flight: many at once, each with a person of its own in it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from openai import OpenAIError

from stellwerk.errors import StellwerkError
from tests.chaos.callers import Caller, Told, callers
from tests.fixtures.platform import Platform

REQUESTS = 200
LATENCY_MS = 400
CALLS_BEFORE = 60
"""So many calls have reached the provider when something is killed: some requests are answered by
then, some are with the provider, and some still wait to be masked."""
IN_FLIGHT_MIN = 50
STREAMED_EVERY = 4
BEGIN_S_MAX = 20.0


@dataclass
class Load:
    """What was asked and what came back. `failures` has the errors that callers got."""

    answers: dict[int, Told] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def request_ids(self) -> set[UUID]:
        return {answer.request_id for answer in self.answers.values()}

    async def ask(self, caller: Caller, number: int) -> None:
        """Ask for one letter and note how it ended."""
        text = f"Skriv kort til fru Mette Skovlund, {address_of(number)}, om sag 4711."
        try:
            answer = await caller.ask(text, stream=number % STREAMED_EVERY == 0)
        except (StellwerkError, OpenAIError) as error:
            self.failures.append(error)
        else:
            assert number not in self.answers
            self.answers[number] = answer


def address_of(number: int) -> str:
    """Return the invented e-mail address that stands in one request and in no other."""
    return f"kunde{number}@eksempel.dk"


async def with_all_in_flight(
    platform: Platform, disaster: Callable[[], Awaitable[None]], *, over_http: bool = False
) -> Load:
    """Send all requests at once, let disaster strike in the middle, and wait for every result.

    Who asks over HTTP asks again when a connection breaks, by the same idempotency key.
    """
    load, apps = Load(), ("crm",)
    platform.script(latency_ms=LATENCY_MS)
    door = callers(platform, http=apps, persistent=True) if over_http else callers(platform, apps)
    async with door as (caller,):
        asking = [asyncio.create_task(load.ask(caller, number)) for number in range(REQUESTS)]
        await _calls(platform, CALLS_BEFORE, load)
        in_flight = sum(not task.done() for task in asking)
        assert in_flight >= IN_FLIGHT_MIN, f"only {in_flight} were in flight"
        await disaster()
        await asyncio.gather(*asking)
    return load


async def _calls(platform: Platform, count: int, load: Load) -> None:
    """Return when the provider has been called so often; say what stands in the way if it is not.

    Callers that are refused at once would otherwise look like a platform that is slow.
    """
    deadline = time.monotonic() + BEGIN_S_MAX
    seen = 0
    while seen < count:
        assert load.failures == [], load.failures[:3]
        assert time.monotonic() < deadline, f"only {seen} calls: {platform.unready()}"
        await asyncio.sleep(0.02)
        seen = len(await asyncio.to_thread(platform.provider_calls))
