"""The call ledger in PostgreSQL: claimed once, ended once, and honest about what it cannot know."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.router import store
from services.router.ledger import DatabaseLedger
from services.router.rows import Claim, End, Ending, Start, fallback_cause
from services.router.store import Claimed, Step
from services.router.tables import metadata
from shared.contracts.completions import Outcome, TokenUsage, UsageSource
from shared.contracts.event import encode
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision, UsageRecorded
from shared.contracts.values import Sensitivity, new_id, now
from shared.errors import DependencyDown
from tests.fixtures.bus import eventually
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.fixtures.servers import PostgresServer
from tests.fixtures.tables import described, shape

SOON = timedelta(seconds=20)
MINE, OTHER = b"\x01" * 32, b"\x02" * 32


def claim(
    request_id: UUID | None = None, fingerprint: bytes = MINE, *, calls: bool = True
) -> Claim:
    """Return a claim on a request, by default a new one with a first call."""
    request_id = request_id or new_id()
    start = Start(new_id(), request_id, "large", "house", 40, 100, "de", "eu") if calls else None
    return Claim(request_id, fingerprint, start)


def answered(first: Claim, *earlier: Attempt) -> End:
    assert first.start is not None
    call = Attempt(
        id=first.start.id,
        model="large",
        provider="house",
        outcome=AttemptOutcome.ANSWERED,
        duration_ms=12,
        first_token_ms=3,
        input_tokens=20,
        output_tokens=5,
        cache_read_tokens=16,
        cache_write_tokens=2,
        reasoning_tokens=3,
        characters=70,
        usage_source=UsageSource.PROVIDER,
        region="de",
        residency="eu",
    )
    ending = Ending(b'{"answer": 1}', encode(usage(first.request_id, *earlier, call), "router"))
    return End(first.request_id, Outcome.COMPLETION, ending, (*earlier, call), "EUR")


def usage(request_id: UUID, *calls: Attempt) -> UsageRecorded:
    """Return what is published of an answered request."""
    return UsageRecorded(
        tenant="default",
        app="letters",
        request_id=request_id,
        outcome=Outcome.COMPLETION,
        decision=Decision(
            candidates=(
                Candidate(model="large", provider="house", rank=0, residency="eu"),
                Candidate(model="far", provider="abroad", rank=1, excluded_by="residency"),
            ),
            rule="task",
            reason="good-danish",
            complexity=0.25,
        ),
        attempts=calls,
        usage=TokenUsage(input_tokens=20, output_tokens=5),
        model="large",
        provider="house",
        cost_nano=28_000,
        sensitivity=Sensitivity.PERSONAL,
    )


@pytest.fixture
async def schema(provision_schema: ProvisionSchema) -> ProvisionedSchema:
    """Return the router's schema in a database of its own."""
    return await provision_schema("router")


@pytest.fixture
def notes() -> dict[str, str]:
    """Return what readiness would be told."""
    return {}


@pytest.fixture
def ledger(schema: ProvisionedSchema, notes: dict[str, str]) -> DatabaseLedger:
    """Return a ledger in an empty schema."""
    return DatabaseLedger(schema.database, notes)


async def test_the_migrations_build_exactly_the_tables_described(
    schema: ProvisionedSchema,
) -> None:
    assert await shape(schema, "router") == await described(schema, metadata)


async def test_a_new_request_is_claimed_with_its_first_call(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    first = claim()

    known = await ledger.claim(first, now() + SOON)

    assert known == Claimed()
    row = await schema.admin.fetchrow("SELECT * FROM router.attempt")
    assert first.start is not None
    assert (row["id"], row["request_id"]) == (first.start.id, first.request_id)
    assert row["outcome"] is None


async def test_a_request_that_ended_gives_its_end_again(ledger: DatabaseLedger) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    end = answered(first)
    await ledger.end(end)

    known = await ledger.claim(claim(first.request_id), now() + SOON)

    assert known == Claimed(ending=end.ending)


async def test_the_first_end_counts(ledger: DatabaseLedger) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    end = answered(first)
    other = End(first.request_id, Outcome.FAILED, Ending(b"other", b"other"), ())

    endings = [await ledger.end(end), await ledger.end(other), await ledger.end(end)]

    assert endings == [end.ending] * 3


async def test_another_body_under_the_same_id_is_a_conflict(ledger: DatabaseLedger) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)

    known = await ledger.claim(claim(first.request_id, OTHER), now() + SOON)

    assert known == Claimed(conflict=True)


async def test_a_call_without_an_end_is_unknown_and_may_have_cost_all(
    ledger: DatabaseLedger,
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)

    known = await ledger.claim(claim(first.request_id), now() + SOON)

    assert first.start is not None
    (call,) = known.attempts
    assert (call.id, call.outcome) == (first.start.id, AttemptOutcome.UNKNOWN)
    assert (call.input_tokens, call.output_tokens) == (40, 100)
    assert (call.region, call.residency) == ("de", "eu")


async def test_a_claim_that_is_repeated_after_a_lost_connection_finds_itself(
    ledger: DatabaseLedger,
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)

    assert await ledger.claim(first, now() + SOON) == Claimed()


