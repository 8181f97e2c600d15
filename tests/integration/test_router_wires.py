"""One suite over all providers: whole answers come through, and no fault ever looks like one.

Each provider is asked over real sockets by the router's own journey, against a server that speaks
the wire as its provider documents it (tests/fixtures/wires).
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from services.router.answer import SAID_BYTES_MAX
from services.router.faults import ErrorClass
from services.router.providers.base import PACKAGE, ProviderModule
from shared.contracts.completions import FinishReason, UsageSource
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Operation, Tool
from shared.contracts.usage import Attempt
from shared.contracts.values import now
from shared.plugins import load
from tests.fixtures.wires.base import (
    CALLS,
    SAID,
    TEXTS,
    THOUGHTS,
    TRANSLATE,
    Mode,
    Script,
    Tokens,
    Wire,
    wire_of,
)
from tests.fixtures.wires.faults import BEHIND, RETRY_AFTER_S, Fault, lacking
from tests.fixtures.wires.server import WireServer, wire_server
from tests.fixtures.wires.staging import TEXTS_ASKED, Played, asking, place, play, router_at

NAMES: Final = sorted(module.WIRE for module in load(PACKAGE, ProviderModule))
WIRES: Final = [wire_of(name) for name in NAMES]
"""A provider without a wire to prove it against stops this file here, and so the suite."""
MODES: Final = [(wire, mode) for wire in WIRES for mode in wire.modes]
CHATS: Final = [(wire, mode) for wire, mode in MODES if mode.operation is Operation.CHAT]
TEXT: Final = "".join(TEXTS)
TOOLS: Final = tuple(Tool(name=call.name, parameters={"type": "object"}) for call in CALLS)
SLOW: Final = (Fault.SLOW_FIRST_TOKEN, Fault.SILENCE)
LIMITED: Final = (Fault.STATUS_429, Fault.STATUS_429_RETRY_AFTER)
"""No fault of a request: alone, it goes back to the bus until the limit lets it in."""
ALONE_S: Final = 1.2
"""What is not streamed may take until the deadline, so the deadline is short."""
FOLLOWED_S: Final = 2.5
FAST: Final = [
    (wire, mode, fault)
    for wire, mode in MODES
    for fault in Fault
    if fault not in (Fault.NONE, *SLOW, *LIMITED) and lacking(fault, wire, mode) is None
]


@dataclass(frozen=True)
class Expected:
    """How a call under a fault ends. `error_classes` is empty for a whole answer."""

    error_classes: frozenset[ErrorClass]
    counted: UsageSource | None
    """Who counted what is charged; None where nothing is."""


def _fails(counted: UsageSource | None, *classes: ErrorClass) -> Expected:
    return Expected(frozenset(classes), counted)


_BROKEN: Final = _fails(UsageSource.ESTIMATED, ErrorClass.BROKEN)
_ANSWERED: Final = Expected(frozenset(), UsageSource.PROVIDER)
_UNCOUNTED: Final = Expected(frozenset(), UsageSource.ESTIMATED)
_OVERLOADED: Final = _fails(None, ErrorClass.OVERLOADED)
_UNAUTHORISED: Final = _fails(None, ErrorClass.UNAUTHORISED)
_LIMITED: Final = _fails(None, ErrorClass.RATE_LIMITED)
_LATE: Final = _fails(UsageSource.ESTIMATED, ErrorClass.TIMEOUT)
EXPECTED: Final = {
    Fault.NONE: _ANSWERED,
    Fault.REFUSED: _fails(None, ErrorClass.UNREACHABLE),
    Fault.RESET_BEFORE_HEADERS: _BROKEN,
    Fault.RESET_AFTER_HEADERS: _BROKEN,
    Fault.STATUS_401: _UNAUTHORISED,
    Fault.STATUS_403: _UNAUTHORISED,
    Fault.STATUS_404: _fails(None, ErrorClass.NOT_FOUND),
    Fault.STATUS_408: _LATE,
    Fault.STATUS_429: _LIMITED,
    Fault.STATUS_429_RETRY_AFTER: _LIMITED,
    Fault.STATUS_500: _fails(None, ErrorClass.SERVER_ERROR),
    Fault.STATUS_503: _OVERLOADED,
    Fault.STATUS_529: _OVERLOADED,
    Fault.SLOW_FIRST_TOKEN: _LATE,
    Fault.SILENCE: _LATE,
    Fault.TRUNCATED: _BROKEN,
    Fault.CUT: _BROKEN,
    Fault.MALFORMED_CHUNK: _BROKEN,
    Fault.BAD_FRAMING: _BROKEN,
    Fault.WRONG_CONTENT_TYPE: _BROKEN,
    Fault.HUGE_BODY: _BROKEN,
    Fault.CONTRADICTORY_USAGE: _UNCOUNTED,
    Fault.CONTRADICTORY_FINISH: _BROKEN,
    Fault.TEXT_AFTER_END: _BROKEN,
    Fault.ERROR_IN_MID_STREAM: _fails(
        UsageSource.ESTIMATED, ErrorClass.SERVER_ERROR, ErrorClass.OVERLOADED, ErrorClass.BROKEN
    ),
    Fault.EMPTY_BODY: _BROKEN,
    Fault.MISSING_FINISH: _BROKEN,
    Fault.MISSING_USAGE: _UNCOUNTED,
}


def expected(wire: Wire, mode: Mode, fault: Fault) -> Expected:
    """Return how a call ends."""
    if fault is Fault.TEXT_AFTER_END and mode.stream and wire.reason_ends:
        return _ANSWERED  # All was said before; what comes behind is not even read.
    return EXPECTED[fault]


def _ids(value: object) -> str:
    return getattr(value, "name", "") if not isinstance(value, Mode | Fault) else str(value)


# --- whole answers -----------------------------------------------------------------------


def test_every_fault_has_an_expected_end() -> None:
    assert EXPECTED.keys() == set(Fault)


@pytest.mark.parametrize(("wire", "mode"), MODES, ids=_ids)
async def test_a_whole_answer_comes_through(wire: Wire, mode: Mode) -> None:
    async with wire_server() as server, router_at([place(server, wire, Fault.NONE)]) as router:
        played = await play(router, asking(mode))

    assert server.problems == []
    completion = played.completion
    assert completion.finish_reason is FinishReason.STOP
    match mode.operation:
        case Operation.EMBED:
            assert len(completion.embeddings) == TEXTS_ASKED
            assert len(set(completion.embeddings)) == TEXTS_ASKED
        case Operation.TRANSLATE:
            assert completion.translations == tuple(
                f"{TEXT} {number}" for number in range(TEXTS_ASKED)
            )
        case _:
            assert completion.text == TEXT
    if mode == TRANSLATE:
        assert completion.usage.characters == sum(len(one.content) for one in asking(mode).messages)
    else:
        assert_counted(played.usage.attempts[0], UsageSource.PROVIDER, mode)


@pytest.mark.parametrize(("wire", "mode"), CHATS, ids=_ids)
async def test_what_a_model_thinks_is_paid_and_not_shown(wire: Wire, mode: Mode) -> None:
    script = Script(thoughts=THOUGHTS, tokens=Tokens(42, 17, cached=10, thought=5))
    async with (
        wire_server(script) as server,
        router_at([place(server, wire, Fault.NONE)]) as router,
    ):
        played = await play(router, asking(mode))

    assert played.completion.text == TEXT
    assert not any(played.holds(thought) for thought in THOUGHTS)
    (attempt,) = played.usage.attempts
    assert_counted(attempt, UsageSource.PROVIDER, mode)
    # Cohere bills by units that know of no cache, and only two wires count thoughts apart.
    assert attempt.cache_read_tokens == (0 if wire.name == "cohere" else 10)
    assert attempt.reasoning_tokens == (5 if wire.name in ("openai", "gemini") else 0)


@pytest.mark.parametrize("texts", [(), TEXTS], ids=["calls-alone", "text-and-calls"])
@pytest.mark.parametrize(("wire", "mode"), CHATS, ids=_ids)
async def test_parallel_calls_come_whole(wire: Wire, mode: Mode, texts: tuple[str, ...]) -> None:
    script = Script(texts=texts, calls=CALLS, reasons=("tool_calls",))
    async with (
        wire_server(script) as server,
        router_at([place(server, wire, Fault.NONE)]) as router,
    ):
        played = await play(router, asking(mode, tools=TOOLS))

    assert server.problems == []
    completion = played.completion
    assert completion.finish_reason is FinishReason.TOOL_CALLS
    made = [(call.name, json.loads(call.arguments)) for call in completion.tool_calls]
    assert made == [(call.name, call.input) for call in CALLS]
    assert len({call.id for call in completion.tool_calls}) == len(CALLS)
    assert completion.text == "".join(texts)
    assert not mode.stream or played.stream_agrees()


@pytest.mark.parametrize(("wire", "mode"), CHATS, ids=_ids)
async def test_an_answer_that_is_too_long_says_so(wire: Wire, mode: Mode) -> None:
    async with (
        wire_server(Script(reasons=("length",))) as server,
        router_at([place(server, wire, Fault.NONE)]) as router,
    ):
        played = await play(router, asking(mode))

    assert played.completion.finish_reason is FinishReason.LENGTH


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(("wire", "mode", "fault"), FAST, ids=_ids)
async def test_a_fault_is_told_as_what_it_is(wire: Wire, mode: Mode, fault: Fault) -> None:
    async with wire_server() as server:
        await alone(server, wire, mode, fault)


@pytest.mark.parametrize(("wire", "mode", "fault"), FAST, ids=_ids)
async def test_after_a_fault_the_caller_gets_one_whole_answer_or_is_told(
    wire: Wire, mode: Mode, fault: Fault
) -> None:
    async with wire_server() as server:
        await followed(server, wire, mode, fault)


@pytest.mark.parametrize(("wire", "mode"), MODES, ids=_ids)
async def test_silence_ends_in_time_and_the_connection_with_it(wire: Wire, mode: Mode) -> None:
    async with wire_server() as server:
        # Side by side, since each of them waits.
        await asyncio.gather(
            *(ask(server, wire, mode, fault) for ask in (alone, followed) for fault in SLOW)
        )
        async with asyncio.timeout(5):
            while sum(server.left.values()) < 2 * len(SLOW):  # noqa: ASYNC110 -- it has no event
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(("wire", "mode"), MODES, ids=_ids)
async def test_a_limit_is_waited_for_or_another_model_asked(wire: Wire, mode: Mode) -> None:
    async with wire_server() as server:
        await asyncio.gather(
            *(ask(server, wire, mode, fault) for ask in (alone, followed) for fault in LIMITED)
        )


async def alone(server: WireServer, wire: Wire, mode: Mode, fault: Fault) -> None:
    """Ask the one model there is, which has a fault."""
    event = asking(mode, deadline=now() + timedelta(seconds=ALONE_S if fault in SLOW else 20))
    async with router_at([place(server, wire, fault)]) as router:
        played = await play(router, event)

    assert_never_wrong(server, played)
    if fault in LIMITED:
        assert played.events == []
        assert (played.later_s or 0) > (RETRY_AFTER_S * 0.8 if fault is LIMITED[1] else 0)
        return
    (attempt,) = played.usage.attempts
    end = expected(wire, mode, fault)
    if end.error_classes:
        assert attempt.error_class in end.error_classes
        assert played.code in _codes_of(played, fault)
        assert not played.said or TEXT.startswith(played.said) or fault in _ADDING
    else:
        assert attempt.error_class is None
        assert_answered(played, mode)
    assert_counted(attempt, _counted(end, played, mode), mode)
    if fault not in SLOW:
        assert server.calls[wire.name, fault] == (fault is not Fault.REFUSED)


_ADDING: Final = (Fault.HUGE_BODY, Fault.TEXT_AFTER_END)
"""Faults under which more is said than the answer."""


async def followed(server: WireServer, wire: Wire, mode: Mode, fault: Fault) -> None:
    """Ask a model that has a fault, with one behind it that does well."""
    deadline = now() + timedelta(seconds=FOLLOWED_S if fault in SLOW else 20)
    places = [place(server, wire, fault), place(server, wire, Fault.NONE, "well")]
    async with router_at(places) as router:
        played = await play(router, asking(mode, deadline=deadline))

    assert_never_wrong(server, played)
    if expected(wire, mode, fault).error_classes and played.code is None:
        assert [one.model for one in played.usage.attempts] == [str(fault), "well"]
        assert played.completion.model == "well"
    else:
        assert len(played.usage.attempts) == 1
    if played.code is None:
        assert_answered(played, mode)
    else:
        # Only a stream of which something was said cannot be begun anew.
        assert (played.code, bool(played.said)) == (ErrorCode.STREAM_BROKEN, True)


# --- what must be so ---------------------------------------------------------------------


def assert_never_wrong(server: WireServer, played: Played) -> None:
    """Check what holds under every fault."""
    assert server.problems == []
    assert not played.holds(SAID), "something that the other side said of its fault"
    assert not played.chunks or played.stream_agrees()
    assert len(played.said.encode()) <= SAID_BYTES_MAX


def assert_answered(played: Played, mode: Mode) -> None:
    """Check that there is one whole answer, once."""
    completion = played.completion
    assert completion.finish_reason is FinishReason.STOP
    if mode.operation is Operation.CHAT:
        assert completion.text == TEXT
    assert len(completion.embeddings) == (TEXTS_ASKED if mode.operation is Operation.EMBED else 0)
    assert not played.holds(BEHIND)


def assert_counted(attempt: Attempt, counted: UsageSource | None, mode: Mode) -> None:
    """Check what an attempt is charged by."""
    assert attempt.usage_source is counted
    used = attempt.input_tokens + attempt.output_tokens + attempt.characters
    if counted is None:
        assert used == 0
    elif counted is UsageSource.PROVIDER and mode.operation is not Operation.TRANSLATE:
        written = 17 if mode.operation is Operation.CHAT else 0
        assert (attempt.input_tokens, attempt.output_tokens) == (42, written)
    else:
        assert used > 0


def _counted(end: Expected, played: Played, mode: Mode) -> UsageSource | None:
    """Return who counts: an error said at once costs nothing, one said in mid-answer does."""
    (attempt,) = played.usage.attempts
    if attempt.error_class == ErrorClass.SERVER_ERROR and not played.said:
        return None
    if mode.operation is Operation.TRANSLATE and not end.error_classes:
        return attempt.usage_source  # Characters are ours to count.
    return end.counted


def _codes_of(played: Played, fault: Fault) -> tuple[ErrorCode, ...]:
    if played.said:
        return (ErrorCode.STREAM_BROKEN,)
    # Whether the deadline or the time-out comes first is a matter of milliseconds.
    late = (ErrorCode.DEADLINE,) if fault in SLOW else ()
    return (ErrorCode.PROVIDER_UNAVAILABLE, *late)
