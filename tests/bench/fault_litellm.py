"""LiteLLM in front of the same servers: its own defaults, called by OpenAI's own client."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import httpx2
import openai
import yaml
from openai.types import CompletionUsage

from shared.contracts.requests import Operation
from tests.bench import litellm
from tests.bench.fault_platform import QUESTION
from tests.bench.fault_table import RAW, Case, Got, answered
from tests.bench.http import Target
from tests.fixtures.wires.base import SAID, Wire
from tests.fixtures.wires.faults import Fault
from tests.fixtures.wires.server import WireServer

TIMEOUT_S: Final = 4.0
"""What LiteLLM may wait for a provider; what it makes of that is its own affair."""
CALLER_S_MAX: Final = 20.0
SIDE_BY_SIDE: Final = 24
WIRES: Final = {
    "openai": ("openai/m", ""),
    "anthropic": ("anthropic/m", "/v1"),
    "cohere": ("cohere_chat/m", ""),
    "gemini": ("gemini/m", ""),
    "bedrock": ("bedrock/converse/m", ""),
}
"""How its model is called there, and what it adds to an address by itself."""
FAIR: Final = (
    "LiteLLM runs with its defaults and one worker, and is called by OpenAI's own client. Calls "
    "are counted at the provider; tokens are what its caller is told, since it bills nothing here. "
    "A wire is left out where it does not understand even the server without a fault."
)


def configuration(server: WireServer, cases: Sequence[Case]) -> str:
    """Return its configuration: a model for each case."""
    models = [
        {
            "model_name": case.model,
            "litellm_params": {
                "timeout": TIMEOUT_S,
                "stream_timeout": TIMEOUT_S,
                **_params(case.wire, server.base_url(case.wire, case.fault)),
            },
        }
        for case in cases
        if case.wire.name in WIRES
    ]
    settings = {"master_key": litellm.KEY}
    return yaml.safe_dump({"model_list": models, "general_settings": settings})


def _params(wire: Wire, base_url: str) -> dict[str, Any]:
    model, added = WIRES[wire.name]
    if wire.name == "bedrock":
        return {
            "model": model,
            "aws_bedrock_runtime_endpoint": base_url,
            "aws_region_name": "eu-west-1",
            "aws_access_key_id": "AKIAINVENTED",
            "aws_secret_access_key": "invented",
        }
    address = base_url.removesuffix(added)
    if wire.name == "cohere":
        address += "/chat"
    return {"model": model, "api_base": address, "api_key": wire.key}


async def measured(target: Target, server: WireServer, cases: Sequence[Case]) -> dict[Case, Got]:
    """Ask all cases that LiteLLM can be pointed at, one wire and way of asking after the other."""
    gots: dict[Case, Got] = {}
    room = asyncio.Semaphore(SIDE_BY_SIDE)
    client = openai.AsyncOpenAI(
        base_url=target.base_url, api_key=target.key, max_retries=0, timeout=CALLER_S_MAX
    )

    async def asked(case: Case) -> None:
        async with room:
            gots[case] = await _got(client, server, case)

    for stream in (True, False):
        # One way after the other, since the server counts calls by wire and fault.
        chats = [case for case in cases if _is_asked(case, stream=stream)]
        await asyncio.gather(*map(asked, chats))
    await client.close()
    # Where not even the server without a fault is understood, nothing has been compared.
    well = {(one.wire.name, one.mode) for one, got in gots.items() if _is_well(one, got)}
    return {one: got for one, got in gots.items() if (one.wire.name, one.mode) in well}


def _is_well(case: Case, got: Got) -> bool:
    return case.fault is Fault.NONE and got.what == "answer"


def _is_asked(case: Case, *, stream: bool) -> bool:
    chat = case.mode.operation is Operation.CHAT and case.mode.stream == stream
    return chat and case.wire.name in WIRES


async def _got(client: openai.AsyncOpenAI, server: WireServer, case: Case) -> Got:
    place = case.wire.name, case.fault
    before = server.calls[place]
    what, used = await _ask(client, case)
    attempts = None if case.fault is Fault.REFUSED else server.calls[place] - before
    return Got(what, attempts, used)


async def _ask(client: openai.AsyncOpenAI, case: Case) -> tuple[str, str]:
    """Return what the caller got, and the tokens that it was told."""
    messages: Any = [{"role": "user", "content": QUESTION}]
    heard: list[str] = []
    try:
        if not case.mode.stream:
            made = await client.chat.completions.create(model=case.model, messages=messages)
            choice = made.choices[0]
            text = choice.message.content or ""
            return answered(case, text, choice.finish_reason), _used(made.usage)
        reason, usage = None, None
        stream = await client.chat.completions.create(
            model=case.model,
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            for part in chunk.choices:
                heard.append(part.delta.content or "")
                reason = part.finish_reason or reason
        return answered(case, "".join(heard), reason), _used(usage)
    except openai.OpenAIError as error:
        return _told(error), ""
    except (httpx2.HTTPError, ValueError) as error:  # The client does not catch all of them.
        return type(error).__name__, ""


def _told(error: openai.OpenAIError) -> str:
    raw = f"{RAW} " if SAID in str(error) else ""
    if isinstance(error, openai.APIStatusError):
        return f"{raw}HTTP {error.status_code}"
    return f"{raw}{type(error).__name__}"


def _used(usage: CompletionUsage | None) -> str:
    return f"{usage.prompt_tokens}+{usage.completion_tokens}" if usage else ""
