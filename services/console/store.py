"""All SQL of the console: it reads published views, and may read nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.console.domain import Fallbacks, Load, ModelCalls, ModelLine, Numbers, Slice, Speed
from shared.db import Database, Transaction

READ_S_MAX: Final = 4.0
"""A page waits no longer for the database; what is not there by then is shown as away."""
REFUSALS_MAX: Final = 200
"""Of so many latest refusals, those of the redactor are looked for: billing has the others."""

Place = tuple[str, str, str | None, str | None]
"""A model, its provider, and where it runs and keeps texts."""

_LATEST: Final = """
WITH refused AS (
    SELECT request_id, recorded_at AS ended_at, app, code
    FROM (SELECT * FROM audit.refusals_v1
          WHERE recorded_at > now() - interval '1 day'
          ORDER BY recorded_at DESC LIMIT $4) AS newest
    WHERE refused_by = 'redactor' AND ($1::text IS NULL OR app = $1)
        AND ($2::text IS NULL OR $2 = 'refused')
)
(SELECT request_id, ended_at, app, use_case, model, outcome, code, input_tokens, output_tokens,
    cost, currency, latency_ms
 FROM billing.requests_v1
 WHERE ($1::text IS NULL OR app = $1) AND ($2::text IS NULL OR outcome = $2)
 ORDER BY ended_at DESC LIMIT $3)
UNION ALL
SELECT request_id, ended_at, app, NULL, NULL, 'refused', code, 0, 0, NULL, '', NULL FROM refused
ORDER BY ended_at DESC LIMIT $3
"""
_MASKED: Final = """
SELECT request_id, max(values_masked) AS masked FROM audit.maskings_v1
WHERE request_id = ANY($1::uuid[]) GROUP BY request_id
"""
_NUMBERS: Final = """
SELECT count(*) AS requests,
    count(*) FILTER (WHERE outcome = 'failed' AND code IS DISTINCT FROM 'cancelled') AS failed,
    count(*) FILTER (WHERE outcome = 'refused') AS refused,
    coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
    coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms)
        FILTER (WHERE outcome = 'completion') AS latency_p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)
        FILTER (WHERE outcome = 'completion') AS latency_p95_ms
FROM billing.requests_v1 WHERE ended_at > now() - interval '1 day'
"""
_COSTS: Final = """
SELECT currency, sum(cost) AS cost FROM billing.requests_v1
WHERE ended_at > now() - interval '1 day' GROUP BY currency ORDER BY sum(cost) DESC, currency
"""
_SLICES: Final = """
SELECT date_bin($1, ended_at, $2) AS start,
    count(*) FILTER (WHERE outcome = 'completion') AS completed,
    count(*) FILTER (WHERE outcome = 'refused') AS refused,
    count(*) FILTER (WHERE outcome = 'failed') AS failed
FROM billing.requests_v1 WHERE ended_at >= $2 GROUP BY 1
"""
_MODELS: Final = """
SELECT provider, model, count(*) AS calls,
    count(*) FILTER (WHERE recent) AS recent,
    count(*) FILTER (WHERE recent AND outcome IN ('failed', 'unknown')) AS failed,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms)
        FILTER (WHERE outcome = 'answered') AS p95_ms,
    max(ended_at) AS last_at,
    (array_agg(error_class ORDER BY ended_at DESC, ordinal DESC)
        FILTER (WHERE error_class IS NOT NULL))[1] AS last_error,
    (array_agg(outcome ORDER BY ended_at DESC, ordinal DESC)
        FILTER (WHERE outcome <> 'cancelled'))[1:5] AS latest
FROM (SELECT *, ended_at > now() - interval '15 minutes' AS recent FROM billing.calls_v1
      WHERE ended_at > now() - interval '1 day') AS of_the_day
