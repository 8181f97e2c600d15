"""Reads past comparisons of models from the view that analysts read, and holds two side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median
from typing import Any, Final
from uuid import UUID

import asyncpg
from rich.table import Table

from stellwerk.errors import CommandError, NotFound
from stellwerk.experiment import AUTO

CONNECT_S_MAX: Final = 5.0
_MS_A_S: Final = 1000

_EXPERIMENTS: Final = """
SELECT experiment_id, started_at, suite, suite_sha256, seed,
    array_agg(DISTINCT model) AS models,
    count(DISTINCT request_id) AS runs,
    count(DISTINCT request_id) FILTER (WHERE code IS NOT NULL) AS failed
FROM evals.experiments_v1
GROUP BY experiment_id, started_at, suite, suite_sha256, seed
ORDER BY started_at DESC LIMIT $1
"""
_RUNS: Final = """
SELECT experiment_id, started_at, suite, suite_sha256, seed, case_id, model, request_id,
    latency_ms, code, answered_by, metric, version, value
FROM evals.experiments_v1
WHERE experiment_id = ANY($1::uuid[])
"""

Row = Mapping[str, Any]
Score = tuple[float, int]
"""A value, and the version of the metric that gave it."""


@dataclass(frozen=True, slots=True)
class Past:
    """One experiment as it is kept; scores by model, metric and case, of own answers only."""

    id: UUID
    started_at: datetime
    suite: str
    suite_sha256: str
    seed: int
    scores: Mapping[tuple[str, str], Mapping[str, Score]]
    latencies_ms: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Past":
        """Return the experiment that these rows of the view are all of."""
        scores: dict[tuple[str, str], dict[str, Score]] = {}
        latencies: dict[str, dict[UUID, int]] = {}
        for row in rows:
            if row["answered_by"] is None or row["model"] not in {AUTO, row["answered_by"]}:
                continue
            latencies.setdefault(row["model"], {})[row["request_id"]] = row["latency_ms"]
            if row["value"] is not None:
                place = scores.setdefault((row["model"], row["metric"]), {})
                place[row["case_id"]] = (row["value"], row["version"])
        first = rows[0]
        return cls(
            *(first["experiment_id"], first["started_at"], first["suite"]),
            *(first["suite_sha256"], first["seed"], scores),
            {model: list(found.values()) for model, found in latencies.items()},
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One model and metric in two experiments, over the cases that both could judge."""

    model: str
    metric: str
    cases: int
    before: float
    after: float
    lower: tuple[str, ...]
    """Cases that score lower than before."""


def changes(before: Past, after: Past) -> list[Change]:
    """Return what became of each model and metric that both judged by the same version."""
    found = []
    for place in sorted(before.scores.keys() & after.scores.keys()):
        old, new = before.scores[place], after.scores[place]
        cases = [case for case in old.keys() & new.keys() if old[case][1] == new[case][1]]
        if cases:
            found.append(
                Change(
                    *place,
                    cases=len(cases),
                    before=round(fmean(old[case][0] for case in cases), 3),
                    after=round(fmean(new[case][0] for case in cases), 3),
                    lower=tuple(sorted(c for c in cases if new[c][0] < old[c][0])),
                )
            )
    return found


def experiments_table(rows: Sequence[Row]) -> Table:
    """Return the experiments as a table, as many lines as there are."""
    table = _table("experiment", "started (UTC)", "suite", "seed", "models", "runs", "failed")
    for row in rows:
        started = row["started_at"].astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        about = (str(row["experiment_id"]), started, row["suite"], str(row["seed"]))
        table.add_row(*about, ", ".join(row["models"]), str(row["runs"]), str(row["failed"]))
    return table


def changes_table(found: Sequence[Change], before: Past, after: Past) -> Table:
    """Return what changed as a table, and the cases that score lower."""
    table = _table("model", "metric", "cases", "before", "after", "change", "lower now")
    for one in found:
        means = (f"{one.before:.3f}", f"{one.after:.3f}", f"{one.after - one.before:+.3f}")
        table.add_row(one.model, one.metric, str(one.cases), *means, ", ".join(one.lower))
    for model in sorted(before.latencies_ms.keys() & after.latencies_ms.keys()):
        old, new = (median(past.latencies_ms[model]) / _MS_A_S for past in (before, after))
        times = (f"{old:.2f} s", f"{new:.2f} s", f"{new - old:+.2f} s")
        table.add_row(model, "time, p50", "", *times, "")
    return table


def plain(row: Row) -> dict[str, Any]:
    """Return a row as JSON can hold it."""
    kept = (int, float, list, tuple, type(None))
    return {name: value if isinstance(value, kept) else str(value) for name, value in row.items()}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


async def read_experiments(dsn: str, limit: int) -> list[Row]:
    """Return the latest experiments, newest first."""
    return await _fetch(dsn, _EXPERIMENTS, limit)


async def read_two(dsn: str, before: UUID, after: UUID) -> tuple[Past, Past]:
    """Return two experiments; raise `NotFound` for an id that is not kept."""
    rows = await _fetch(dsn, _RUNS, [before, after])
    return _one_of(rows, before), _one_of(rows, after)


def _one_of(rows: Iterable[Row], experiment_id: UUID) -> Past:
    own = [row for row in rows if row["experiment_id"] == experiment_id]
    if not own:
        raise NotFound(
            f"There is no experiment {experiment_id}. `stellwerk eval list` shows the latest."
        )
    return Past.of(own)


async def _fetch(dsn: str, query: str, *arguments: object) -> list[Row]:
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_S_MAX)
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raise CommandError(
            "The database of evals does not answer. `stellwerk status` shows whether it runs."
        ) from None
