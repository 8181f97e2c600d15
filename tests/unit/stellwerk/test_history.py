"""Two experiments are compared over the cases that both could judge by the same metric."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from shared.contracts.values import new_id
from stellwerk.history import Past, changes, changes_table, plain
from stellwerk.output import console

BEFORE, AFTER = new_id(), new_id()


def row(
    experiment: UUID, case: str, value: float | None, metric: str = "answer_length", **more: Any
) -> dict[str, Any]:
    return {
        "experiment_id": experiment,
        "started_at": datetime(2026, 11, 24, 9, tzinfo=UTC),
        "suite": "da-letters",
        "suite_sha256": "ab" * 32,
        "seed": 7,
        "case_id": case,
        "model": "local-small",
        "request_id": uuid5(experiment, case),
        "latency_ms": 1_000 if experiment == BEFORE else 1_500,
        "code": None,
        "answered_by": "local-small",
        "metric": metric,
        "version": 1,
        "value": value,
        **more,
    }


def test_a_change_is_over_the_cases_that_both_could_judge() -> None:
    old = [row(BEFORE, "one", 1.0), row(BEFORE, "two", 1.0), row(BEFORE, "three", None)]
    new = [row(AFTER, "one", 0.5), row(AFTER, "two", 1.0), row(AFTER, "three", 1.0)]

    (change,) = changes(Past.of(old), Past.of(new))

    assert (change.model, change.metric, change.cases) == ("local-small", "answer_length", 2)
    assert (change.before, change.after, change.lower) == (1.0, 0.75, ("one",))


def test_scores_of_two_versions_of_a_metric_are_not_compared() -> None:
    old, new = row(BEFORE, "one", 1.0), row(AFTER, "one", 0.5, version=2)
    assert changes(Past.of([old]), Past.of([new])) == []


def test_failures_and_the_answers_of_fallbacks_are_left_out() -> None:
    failed = row(BEFORE, "one", None, code="deadline", answered_by=None)
    other = row(BEFORE, "two", 1.0, answered_by="local-default")
    past = Past.of([failed, other])
    assert past.scores == {}
    assert past.latencies_ms == {}


def test_a_run_counts_its_time_once_however_many_metrics_judge_it() -> None:
    past = Past.of([row(BEFORE, "one", 1.0), row(BEFORE, "one", 1.0, "answer_language")])
    assert past.latencies_ms == {"local-small": [1_000]}


def test_what_changed_is_a_table() -> None:
    before = Past.of([row(BEFORE, "one", 1.0)])
    after = Past.of([row(AFTER, "one", 0.5)])
    output = console()
    with output.capture() as captured:
        output.print(changes_table(changes(before, after), before, after))
    lines = captured.get().splitlines()
    assert lines[1].split() == [
        "local-small",
        "answer_length",
        "1",
        "1.000",
        "0.500",
        "-0.500",
        "one",
    ]
    assert lines[2].split()[-2:] == ["+0.50", "s"]


def test_a_row_can_be_json() -> None:
    made = plain(row(BEFORE, "one", None))
    assert made["experiment_id"] == str(BEFORE)
    assert made["value"] is None
