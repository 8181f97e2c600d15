"""llmock behind us: it breaks every provider that it fakes, and judges how the router took it.

Its verdict is about the client: whether it waited as long as it was told, stopped where a retry
helps nobody, and did not take half an answer for a whole one. What llmock fakes and no wire of
ours speaks is OpenAI's Responses; nobody here asks for it.

A stream of which a caller has heard something cannot be begun anew behind its back, so the router
ends it with `stream_broken` and says that asking again may help. llmock sees only the wire, where
half a stream without a second call looks accepted. So the caller here does as a caller does: it
asks again, once, and the verdict is on both of them.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.health import answers_well
from deploy.local.ports import LOOPBACK, free_port
from services.router.attempts import Patience
from services.router.handlers import Router
from shared.contracts.completions import FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Tool
from shared.contracts.routing import StatedResilience
from shared.contracts.values import now
from tests.fixtures.wires.base import CHAT, STREAM, Mode
from tests.fixtures.wires.staging import Place, Played, asking, play, router_at

LLMOCK: Final = Path(sys.executable).with_name("llmock")
READY_S_MAX: Final = 25.0
BASES: Final = {
    "openai": ("openai", "/v1"),
    "anthropic": ("anthropic", "/anthropic/v1"),
    "gemini": ("gemini", "/gemini/v1beta"),
    "cohere": ("cohere", "/cohere/v2"),
    "mistral": ("openai", "/mistral/v1"),
    "groq": ("openai", "/groq/openai/v1"),
    "together": ("openai", "/together/v1"),
    "perplexity": ("openai", "/perplexity/v1"),
    "ai21": ("openai", "/ai21/v1"),
    "xai": ("openai", "/xai/v1"),
}
"""What llmock fakes, the wire of ours that speaks to it, and where."""
PATIENCE: Final = Patience(first_token_s_max=1.5, idle_s_max=1.5)
WINDOW: Final = 100
REQUESTS_A_MINUTE: Final = 60
TOOL: Final = Tool(
    name="find_order",
    description="Find an order",
    parameters={
        "type": "object",
        "properties": {"number": {"type": "string"}},
        "required": ["number"],
    },
)


@dataclass(frozen=True)
class Case:
    """One fault, and what the caller may get. `codes` without None: there must be no answer."""

    name: str
    behaviour: dict[str, Any]
    codes: tuple[ErrorCode | None, ...] = (None,)
    mode: Mode = CHAT
    tools: tuple[Tool, ...] = ()


UNAVAILABLE: Final = ErrorCode.PROVIDER_UNAVAILABLE
REJECTED: Final = ErrorCode.PROVIDER_REJECTED


def _failing(status: int, *codes: ErrorCode | None, **more: Any) -> list[Case]:
    behaviour = {"type": "fail", "status": status, **more}
    named = "-".join([str(status), *more])
    return [Case(f"{named}-{mode}", behaviour, codes, mode) for mode in (CHAT, STREAM)]


def _streaming(kind: str, **more: Any) -> list[Case]:
    return [
        Case(
            f"{kind}-{after}",
            {"type": "stream_fault", "kind": kind, "after_chunks": after, **more},
            mode=STREAM,
        )
        for after in (0, 2)
    ]


CASES: Final = (
    *(case for status in (400, 409, 422) for case in _failing(status, REJECTED)),
    *(case for status in (401, 403, 404) for case in _failing(status, UNAVAILABLE)),
    *_failing(408, UNAVAILABLE, None),
    *(case for status in (429, 500, 502, 503, 529) for case in _failing(status, None)),
    *_failing(504, UNAVAILABLE, None),
    *_failing(429, None, retry_after=0.4),
    *_failing(503, UNAVAILABLE, times=None),  # What llmock calls an outage.
    *_streaming("disconnect"),
    *_streaming("truncate"),
    *_streaming("malformed"),
    *_streaming("stall", stall_seconds=20.0),
    Case("delay", {"type": "delay", "seconds": 0.3}),
    Case("delay-too-long", {"type": "delay", "seconds": 20.0}, mode=STREAM),
    Case("slow", {"type": "slow_first_token", "seconds": 0.3}, mode=STREAM),
    Case("too-slow", {"type": "slow_first_token", "seconds": 20.0}, mode=STREAM),
    Case("reply", {"type": "reply", "text": "Kære Klient_001."}),
    Case("call", {"type": "reply", "tool_calls": [{"name": "find_order"}]}, tools=(TOOL,)),
    *(
        Case(f"{kind}-{mode}", {"type": "tool_fault", "kind": kind}, codes, mode, (TOOL,))
        # A call of a function that nobody offered is a whole call: what to make of it is the app's.
        for kind, codes in (("malformed_arguments", (UNAVAILABLE,)), ("unknown_tool", (None,)))
        for mode in (CHAT, STREAM)
    ),
)
ASKED_AGAIN: Final = ("stream_fault", "slow_first_token", "delay")
"""After these a caller that was told of a failure asks again, as its code says that it may."""
WHOLE_CALLS: Final = {
    # Arguments are an object there and no text, so llmock has nothing to cut and they come whole.
    ("gemini", "malformed_arguments-chat"),
    ("gemini", "malformed_arguments-stream"),
    ("anthropic", "malformed_arguments-chat"),
}


@dataclass(frozen=True)
class LLMock:
    """A running llmock."""

    url: str

    def post(self, path: str, body: object) -> None:
        sent = json.dumps(body).encode()
        urllib.request.urlopen(f"{self.url}/_llmock/{path}", data=sent, timeout=5).close()  # noqa: S310

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.url}/_llmock/{path}", timeout=5) as answer:  # noqa: S310
            return str(answer.read().decode())

    def verdict(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("verdict"))
        return found


@contextmanager
def llmock(*options: str) -> Iterator[LLMock]:
    """Run llmock in a process of its own."""
    port = free_port()
    command = [str(LLMOCK), "serve", "--port", str(port), "--log-level", "warning", *options]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + READY_S_MAX
            while not answers_well(port, "/health"):
                assert process.poll() is None, "llmock has ended"
                assert time.monotonic() < deadline, "llmock does not start"
                time.sleep(0.1)
            yield LLMock(f"http://{LOOPBACK}:{port}")
        finally:
            process.kill()  # Asked to end, it would first sit out what it stalls.
            process.wait(timeout=10)


@pytest.fixture(scope="module")
def mock() -> Iterator[LLMock]:
    with llmock() as running:
        yield running


@pytest.fixture(scope="module")
def narrow() -> Iterator[LLMock]:
    """Return an llmock whose models read little."""
    with llmock("--context-window", str(WINDOW)) as running:
        yield running


@pytest.fixture(scope="module")
def metered() -> Iterator[LLMock]:
    """Return an llmock that takes a request a second, once the first minute's are used up."""
    with llmock("--rpm", str(REQUESTS_A_MINUTE)) as running:
        yield running


