"""Grading in a real PostgreSQL: whichever comes first, each completion is graded once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from services.evals import handlers, metrics, store
from shared.contracts.evaluations import EvaluationScored
from shared.contracts.event import Event
from shared.contracts.requests import ToolCall
from shared.contracts.values import Language
from shared.db import unseen
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.unit.evals.requests import completion_of, request_for

METRICS = metrics.load()
PROMPT = "Skriv et svar til Klient_001 i højst to sætninger."
ANSWER = "Kære Klient_001, vi har set på din sag og sender dig en ny faktura. Tak for dit brev."


@dataclass(frozen=True)
class Evals:
    """Evals' handler on a database, called as the bus calls it."""

    schema: ProvisionedSchema

    async def take(self, *events: Event) -> Sequence[Event]:
        async with self.schema.database.transaction() as tx:
            fresh = await unseen(tx, [event.id for event in events])
            new = [event for event in events if event.id in fresh]
            return await handlers.completions_scored(new, tx, metrics=METRICS) if new else ()

    async def waiting(self) -> int:
        return int(await self.schema.admin.fetchval("SELECT count(*) FROM evals.waiting"))


@pytest.fixture
async def evals(provision_schema: ProvisionSchema) -> Evals:
    return Evals(await provision_schema("evals"))


def values_of(event: Event) -> dict[str, float | None]:
    assert isinstance(event, EvaluationScored)
    return {score.metric: score.value for score in event.scores}


async def test_a_completion_is_graded_by_every_metric(evals: Evals) -> None:
    request = request_for(PROMPT, Language.DANISH)
    completion = completion_of(request, ANSWER)

    assert await evals.take(request) == []
    assert await evals.waiting() == 1
    (evaluation,) = await evals.take(completion)

    assert values_of(evaluation) == {"answer_language": 1.0, "answer_length": 1.0}
    assert (evaluation.cause, evaluation.tenant) == (completion.id, "default")
    rows = await evals.schema.admin.fetch("SELECT * FROM evals.score ORDER BY metric")
    assert [(row["metric"], row["value"], row["found"]) for row in rows] == [
        ("answer_language", 1.0, "da"),
        ("answer_length", 1.0, "2-sentences"),
    ]
    assert {row["event_id"] for row in rows} == {evaluation.id}
    assert {row["request_id"] for row in rows} == {request.request_id}
    assert await evals.waiting() == 0


async def test_request_and_completion_in_one_batch_meet(evals: Evals) -> None:
    requests = [request_for(PROMPT, Language.DANISH) for _ in range(3)]
    completions = [completion_of(request, ANSWER) for request in requests]

    evaluations = await evals.take(*requests, *completions)

    assert {evaluation.cause for evaluation in evaluations} == {one.id for one in completions}
    assert await evals.waiting() == 0


async def test_a_completion_that_comes_first_is_graded_the_same(evals: Evals) -> None:
    request = request_for(PROMPT, Language.DANISH)
    completion = completion_of(request, ANSWER)

    assert await evals.take(completion) == []
    (late,) = await evals.take(request)

    other = request_for(PROMPT, Language.DANISH)
    (usual,) = await evals.take(other, completion_of(other, ANSWER))
    assert isinstance(late, EvaluationScored)
    assert isinstance(usual, EvaluationScored)
    assert late.scores == usual.scores
    assert late.id == EvaluationScored.following(completion, **_like(late)).id
    assert (late.cause, late.request_id, late.model) == (
        *(completion.id, completion.request_id),
        completion.model,
    )
    assert await evals.waiting() == 0


@pytest.mark.parametrize("first", ["request", "completion"])
async def test_an_answer_that_only_calls_functions_is_not_graded(evals: Evals, first: str) -> None:
    request = request_for(PROMPT, Language.DANISH)
    call = ToolCall(id="call_1", name="find_order", arguments="{}")
    completion = completion_of(request, "").model_copy(update={"tool_calls": (call,)})
    halves = [request, completion] if first == "request" else [completion, request]

    evaluations = [one for half in halves for one in await evals.take(half)]

    assert [values_of(one) for one in evaluations] == [{}]
    assert await evals.waiting() == 0


def _like(evaluation: EvaluationScored) -> dict[str, object]:
    return {
        "model": evaluation.model,
        "provider": evaluation.provider,
        "language": evaluation.language,
        "scores": evaluation.scores,
    }


async def test_two_replicas_that_hold_one_half_each_grade_once(evals: Evals) -> None:
    requests = [request_for(PROMPT, Language.DANISH) for _ in range(20)]
    completions = [completion_of(request, ANSWER) for request in requests]

    batches = await asyncio.gather(
        evals.take(*requests[:10], *completions[10:]),
        evals.take(*completions[:10], *reversed(requests[10:])),
    )

    graded = [evaluation.cause for batch in batches for evaluation in batch]
    assert sorted(graded, key=str) == sorted((one.id for one in completions), key=str)
    assert await evals.waiting() == 0


async def test_what_comes_again_is_not_graded_again(evals: Evals) -> None:
    request = request_for(PROMPT, Language.DANISH)
    completion = completion_of(request, ANSWER)
    await evals.take(request, completion)

    assert await evals.take(request, completion) == ()
    # Long after the inbox has forgotten: the scores stay as they are.
    await evals.schema.admin.execute("DELETE FROM evals.inbox")
    await evals.take(request, completion)

    assert await evals.schema.admin.fetchval("SELECT count(*) FROM evals.score") == 2


async def test_nothing_that_waits_holds_a_word_of_a_text(evals: Evals) -> None:
    await evals.take(request_for(PROMPT, Language.DANISH))
    await evals.take(completion_of(request_for(PROMPT, Language.DANISH), ANSWER))

    kept = await evals.schema.admin.fetchval("SELECT string_agg(w::text, ' ') FROM evals.waiting w")

    assert "answered" in kept or "found" in kept
    for word in ("Klient", "svar", "faktura", "brev", "sætninger"):
        assert word not in kept


async def test_what_waits_in_vain_is_removed_after_a_day(evals: Evals) -> None:
    await evals.take(request_for(PROMPT), request_for(PROMPT))
    await evals.schema.admin.execute(
        "UPDATE evals.waiting SET since = since - interval '25 h'"
        " WHERE request_id = (SELECT min(request_id::text)::uuid FROM evals.waiting)"
    )

    async with evals.schema.database.transaction() as tx:
        await store.forget_waiting(tx, 24 * 3600)

    assert await evals.waiting() == 1


async def test_analysts_see_each_models_scores_by_day(evals: Evals) -> None:
    for answer in (ANSWER, ANSWER, "Ja. Nej. Måske. Tak."):
        request = request_for(PROMPT, Language.DANISH)
        await evals.take(request, completion_of(request, answer))

    await evals.schema.admin.execute("SET ROLE stellwerk_reader")
    rows = await evals.schema.admin.fetch(
        "SELECT metric, model, language, scored, unscored, mean FROM evals.scores_daily_v1"
        " ORDER BY metric"
    )

    assert [tuple(row) for row in rows] == [
        ("answer_language", "local-default", "da", 2, 1, 1.0),
        ("answer_length", "local-default", "da", 3, 0, pytest.approx(2 / 3)),
    ]
