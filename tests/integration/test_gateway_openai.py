"""OpenAI's own client against the whole platform: only its address and its key are changed."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator

import openai
import pytest

from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

CLOSED_S_MAX = 1.0
"""How soon the provider must see that nobody waits any more."""
LETTER = "Skriv til Anders Hansen, Vestergade 12, 8000 Aarhus C."


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{platform.gateway_url}/v1", api_key=platform.key(), max_retries=0
    ) as one:
        yield one


async def test_a_completion_holds_the_real_names_and_the_provider_saw_none(
    platform: Platform, client: openai.AsyncOpenAI
) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="scripted", messages=[{"role": "user", "content": LETTER}], user="Mette Jensen"
    )
    answer = raw.parse()
    assert "Anders Hansen" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert answer.id == f"chatcmpl-{raw.headers['x-request-id']}"
    assert int(raw.headers["x-stellwerk-masked"]) >= 2
    assert raw.headers["x-stellwerk-model"] == "scripted"
    received = platform.record.read_text()
    assert "Hansen" not in received
    assert "Mette" not in received


async def test_a_stream_says_the_same_and_counts(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="scripted",
        messages=[{"role": "user", "content": LETTER}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Anders Hansen" in text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"


async def test_an_answer_can_be_sent_back_as_a_turn(client: openai.AsyncOpenAI) -> None:
    first = await client.chat.completions.create(
        model="scripted", messages=[{"role": "user", "content": LETTER}]
    )
    again = await client.chat.completions.create(
        model="scripted",
        messages=[
            {"role": "user", "content": LETTER},
            first.choices[0].message,  # type: ignore[list-item]
            {"role": "user", "content": [{"type": "text", "text": "Kortere, tak."}]},
        ],
        metadata={"sag": "A-17"},
        temperature=0.2,
        max_completion_tokens=200,
    )
    assert again.choices[0].message.content


async def test_a_stream_that_the_provider_cuts_is_an_error_for_the_client(
    client: openai.AsyncOpenAI,
) -> None:
    stream = await client.chat.completions.create(
        model="scripted-cut", messages=[{"role": "user", "content": LETTER}], stream=True
    )
    with pytest.raises(openai.APIError) as caught:
        async for _ in stream:
            pass
    assert caught.value.code == "stream_broken"


async def test_errors_are_the_clients_own_classes(
    platform: Platform, client: openai.AsyncOpenAI
) -> None:
    hello = [{"role": "user", "content": LETTER}]
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="no-such-model", messages=hello)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="scripted", messages=hello, n=2)  # type: ignore[arg-type]
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="sw-nobody").models.list()
    assert (unknown.value.code, unknown.value.param) == ("unknown_model", "model")
    assert (refused.value.code, refused.value.param) == ("unsupported", "n")
    for error in (unknown.value, refused.value):
        assert "Hansen" not in str(error)
        assert error.request_id


async def test_a_caller_who_leaves_a_stream_ends_the_call_and_pays_what_was_used(
    platform: Platform, client: openai.AsyncOpenAI
) -> None:
    platform.script(chunk_delay_ms=200)
    try:
        stream = await client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": LETTER}], stream=True
        )
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
        left = time.time()
        request_id = chunk.id.removeprefix("chatcmpl-")
        await eventually(lambda: _abandoned_at(platform) is not None)
    finally:
        platform.script(chunk_delay_ms=0)
    abandoned_at = _abandoned_at(platform)
    assert abandoned_at is not None
    assert abandoned_at - left < CLOSED_S_MAX
    # The hold ends when billing has read the usage.
    await eventually(lambda: _hold_has_ended(platform, request_id))


def _abandoned_at(platform: Platform) -> float | None:
    """Return when the provider saw a connection close before its answer was whole."""
    url = f"http://127.0.0.1:{platform.scripted_port}/calls"
    with urllib.request.urlopen(url, timeout=5) as answer:
        abandoned: dict[str, float] = json.loads(answer.read())["abandoned"]
    return max(abandoned.values(), default=None)


async def _hold_has_ended(platform: Platform, request_id: str) -> bool:
    rows = await platform.query(
        "SELECT state, posted_nano FROM billing.resolution AS ended"
        " JOIN billing.hold ON hold.id = ended.hold_id WHERE request_id = $1::text::uuid",
        request_id,
    )
    return [row["state"] for row in rows] == ["posted"] and rows[0]["posted_nano"] > 0


async def test_models_are_listed(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert "auto" in names
    assert (await client.models.retrieve(names[-1])).id == names[-1]


async def test_the_request_is_one_trace_that_begins_at_the_door(
    platform: Platform, client: openai.AsyncOpenAI
) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="scripted", messages=[{"role": "user", "content": LETTER}]
    )
    request_id = raw.headers["x-request-id"]
    rows: list[object] = []
    for _ in range(100):
        rows = await platform.query(
            "SELECT service, parent_span_id IS NULL AS root FROM watch.span WHERE trace_id IN"
            " (SELECT trace_id FROM watch.span WHERE request_id = $1::text::uuid)",
            request_id,
        )
        if {"gateway", "router", "redactor"} <= {row["service"] for row in rows}:  # type: ignore[index]
            break
        await asyncio.sleep(0.1)
    roots = [row["service"] for row in rows if row["root"]]  # type: ignore[index]
    assert roots == ["gateway"]


async def test_no_log_of_the_gateway_holds_a_key_or_a_text(platform: Platform) -> None:
    log = platform.processes["gateway"].log.read_text()
    assert "started" in log
    for told in (platform.key().rsplit("-", 1)[-1], "Hansen", "Mette", "Vestergade"):
        assert told not in log
