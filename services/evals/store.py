"""All SQL of evals: halves of a request that wait, the scores given, the experiments run."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.evals.domain import Noted
from shared.contracts.evaluations import (
    EvaluationScored,
    ExperimentRecord,
    Score,
    ScoredRun,
)
from shared.db import Transaction

_TAKE_ASKED: Final = """
DELETE FROM waiting WHERE request_id = ANY($1::uuid[]) AND asked IS NOT NULL
RETURNING request_id, asked
"""
# In the order of the ids, so that two replicas that hold the same requests never wait for
# each other in a circle.
_MEET: Final = """
INSERT INTO waiting (request_id, asked, answered)
SELECT request_id, asked::jsonb, answered::jsonb
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS given (request_id, asked, answered)
ORDER BY request_id
ON CONFLICT (request_id) DO UPDATE
SET asked = coalesce(waiting.asked, excluded.asked),
    answered = coalesce(waiting.answered, excluded.answered)
RETURNING request_id, asked, answered
"""
_MET: Final = "DELETE FROM waiting WHERE request_id = ANY($1::uuid[])"
_FORGET: Final = "DELETE FROM waiting WHERE since < now() - make_interval(secs => $1)"
_SAVE: Final = """
INSERT INTO score (
    event_id, request_id, tenant, app, model, provider, language, at,
    metric, version, value, unscored, expected, found
)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::text[], $10::int[], $11::float8[], $12::text[], $13::text[], $14::text[]
)
ON CONFLICT DO NOTHING
"""
# Should a request have been answered twice, its latest grading is the one that counts.
_SCORES: Final = """
SELECT DISTINCT ON (request_id, metric)
    request_id, model, metric, version AS metric_version, value, unscored, expected, found
FROM score WHERE request_id = ANY($1::uuid[])
ORDER BY request_id, metric, at DESC
"""
_ADD_EXPERIMENTS: Final = """
INSERT INTO experiment (
    id, suite, suite_sha256, seed, temperature, max_tokens, started_at, actor, reason
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::float8[], $6::int[],
    $7::timestamptz[], $8::text[], $9::text[]
)
ON CONFLICT DO NOTHING
RETURNING id
"""
_ADD_RUNS: Final = """
INSERT INTO experiment_run (experiment_id, request_id, case_id, model, latency_ms, code)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[])
ON CONFLICT DO NOTHING
"""
_RUNS: Final = """
SELECT experiment_id, request_id FROM experiment_run WHERE experiment_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of a completion: its evaluation without scores, and what it is like."""

    evaluation: EvaluationScored
    found: Noted


@dataclass(frozen=True, slots=True)
class Half:
    """What is known of one request: what was asked, what was answered, or both."""

    request_id: UUID
    asked: Noted | None = None
    answered: Answer | None = None


async def take_asked(tx: Transaction, request_ids: Sequence[UUID]) -> dict[UUID, Noted]:
    """Return what these requests asked for, and keep it no longer."""
    if not request_ids:
        return {}
    rows = await tx.fetch(_TAKE_ASKED, request_ids)
    return {row["request_id"]: json.loads(row["asked"]) for row in rows}


async def meet(tx: Transaction, halves: Sequence[Half]) -> list[Half]:
    """Keep these halves, and return the requests that are whole now: those are kept no longer.

    Whichever half is written second, in whatever replica, finds the first: the row's key makes the
    one wait for the other.
    """
    if not halves:
        return []
    rows = await tx.fetch(
        _MEET,
        [half.request_id for half in halves],
        [None if half.asked is None else json.dumps(half.asked) for half in halves],
        [None if half.answered is None else _to_json(half.answered) for half in halves],
    )
    whole = [row for row in rows if row["asked"] and row["answered"]]
    if whole:
        await tx.execute(_MET, [row["request_id"] for row in whole])
    return [
        Half(row["request_id"], json.loads(row["asked"]), _from_json(row["answered"]))
        for row in whole
    ]


async def forget_waiting(tx: Transaction, age_s_max: int) -> None:
    """Remove halves that waited in vain: refused and failed requests have no completion."""
    await tx.execute(_FORGET, float(age_s_max))


async def save(tx: Transaction, evaluations: Iterable[EvaluationScored]) -> None:
    """Write all scores; those of an evaluation that is there already stay as they are."""
    rows = [row for evaluation in evaluations for row in _rows(evaluation)]
    if rows:
        await tx.execute(_SAVE, *zip(*rows, strict=True))


async def scores_of(tx: Transaction, request_ids: Iterable[UUID]) -> dict[UUID, ScoredRun]:
    """Return the scores of those requests that are graded."""
    given: dict[tuple[UUID, str], list[Score]] = defaultdict(list)
    for row in await tx.fetch(_SCORES, sorted(request_ids)):
        score = {name: row[name] for name in Score.model_fields if row[name] is not None}
        given[row["request_id"], row["model"]].append(Score.model_validate(score))
    return {
        request_id: ScoredRun(request_id=request_id, model=model, scores=tuple(scores))
        for (request_id, model), scores in given.items()
    }


async def add_experiments(tx: Transaction, given: Iterable[ExperimentRecord]) -> None:
    """Keep experiments with their runs; one that is there already stays as it is."""
    by_id: dict[UUID, ExperimentRecord] = {}
    for one in given:
        by_id.setdefault(one.id, one)
    # In the order of the ids, so that two replicas never wait for each other in a circle.
    experiments = [_experiment_row(by_id[id_]) for id_ in sorted(by_id)]
    added = await tx.fetch(_ADD_EXPERIMENTS, *zip(*experiments, strict=True))
    runs = [
        (row["id"], run.request_id, run.case_id, run.model, run.latency_ms, run.code)
        for row in added
        for run in by_id[row["id"]].runs
    ]
    if runs:
        await tx.execute(_ADD_RUNS, *zip(*runs, strict=True))


async def runs_of(tx: Transaction, experiment_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Return the requests of each experiment."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for row in await tx.fetch(_RUNS, list(experiment_ids)):
        found[row["experiment_id"]].add(row["request_id"])
    return found


def _experiment_row(one: ExperimentRecord) -> tuple[object, ...]:
    return (
        *(one.id, one.suite, one.suite_sha256, one.seed, one.temperature, one.max_tokens),
        *(one.started_at, one.actor, one.reason),
    )


def _rows(evaluation: EvaluationScored) -> Iterable[tuple[object, ...]]:
    shared = (
        *(evaluation.id, evaluation.request_id, evaluation.tenant, evaluation.app),
        *(evaluation.model, evaluation.provider, evaluation.language.value, evaluation.time),
    )
    for score in evaluation.scores:
        yield (
            *shared,
            *(score.metric, score.metric_version, score.value),
            *(score.unscored, score.expected, score.found),
        )


def _to_json(answer: Answer) -> str:
    evaluation = answer.evaluation.model_dump(mode="json", exclude_none=True)
    return json.dumps({"evaluation": evaluation, "found": answer.found})


def _from_json(kept: str) -> Answer:
    fields = json.loads(kept)
    return Answer(EvaluationScored.model_validate(fields["evaluation"]), fields["found"])