GROUP BY provider, model ORDER BY provider, model
"""
_SPEEDS: Final = "SELECT * FROM router.model_latency_v1 WHERE period = $1"
_LOADS: Final = "SELECT * FROM router.load_v1"
_FALLBACKS: Final = """
SELECT model, provider, sum(requests)::bigint AS requests, sum(fallbacks)::bigint AS fallbacks,
    (SELECT cause FROM router.fallbacks_v1 AS one, jsonb_each_text(one.causes) AS of_one (cause, n)
     WHERE one.model = counted.model AND one.provider = counted.provider
         AND one.hour > now() - interval '1 day'
     GROUP BY cause ORDER BY sum(n::bigint) DESC, cause LIMIT 1) AS cause
FROM router.fallbacks_v1 AS counted WHERE hour > now() - interval '1 day'
GROUP BY model, provider
"""
_APPS: Final = """
SELECT DISTINCT app FROM billing.requests_v1
WHERE ended_at > now() - interval '1 day' ORDER BY app LIMIT 200
"""
_REQUEST: Final = (
    "SELECT * FROM billing.requests_v1 WHERE request_id = $1 ORDER BY ended_at LIMIT 1"
)
_REFUSAL: Final = """
SELECT request_id, recorded_at AS ended_at, tenant, app, NULL AS use_case, user_id, 'refused'
    AS outcome, code, NULL AS model, NULL AS provider, NULL AS sensitivity,
    coalesce(language, 'und') AS language, false AS stream, 0 AS input_tokens, 0 AS output_tokens,
    NULL AS cost, '' AS currency, NULL AS queued_ms, NULL AS provider_ms, NULL AS latency_ms,
    '' AS config_version
FROM audit.refusals_v1 WHERE request_id = $1 ORDER BY recorded_at LIMIT 1
"""
_CALLS: Final = "SELECT * FROM billing.calls_v1 WHERE request_id = $1 ORDER BY ended_at, ordinal"
_SCORES: Final = "SELECT * FROM evals.scores_v1 WHERE request_id = $1 ORDER BY metric"
_DECISIONS: Final = (
    "SELECT DISTINCT ON (rank, provider, model) * FROM audit.decisions_v1 WHERE request_id = $1"
    " ORDER BY rank, provider, model"
)
_MASKING: Final = (
    "SELECT * FROM audit.maskings_v1 WHERE request_id = $1 ORDER BY recorded_at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class LatestRequest:
    """One line of the list."""

    request_id: UUID
    ended_at: datetime
    app: str
    use_case: str | None
    model: str | None
    outcome: str
    code: str | None
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    currency: str
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class Request(LatestRequest):
    """All that billing knows of one request."""

    tenant: str
    user_id: str | None
    provider: str | None
    sensitivity: str | None
    language: str
    stream: bool
    queued_ms: int | None
    provider_ms: int | None
    config_version: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a provider."""

    call_id: UUID
    provider: str
    model: str
    outcome: str
    error_class: str | None
    duration_ms: int
    first_token_ms: int | None
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that was considered, and why it was not chosen."""

    model: str
    provider: str
    rank: int
    excluded_by: str | None
    rule: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's verdict."""

    metric: str
    version: int
    value: float | None
    unscored: str | None
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Masking:
    """How many values were masked, of which kinds."""

    values_masked: int
    kinds: tuple[str, ...]


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[Transaction]:
    """Open a transaction to read in. Raises `DependencyDown` if it takes too long."""
    # The limit lies inside, so that a slow statement looks like a database that is away.
    async with database.transaction() as tx, asyncio.timeout(READ_S_MAX):
        yield tx


async def latest(
    tx: Transaction, app: str | None, outcome: str | None, limit: int
) -> list[LatestRequest]:
    """Return the requests that ended last, the newest first."""
    rows = await tx.fetch(_LATEST, app, outcome, limit, REFUSALS_MAX)
    return [LatestRequest(**row) for row in rows]


