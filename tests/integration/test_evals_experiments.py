"""Experiments in a real PostgreSQL: scores are told, and a comparison is kept once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.evals import handlers, metrics
from services.evals.tables import metadata
from shared.contracts.errors import ErrorCode
from shared.contracts.evaluations import (
    ExperimentRecord,
    ExperimentRun,
    ScoredRun,
    ScoresRead,
    ScoresReply,
)
from shared.contracts.requests import RequestRedacted
from shared.contracts.values import Language, new_id
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.fixtures.tables import described, shape
from tests.unit.evals.requests import completion_of, request_for

METRICS = metrics.load()
PROMPT = "Skriv et svar til Klient_001 i højst to sætninger."
ANSWER = "Kære Klient_001, vi har set på din sag og sender dig en ny faktura. Tak for dit brev."


@pytest.fixture
async def evals(provision_schema: ProvisionSchema) -> ProvisionedSchema:
    return await provision_schema("evals")


async def graded(evals: ProvisionedSchema) -> RequestRedacted:
    request = request_for(PROMPT, Language.DANISH)
    async with evals.database.transaction() as tx:
        events = [request, completion_of(request, ANSWER)]
        await handlers.completions_scored(events, tx, metrics=METRICS)
    return request


async def read(evals: ProvisionedSchema, *asked: Sequence[UUID]) -> list[tuple[ScoredRun, ...]]:
    commands = [ScoresRead(actor="operator", request_ids=tuple(ids)) for ids in asked]
    async with evals.database.transaction() as tx:
        answered = await handlers.scores_read(commands, tx)
    assert [reply.id for reply in answered.replies] == [command.id for command in commands]
    return [reply.runs for reply in answered.replies if isinstance(reply, ScoresReply)]


async def record(evals: ProvisionedSchema, *commands: ExperimentRecord) -> list[ErrorCode | None]:
    async with evals.database.transaction() as tx:
        answered = await handlers.experiment_recorded(commands, tx)
    assert [reply.id for reply in answered.replies] == [command.id for command in commands]
    return [reply.code for reply in answered.replies]


def experiment_with(*runs: ExperimentRun) -> ExperimentRecord:
    return ExperimentRecord(
        actor="operator",
        suite="da-letters",
        suite_sha256="ab" * 32,
        seed=2**62,
        temperature=0.0,
        max_tokens=400,
        started_at=datetime(2026, 11, 24, 9, 15, tzinfo=UTC),
        runs=runs,
    )


def run_of(request_id: UUID, code: ErrorCode | None = None) -> ExperimentRun:
    return ExperimentRun(
        case_id="late-delivery",
        model="local-default",
        request_id=request_id,
        latency_ms=2150,
        code=code,
    )


async def kept(evals: ProvisionedSchema) -> tuple[int, int]:
    counted = [
        await evals.admin.fetchval(f"SELECT count(*) FROM evals.{table}")
        for table in ("experiment", "experiment_run")
    ]
    return (counted[0], counted[1])


async def test_the_migrations_build_exactly_the_tables_described(evals: ProvisionedSchema) -> None:
    assert await shape(evals, "evals") == await described(evals, metadata)


async def test_scores_are_told_to_each_who_asks_and_what_is_unknown_is_left_out(
    evals: ProvisionedSchema,
) -> None:
    one, other = await graded(evals), await graded(evals)
    unknown = new_id()

    both, single, none = await read(
        evals, [one.request_id, unknown, other.request_id], [other.request_id], [unknown]
    )

    assert [run.request_id for run in both] == [one.request_id, other.request_id]
    assert [run.request_id for run in single] == [other.request_id]
    assert none == ()
    assert both[0].model == "local-default"
    assert {score.metric: score.value for score in both[0].scores} == {
        "answer_language": 1.0,
        "answer_length": 1.0,
    }
    assert both[0].scores[1].expected == "max-2-sentences"


async def test_a_reason_not_to_score_is_told_too(evals: ProvisionedSchema) -> None:
    request = request_for("Hvad hedder hovedstaden i Norge?", Language.DANISH)
    async with evals.database.transaction() as tx:
        events = [request, completion_of(request, "Oslo.")]
        await handlers.completions_scored(events, tx, metrics=METRICS)

    ((run,),) = await read(evals, [request.request_id])

    assert [(score.value, score.unscored) for score in run.scores] == [
        (None, "too_short"),
        (None, "nothing_asked"),
    ]


async def test_an_experiment_that_is_sent_again_is_kept_once(evals: ProvisionedSchema) -> None:
    command = experiment_with(run_of(new_id()), run_of(new_id(), ErrorCode.DEADLINE))

    assert await record(evals, command, command) == [None, None]
    assert await record(evals, command) == [None]

    assert await kept(evals) == (1, 2)


async def test_two_replicas_that_are_given_the_same_experiments_keep_them_once(
    evals: ProvisionedSchema,
) -> None:
    commands = [experiment_with(run_of(new_id())) for _ in range(20)]

    one, other = await asyncio.gather(record(evals, *commands), record(evals, *reversed(commands)))

    assert set(one + other) == {None}
    assert await kept(evals) == (20, 20)


async def test_the_id_of_an_experiment_does_not_stand_for_another_one(
    evals: ProvisionedSchema,
) -> None:
    command = experiment_with(run_of(new_id()))
    other = command.model_copy(update={"runs": (run_of(new_id()),)})

    assert await record(evals, command, other) == [None, ErrorCode.CONFLICT]
    assert await record(evals, other) == [ErrorCode.CONFLICT]

    assert await kept(evals) == (1, 1)


async def test_analysts_see_experiments_with_their_scores_and_failures(
    evals: ProvisionedSchema,
) -> None:
    request, failed = await graded(evals), new_id()
    await record(
        evals,
        experiment_with(run_of(request.request_id), run_of(failed, ErrorCode.PROVIDER_UNAVAILABLE)),
    )

    await evals.admin.execute("SET ROLE stellwerk_reader")
    rows = await evals.admin.fetch(
        "SELECT case_id, model, request_id, latency_ms, code, answered_by, metric, value"
        " FROM evals.experiments_v1 ORDER BY code NULLS FIRST, metric"
    )

    asked = ("late-delivery", "local-default")
    assert [tuple(row) for row in rows] == [
        (*asked, request.request_id, 2150, None, "local-default", "answer_language", 1.0),
        (*asked, request.request_id, 2150, None, "local-default", "answer_length", 1.0),
        (*asked, failed, 2150, "provider_unavailable", None, None, None),
    ]
