"""Whatever field of whichever door a value is written into, no byte of it reaches a provider."""

import asyncio
import re
from collections import Counter
from typing import Any

import openai
import pytest

from stellwerk.client import Client
from tests.fixtures.platform import Platform
from tests.integration.platform_fields import Planted, planted
from tests.integration.platform_letters import Letter, invented
from tests.integration.platform_search import found_in

pytestmark = pytest.mark.timeout(300)

AT_ONCE = 16
REQUEST = re.compile(rb"(?m)^--- ([0-9a-f-]*) [0-9]+\n")
_BETWEEN_DIGITS = re.compile(rb"(?<=[0-9])[ ./-]+(?=[0-9])")
_OURS = re.compile(rb"(?im)^(?:x-request-id|content-length|host):.*$")


@pytest.fixture(scope="module")
def told(platform: Platform) -> tuple[Platform, Counter[str]]:
    """Return a platform that got every letter in every field, and the requests by place."""
    return platform, asyncio.run(_tell(platform))


async def _tell(platform: Platform) -> Counter[str]:
    key, gate, sent = platform.key(), asyncio.Semaphore(AT_ONCE), Counter[str]()
    address = f"{platform.gateway_url}/v1"
    async with platform.client() as bus, openai.AsyncOpenAI(base_url=address, api_key=key) as http:
        asked = []
        for number, letter in enumerate(invented()):
            for turn, one in enumerate(planted(letter)):
                stream = (number + turn) % 2 == 0
                asked.append(_over_the_bus(bus, one, gate, stream=stream))
                asked.append(_over_http(http, one, gate, stream=not stream))
                sent[one.place] += 2
        await asyncio.gather(*asked)
    return sent


async def _over_the_bus(
    client: Client, asked: Planted, gate: asyncio.Semaphore, *, stream: bool
) -> None:
    fields = dict(asked.bus)
    turns = fields.pop("messages")
    async with gate:
        if stream:
            streamed = client.stream(turns, model="scripted", **fields)
            async for _ in streamed:
                pass
        else:
            await client.complete(turns, model="scripted", **fields)


async def _over_http(
    client: openai.AsyncOpenAI, asked: Planted, gate: asyncio.Semaphore, *, stream: bool
) -> None:
    async with gate:
        answer: Any = await client.chat.completions.create(
            model="scripted", stream=stream, **asked.http
        )
        if stream:
            async for _ in answer:
                pass


def test_no_outgoing_byte_holds_a_value(told: tuple[Platform, Counter[str]]) -> None:
    platform, sent = told
    received = platform.record.read_bytes()
    assert len(REQUEST.findall(received)) == sent.total()
    assert b"4711-2089" in received  # what is not personal goes through

    seen = {value for letter in invented() for value in leaking(received, letter)}
    assert seen == set()


def leaking(received: bytes, letter: Letter) -> set[str]:
    """Return the values of a letter that stand in the bytes, numbers in any grouping too."""
    # The attempt's own number may hold any eight digits.
    plain = _BETWEEN_DIGITS.sub(b"", _OURS.sub(b"", REQUEST.sub(b"", received)))
    numbers = {value for value in letter.values if value.isdigit()}
    return found_in(received, letter.values) | found_in(plain, numbers)
