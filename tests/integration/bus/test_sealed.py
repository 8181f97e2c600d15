"""The sealed map travels from cause to masked effect; only the redactor's handler is given it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from shared.contracts.completions import CompletionProduced, CompletionRestored, Outcome
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted, RequestSubmitted
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import complete, mask, used

SEALED = "c2VhbGVk"


async def test_the_sealed_map_reaches_the_redactor_again_and_nobody_else(bus: Bus) -> None:
    seen: dict[str, str | None] = {}

    async def mask_sealed(events: Sequence[RequestSubmitted]) -> list[Event]:
        return [mask(event).with_sealed(SEALED) for event in events]

    async def answer(event: RequestRedacted) -> AsyncIterator[Event]:
        seen["router"] = event.sealed
        usage = used()
        yield complete(event)
        yield usage.model_copy(update={"cause": event.id})

    async def restore(events: Sequence[Any]) -> list[Event]:
        (event,) = events
        assert isinstance(event, CompletionProduced)
        seen["redactor"] = event.sealed
        return [CompletionRestored.following(event, outcome=Outcome.COMPLETION, text="Kære")]

    async def look(events: Sequence[Any]) -> list[Event]:
        seen.update({f"evals {event.kind}": event.sealed for event in events})
        return []

    redactor, router, evals = (bus.service(name) for name in ("redactor", "router", "evals"))
    redactor.batch("redactor-requests", mask_sealed)
    redactor.batch("redactor-completions", restore)
    router.slot("router-requests", answer)
    evals.batch("evals-completions", look)
    async with running(redactor, router, evals):
        await bus.send(submitted())
        await eventually(lambda: len(seen) == 4)
        await eventually(lambda: _answered(bus))
    assert seen == {
        "router": None,
        "redactor": SEALED,
        "evals request.redacted": None,
        "evals completion.produced": None,
    }
    assert await _header(bus, "SW_MASKED", "sw.masked.request.redacted.>") == SEALED
    assert await _header(bus, "SW_MASKED", "sw.masked.completion.produced.>") == SEALED
    assert await _header(bus, "SW_META", "sw.meta.usage.recorded.>") is None
    assert await _header(bus, "SW_CLEAR", "sw.clear.completion.restored.>") is None


async def _answered(bus: Bus) -> bool:
    return await bus.stored("SW_CLEAR") == 1


async def _header(bus: Bus, stream: str, subject: str) -> str | None:
    message = await bus.js.get_last_msg(stream, subject)
    return (message.headers or {}).get("Sw-Sealed")
