"""Grades one answer by all metrics, from what was asked of it and what it is like."""

from collections.abc import Callable, Mapping, Sequence

from services.evals.metrics.base import Facts, Metric
from shared.contracts.completions import CompletionProduced
from shared.contracts.evaluations import EvaluationScored, Score
from shared.contracts.requests import Operation, RequestRedacted

Noted = Mapping[str, Facts]
"""What each metric took note of, by its name. It holds no text, so it may outlive the request."""


def asked(metrics: Sequence[Metric], request: RequestRedacted) -> Noted:
    """Return what a request asks of its answer; nothing is asked of vectors and translations."""
    if request.operation is not Operation.CHAT:
        return {}
    return {metric.NAME: metric.asked(request) for metric in metrics}


def found(metrics: Sequence[Metric], answer: str) -> Noted:
    """Return all that any metric could want to know of an answer whose request is not here yet."""
    return {metric.NAME: metric.found(answer) for metric in metrics}


def scores(
    metrics: Sequence[Metric], wanted: Noted, found_by: Callable[[Metric], Facts | None]
) -> tuple[Score, ...]:
    """Return the scores of one answer; it is looked at only where something was asked of it.

    A metric that took no note, because it was added after the request came, gives no score.
    """
    given = []
    for metric in metrics:
        facts = found_by(metric) if wanted.get(metric.NAME) else {}
        if metric.NAME in wanted and facts is not None:
            given.append(_score(metric, wanted[metric.NAME], facts))
    return tuple(given)


def evaluation_of(completion: CompletionProduced) -> EvaluationScored:
    """Return the evaluation that follows from a completion, still without scores."""
    return EvaluationScored.following(
        completion,
        model=completion.model,
        provider=completion.provider,
        language=completion.language,
        scores=(),
    )


def with_scores(evaluation: EvaluationScored, given: tuple[Score, ...]) -> EvaluationScored:
    """Return the same evaluation, graded."""
    return evaluation.model_copy(update={"scores": given})


def _score(metric: Metric, wanted: Facts, facts: Facts) -> Score:
    if not wanted:
        return Score(metric=metric.NAME, metric_version=metric.VERSION, unscored=metric.UNASKED)
    verdict = metric.judged(wanted, facts)
    return Score(
        metric=metric.NAME,
        metric_version=metric.VERSION,
        value=verdict.value,
        unscored=verdict.unscored,
        expected=verdict.expected,
        found=verdict.found,
    )
