"""A caller over HTTP leaves in mid-stream: the provider is told, and only what came is paid."""

import time
from uuid import UUID

from openai import AsyncOpenAI

from shared.contracts.errors import ErrorCode
from shared.contracts.usage import AttemptOutcome, UsageRecorded
from stellwerk.errors import NotFound
from stellwerk.operator import Operator
from stellwerk.record import read_record
from tests.chaos.callers import REQUEST_ID
from tests.chaos.story import MARKS
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

pytestmark = MARKS

WORDS = 200
CHUNK_DELAY_MS = 100
SEEN = 5
TOLD_S_MAX = 1.0
SETTLED_S_MAX = 15.0


async def test_the_provider_is_told_within_a_second_and_only_what_came_is_paid(
    platform: Platform,
) -> None:
    platform.script(text="ord " * WORDS, chunk_delay_ms=CHUNK_DELAY_MS)
    request_id, left_at = await _leave_in_mid_stream(platform)

    await eventually(lambda: bool(platform.provider_left()), TOLD_S_MAX)
    ((attempt_id, closed_at),) = platform.provider_left().items()
    assert closed_at - left_at < TOLD_S_MAX

    usage = await _usage(platform, request_id)
    assert usage.code is ErrorCode.CANCELLED
    assert usage.usage.partial
    assert SEEN <= usage.usage.output_tokens < WORDS
    (attempt,) = usage.attempts
    assert (str(attempt.id), attempt.outcome) == (attempt_id, AttemptOutcome.CANCELLED)
    await eventually(lambda: _is_paid(platform, request_id, usage.cost_nano), SETTLED_S_MAX)


async def _leave_in_mid_stream(platform: Platform) -> tuple[UUID, float]:
    """Read some words of a stream and close the connection; return when that was."""
    client = AsyncOpenAI(
        base_url=f"{platform.gateway_url}/v1", api_key=platform.key(), max_retries=0
    )
    async with client:
        answer = await client.chat.completions.with_raw_response.create(
            model="scripted", messages=[{"role": "user", "content": "Hej"}], stream=True
        )
        words = 0
        async with answer.parse() as stream:
            async for chunk in stream:
                words += any(choice.delta.content for choice in chunk.choices)
                if words == SEEN:
                    break
        return UUID(answer.headers[REQUEST_ID]), time.time()


async def _usage(platform: Platform, request_id: UUID) -> UsageRecorded:
    found: list[UsageRecorded] = []
    async with Operator(platform.found) as operator:

        async def recorded() -> bool:
            try:
                record = await read_record(operator, request_id, reason="test")
            except NotFound:
                return False
            found.extend(record.all(UsageRecorded))
            return bool(found)

        await eventually(recorded, SETTLED_S_MAX)
    (usage,) = found
    return usage


async def _is_paid(platform: Platform, request_id: UUID, cost_nano: int) -> bool:
    (row,) = await platform.query(
        """
        SELECT (SELECT sum(cost_nano) FROM billing.usage WHERE request_id = $1) AS cost,
               (SELECT sum(posted_nano) FROM billing.budget) AS posted,
               (SELECT sum(pending_nano) FROM billing.budget) AS pending,
               (SELECT count(*) FROM billing.open_hold) AS held
        """,
        request_id,
    )
    return cost_nano > 0 and tuple(row.values()) == (cost_nano, cost_nano, 0, 0)
