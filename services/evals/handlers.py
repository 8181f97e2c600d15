"""Events in, scores out: what was asked meets what was answered, in whichever order they come.

And whoever compares models is told the scores, and has the comparison kept.
"""

from collections.abc import Sequence
from uuid import UUID

from services.evals import domain, store
from services.evals.domain import Noted
from services.evals.metrics.base import Metric
from shared.bus import Answered
from shared.contracts.completions import CompletionProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.evaluations import (
    EvaluationScored,
    ExperimentRecord,
    ExperimentReply,
    ScoresRead,
    ScoresReply,
)
from shared.contracts.event import Event
from shared.contracts.requests import Operation, RequestRedacted
from shared.db import Transaction


async def completions_scored(
    events: Sequence[Event], tx: Transaction, *, metrics: Sequence[Metric]
) -> Sequence[Event]:
    """Return one evaluation for each completion whose request is known by now.

    Of a request only what it asks for is kept, until its completion comes. A completion can come
    first, after a crash or in another replica: then what it is like is kept until its request does.
    """
    requests = {one.request_id: one for one in events if isinstance(one, RequestRedacted)}
    completions = {one.request_id: one for one in events if isinstance(one, CompletionProduced)}
    wanted = {id_: domain.asked(metrics, request) for id_, request in requests.items()}
    wanted |= await store.take_asked(tx, list(completions.keys() - requests.keys()))
    graded = [
        _graded(completion, wanted[id_], metrics)
        for id_, completion in completions.items()
        if id_ in wanted
    ]
    early = [_kept(one, metrics) for id_, one in completions.items() if id_ not in wanted]
    early += [store.Half(id_, asked=wanted[id_]) for id_ in requests.keys() - completions.keys()]
    graded += [_graded_late(half, metrics) for half in await store.meet(tx, early)]
    await store.save(tx, graded)
    return graded


async def scores_read(commands: Sequence[ScoresRead], tx: Transaction) -> Answered:
    """Answer with the scores that are there; a request that is not graded yet is left out."""
    wanted = {id_ for command in commands for id_ in command.request_ids}
    graded = await store.scores_of(tx, wanted)
    return Answered(
        [
            ScoresReply(
                id=command.id,
                runs=tuple(graded[id_] for id_ in command.request_ids if id_ in graded),
            )
            for command in commands
        ]
    )


async def experiment_recorded(commands: Sequence[ExperimentRecord], tx: Transaction) -> Answered:
    """Keep experiments by the id of their command; the same id with other runs is a conflict."""
    await store.add_experiments(tx, commands)
    kept = await store.runs_of(tx, {command.id for command in commands})
    return Answered(
        [
            ExperimentReply(
                id=command.id,
                code=None if kept[command.id] == _requests(command) else ErrorCode.CONFLICT,
            )
            for command in commands
        ]
    )


def _requests(command: ExperimentRecord) -> set[UUID]:
    return {run.request_id for run in command.runs}


def _graded(
    completion: CompletionProduced, wanted: Noted, metrics: Sequence[Metric]
) -> EvaluationScored:
    fitting = _fitting(completion, metrics)
    given = domain.scores(fitting, wanted, lambda metric: metric.found(completion.text))
    return domain.with_scores(domain.evaluation_of(completion), given)


def _kept(completion: CompletionProduced, metrics: Sequence[Metric]) -> store.Half:
    found = domain.found(_fitting(completion, metrics), completion.text)
    answer = store.Answer(domain.evaluation_of(completion), found)
    return store.Half(completion.request_id, answered=answer)


def _fitting(completion: CompletionProduced, metrics: Sequence[Metric]) -> Sequence[Metric]:
    """Return what an answer can be graded by: one that only calls functions says nothing.

    A vector has no text to grade, and a translation is none of the answers that metrics know.
    """
    if completion.operation is not Operation.CHAT:
        return ()
    return () if completion.tool_calls and not completion.text else metrics


def _graded_late(half: store.Half, metrics: Sequence[Metric]) -> EvaluationScored:
    assert half.asked is not None
    assert half.answered is not None
    noted = half.answered.found
    given = domain.scores(metrics, half.asked, lambda metric: noted.get(metric.NAME))
    return domain.with_scores(half.answered.evaluation, given)