async def test_a_step_notes_how_one_call_ended_and_starts_the_next(
    ledger: DatabaseLedger,
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    heard = (
        answered(first)
        .attempts[0]
        .model_copy(update={"outcome": AttemptOutcome.FAILED, "error_class": "overloaded"})
    )
    second = Start(new_id(), first.request_id, "small", "house", 40, 100)

    await ledger.step(Step(heard, second), now() + SOON)
    known = await ledger.claim(claim(first.request_id, calls=False), now() + SOON)

    assert known.attempts[0] == heard
    assert (known.attempts[1].id, known.attempts[1].outcome) == (
        second.id,
        AttemptOutcome.UNKNOWN,
    )


async def test_an_end_is_written_with_all_its_calls(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    (lost,) = (await ledger.claim(claim(first.request_id, calls=False), now() + SOON)).attempts
    retry = claim(first.request_id)
    await ledger.claim(retry, now() + SOON)

    await ledger.end(answered(retry, lost))

    rows = await schema.admin.fetch("SELECT outcome FROM router.attempt ORDER BY started_at")
    assert [row["outcome"] for row in rows] == ["unknown", "answered"]


async def test_hundreds_at_once_are_few_transactions(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    claims = [claim() for _ in range(300)]
    before = await commits(schema)

    known = await asyncio.gather(*(ledger.claim(one, now() + SOON) for one in claims))
    await asyncio.gather(*(ledger.end(answered(one)) for one in claims))

    assert set(known) == {Claimed()}
    assert await schema.admin.fetchval(
        "SELECT count(*) FROM router.request_call WHERE outcome = 'completion'"
    ) == len(claims)
    assert await commits(schema) - before < 40


async def commits(schema: ProvisionedSchema) -> int:
    await schema.admin.execute("SELECT pg_stat_clear_snapshot()")
    return int(
        await schema.admin.fetchval(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
    )


async def test_the_same_request_twice_in_one_group_is_claimed_once(
    ledger: DatabaseLedger,
) -> None:
    first = claim()
    twins = [first, claim(first.request_id), claim(first.request_id, OTHER)]

    known = await asyncio.gather(*(ledger.claim(one, now() + SOON) for one in twins))

    assert known[0] == Claimed()
    assert [one.outcome for one in known[1].attempts] == [AttemptOutcome.UNKNOWN]
    assert known[2].conflict


async def test_an_end_keeps_why_and_where_when_the_answer_is_forgotten(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    await ledger.end(answered(first))
    async with schema.database.transaction() as tx:
        await store.forget(tx, -1.0)

    row = await schema.admin.fetchrow("SELECT * FROM router.decision")

    assert row is not None
    assert (row["request_id"], row["app"], row["rule"]) == (first.request_id, "letters", "task")
    assert (row["model"], row["region"], row["residency"]) == ("large", "de", "eu")
    assert (row["cost_nano"], row["currency"], row["complexity"]) == (28_000, "EUR", 0.25)
    assert [one["model"] for one in json.loads(row["candidates"])] == ["large", "far"]


async def test_a_decision_is_written_once_whoever_ends_the_request(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    await asyncio.gather(*(ledger.end(answered(first)) for _ in range(3)))

    assert await schema.admin.fetchval("SELECT count(*) FROM router.decision") == 1


async def test_a_usage_that_is_no_json_does_not_hold_up_those_beside_it(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    broken, whole = claim(), claim()
    await asyncio.gather(*(ledger.claim(one, now() + SOON) for one in (broken, whole)))
    bad = replace(answered(broken), ending=Ending(b"{}", b'{"data": {"cost_nano": NaN}}'))

    await asyncio.gather(ledger.end(bad), ledger.end(answered(whole)))

    rows = await schema.admin.fetch("SELECT request_id FROM router.decision")
    assert [row["request_id"] for row in rows] == [whole.request_id]
    ended = "SELECT count(*) FROM router.request_call WHERE ended_at IS NOT NULL"
    assert await schema.admin.fetchval(ended) == 2


def test_a_fallback_is_put_down_to_the_last_call_of_the_model_before_it() -> None:
    first = claim()
    call = answered(first).attempts[0]
    failed = call.model_copy(
        update={"outcome": AttemptOutcome.FAILED, "error_class": "overloaded", "model": "near"}
    )
    lost = call.model_copy(update={"outcome": AttemptOutcome.UNKNOWN, "model": "near"})

    assert fallback_cause(()) is None
    assert fallback_cause((call, call)) is None
    assert fallback_cause((lost, failed, call)) == "overloaded"
    assert fallback_cause((lost, call, failed)) == "unknown"


async def test_an_old_answer_is_erased_and_its_id_stays_taken(
    ledger: DatabaseLedger, schema: ProvisionedSchema
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    await ledger.end(answered(first))
    async with schema.database.transaction() as tx:
        await store.forget(tx, -1.0)

    known = await ledger.claim(claim(first.request_id), now() + SOON)

    assert known == Claimed(conflict=True)
    assert await schema.admin.fetchval("SELECT answer FROM router.request_call") is None


async def test_an_outage_is_sat_out_and_readiness_knows_of_it(
    ledger: DatabaseLedger, notes: dict[str, str], postgres_server: PostgresServer
) -> None:
    first = claim()
    await ledger.claim(first, now() + SOON)
    postgres_server.kill()
    end = answered(first)
    ending = asyncio.create_task(ledger.end(end))

    async def is_away() -> bool:
        try:
            await ledger.claim(claim(), now() + timedelta(seconds=0.3))
        except DependencyDown:
            return True
        return False

    try:
        # Its backends outlive a killed server by a moment.
        await eventually(is_away)
        assert notes == {"postgresql": "the database is away: requests wait for it"}
    finally:
        postgres_server.restart()

    assert await ending == end.ending
    assert notes == {}