async def masked_counts(tx: Transaction, request_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many values were masked in each request that audit has recorded by now."""
    rows = await tx.fetch(_MASKED, request_ids)
    return {row["request_id"]: row["masked"] for row in rows}


async def numbers(tx: Transaction) -> Numbers:
    """Return the sums of the last 24 hours."""
    row = await tx.fetchrow(_NUMBERS)
    assert row is not None, "an aggregate has one row"
    costs = await tx.fetch(_COSTS)
    return Numbers(**row, costs=tuple((one["currency"], one["cost"]) for one in costs))


async def slices(tx: Transaction, width: timedelta, first: datetime) -> list[Slice]:
    """Return what ended since `first`, counted by steps of `width`."""
    return [Slice(**row) for row in await tx.fetch(_SLICES, width, first)]


async def models(tx: Transaction) -> tuple[ModelCalls, ...]:
    """Return the calls of each model in the last 24 hours."""
    found = []
    for row in await tx.fetch(_MODELS):
        values = dict(row)
        values["latest"] = tuple(values["latest"] or ())
        found.append(ModelCalls(**values))
    return tuple(found)


async def speeds(tx: Transaction, period: str) -> dict[Place, Speed]:
    """Return how fast each model answered in `5 minutes`, the last `hour` or the last `day`."""
    return {_place(row): Speed(**_only(row, Speed)) for row in await tx.fetch(_SPEEDS, period)}


async def model_lines(tx: Transaction, day: dict[Place, Speed]) -> tuple[ModelLine, ...]:
    """Return all models that were called in the last day, and what they do just now."""
    recent = await speeds(tx, "5 minutes")
    loads = {_place(row): Load(**_only(row, Load)) for row in await tx.fetch(_LOADS)}
    fallbacks = {
        (row["model"], row["provider"]): Fallbacks(**_only(row, Fallbacks))
        for row in await tx.fetch(_FALLBACKS)
    }
    places = sorted({*day, *recent, *loads}, key=lambda place: tuple(map(str, place)))
    return tuple(
        ModelLine(
            *place,
            recent=recent.get(place),
            day=day.get(place),
            load=loads.get(place),
            fallbacks=fallbacks.get(place[:2]),
        )
        for place in places
    )


def _place(row: Any) -> Place:  # noqa: ANN401  A row answers by name.
    return row["model"], row["provider"], row["region"], row["residency"]


async def apps(tx: Transaction) -> tuple[str, ...]:
    """Return the apps that asked in the last 24 hours."""
    return tuple(row["app"] for row in await tx.fetch(_APPS))


async def request(tx: Transaction, request_id: UUID) -> Request | None:
    """Return one request; None if it has not ended, or never was."""
    row = await tx.fetchrow(_REQUEST, request_id)
    if row is None:
        # What the redactor refused never reached billing.
        row = await tx.fetchrow(_REFUSAL, request_id)
    return Request(**_only(row, Request)) if row is not None else None


async def calls(tx: Transaction, request_id: UUID) -> list[Call]:
    """Return the calls of one request in their order."""
    return [Call(**_only(row, Call)) for row in await tx.fetch(_CALLS, request_id)]


async def scores(tx: Transaction, request_id: UUID) -> list[Score]:
    """Return the scores of one request."""
    return [Score(**_only(row, Score)) for row in await tx.fetch(_SCORES, request_id)]


async def candidates(tx: Transaction, request_id: UUID) -> list[Candidate]:
    """Return the models that were considered for one request, the best first."""
    return [Candidate(**_only(row, Candidate)) for row in await tx.fetch(_DECISIONS, request_id)]


async def masking(tx: Transaction, request_id: UUID) -> Masking | None:
    """Return what was masked in one request; None if audit has not recorded it yet."""
    row = await tx.fetchrow(_MASKING, request_id)
    return Masking(row["values_masked"], tuple(row["kinds"])) if row else None


def _only(row: Any, shape: type[Any]) -> dict[str, Any]:  # noqa: ANN401  A row answers by name.
    """Return the columns that `shape` has: views may get more of them."""
    return {one.name: row[one.name] for one in fields(shape)}