def place(mock: LLMock, provider: str, upstream: str) -> Place:
    wire, base = BASES[provider]
    return Place(upstream, wire, mock.url + base, "sk-invented", upstream=upstream)


@pytest.mark.parametrize("provider", BASES)
async def test_the_verdict_is_pass_after_every_fault(mock: LLMock, provider: str) -> None:
    mock.post("reset", {})
    behaviours = [
        case.behaviour | {"match": {"model": case.name, "provider": provider}} for case in CASES
    ]
    mock.post("scenario", {"behaviors": behaviours})

    places = [place(mock, provider, case.name) for case in CASES]
    async with router_at(places, PATIENCE, StatedResilience()) as router:
        await asyncio.gather(*(run(router, provider, case) for case in CASES))

    verdict = mock.verdict()
    assert verdict["faults_injected"] >= sum(
        case.behaviour["type"] in ("fail", "stream_fault") for case in CASES
    )
    assert verdict["passed"], await asyncio.to_thread(mock.get, "verdict?format=text")


async def run(router: Router, provider: str, case: Case) -> None:
    """Ask under one fault, and check what the caller got."""
    played = await ask(router, case)
    if case.behaviour["type"] in ASKED_AGAIN and played.code is not None:
        assert played.code.retryable
        assert (played.code is ErrorCode.STREAM_BROKEN) == bool(played.said)
        played = await ask(router, case)
    codes = (None,) if (provider, case.name) in WHOLE_CALLS else case.codes
    assert played.code in codes, (case.name, played.outcome)
    assert not case.mode.stream or played.stream_agrees()
    if case.behaviour["type"] == "reply" and not case.tools:
        assert played.completion.text == case.behaviour["text"]
    if case.tools and played.code is None:
        assert played.completion.finish_reason is FinishReason.TOOL_CALLS


async def ask(router: Router, case: Case) -> Played:
    deadline = now() + timedelta(seconds=15)
    event = asking(case.mode, model=case.name, tools=case.tools, deadline=deadline)
    return await play(router, event)


@pytest.mark.parametrize("provider", BASES)
async def test_a_prompt_that_is_too_long_is_no_fault_of_the_provider(
    narrow: LLMock, provider: str
) -> None:
    async with router_at([place(narrow, provider, "m")], PATIENCE) as router:
        short = await play(router, asking(CHAT))
        long = asking(CHAT)
        message = long.messages[0].model_copy(update={"content": "ord " * 2 * WINDOW})
        played = await play(router, long.model_copy(update={"messages": (message,)}))

    assert short.code is None
    # For Cohere llmock makes up an answer, in words that are OpenAI's and not Cohere's.
    known = provider != "cohere"
    assert played.code is (ErrorCode.CONTEXT_TOO_LONG if known else REJECTED)
    assert len(played.usage.attempts) == 1
    assert narrow.verdict()["passed"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "cohere"])
async def test_a_quota_is_kept_and_no_caller_hears_of_it(metered: LLMock, provider: str) -> None:
    async with router_at([place(metered, provider, "m")], PATIENCE, StatedResilience()) as router:
        played = [await until_ended(router) for _ in range(REQUESTS_A_MINUTE + 3)]

    assert {one.code for one in played} == {None}
    assert metered.verdict()["passed"], await asyncio.to_thread(metered.get, "verdict?format=text")


async def until_ended(router: Router) -> Played:
    """Ask, and bring the request again as the bus does when it was handed back."""
    event = asking(CHAT, deadline=now() + timedelta(seconds=20))
    while (played := await play(router, event)).later_s is not None:  # noqa: ASYNC110 -- the bus waits
        await asyncio.sleep(played.later_s)
    return played
