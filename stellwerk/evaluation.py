"""Asks every case of every model over the bus, and has the answers graded and the runs kept.

A case that fails is a run with a code; nothing that fails ends the evaluation.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from shared.contracts.catalog import OPERATOR
from shared.contracts.errors import ErrorCode
from shared.contracts.evaluations import (
    ExperimentRecord,
    ExperimentReply,
    ExperimentRun,
    Score,
    ScoresRead,
    ScoresReply,
)
from shared.contracts.values import keyed_request_id, new_id, now
from stellwerk.asking import Options
from stellwerk.client import Client
from stellwerk.errors import CommandError, NotAllowed, StellwerkError, StillWaiting
from stellwerk.experiment import Experiment, Plan, Run
from stellwerk.operator import Operator
from stellwerk.suites import Case

USE_CASE: Final = "eval"
SCORES_WAIT_S: Final = 10.0
SCORES_PAUSE_S: Final = 0.5

Progress = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation; setting `stop` ends it early and keeps what is done."""

    plan: Plan
    client: Client
    operator: Operator
    stop: asyncio.Event
    progress: Progress

    async def run(self) -> Experiment:
        """Ask, wait for the scores, and have it all kept."""
        plan, id_, started_at, begun = self.plan, new_id(), now(), time.monotonic()
        runs = await self._ask_all(id_)
        experiment = Experiment(
            id=id_,
            plan=plan,
            started_at=started_at,
            duration_s=time.monotonic() - begun,
            runs=_in_order(plan, runs),
            interrupted=len(runs) < plan.size,
        )
        return await self._kept(await self._graded(experiment))

    async def _ask_all(self, experiment_id: UUID) -> list[Run]:
        plan, done = self.plan, list[Run]()
        waiting = deque((case, model) for case in plan.suite.suite.cases for model in plan.models)

        async def work() -> None:
            while waiting:
                case, model = waiting.popleft()
                done.append(await self._ask(experiment_id, case, model))
                self.progress(done[-1])

        workers = [asyncio.create_task(work()) for _ in range(plan.concurrency)]
        all_done, stopped = asyncio.gather(*workers), asyncio.create_task(self.stop.wait())
        try:
            either: set[asyncio.Future[Any]] = {all_done, stopped}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if all_done.done():
                all_done.result()
        finally:
            for task in (*workers, stopped):
                task.cancel()
            await asyncio.gather(*workers, stopped, all_done, return_exceptions=True)
        return done

    async def _ask(self, experiment_id: UUID, case: Case, model: str) -> Run:
        plan = self.plan
        # Known beforehand, so that a run without an answer can be looked up too.
        key = f"eval {experiment_id} {case.id} {model}"
        run = Run(case.id, model, keyed_request_id(plan.tenant, plan.app, key), latency_ms=0)
        begun = time.monotonic()
        try:
            answer = await self.client.complete(case.prompt, **_options(plan, case, model, key))
        except StellwerkError as error:
            return replace(run, latency_ms=_ms_since(begun), code=_code_of(error))
        return replace(run, latency_ms=_ms_since(begun), answer=answer)

    async def _graded(self, experiment: Experiment) -> Experiment:
        """Return it with the scores that come in time; without evals it stays as it is."""
        scores: dict[UUID, tuple[Score, ...]] = {}
        note: tuple[str, ...] = ()
        wanted = {run.request_id for run in experiment.runs if run.answer is not None}
        give_up_at = time.monotonic() + SCORES_WAIT_S
        try:
            while missing := wanted - scores.keys():
                scores |= await self._read_scores(missing)
                if time.monotonic() >= give_up_at or self.stop.is_set():
                    break
                if wanted - scores.keys():
                    await asyncio.sleep(SCORES_PAUSE_S)
        except CommandError as error:
            note = (f"The answers could not be graded. {error}",)
        runs = [replace(run, scores=scores.get(run.request_id)) for run in experiment.runs]
        return replace(experiment, runs=runs, notes=(*experiment.notes, *note))

    async def _read_scores(self, request_ids: Iterable[UUID]) -> dict[UUID, tuple[Score, ...]]:
        command = ScoresRead(actor=OPERATOR, reason=USE_CASE, request_ids=tuple(request_ids))
        reply = await self.operator.ask(command, ScoresReply)
        return {run.request_id: run.scores for run in reply.runs}

    async def _kept(self, experiment: Experiment) -> Experiment:
        if not experiment.runs:
            return experiment
        try:
            reply = await self.operator.ask(record_of(experiment), ExperimentReply)
        except CommandError as error:
            note = f"The experiment was not kept. {error}"
        else:
            if reply.code is None:
                return replace(experiment, recorded=True)
            note = f"The experiment was not kept. {reply.code.sentence()}"
        return replace(experiment, notes=(*experiment.notes, note))


def record_of(experiment: Experiment) -> ExperimentRecord:
    """Return the command that has an experiment kept under its own id."""
    plan = experiment.plan
    return ExperimentRecord(
        id=experiment.id,
        actor=OPERATOR,
        reason=USE_CASE,
        suite=plan.suite.suite.name,
        suite_sha256=plan.suite.sha256,
        seed=plan.seed,
        temperature=plan.temperature,
        max_tokens=plan.max_tokens,
        started_at=experiment.started_at,
        runs=tuple(
            ExperimentRun(
                case_id=run.case_id,
                model=run.model,
                request_id=run.request_id,
                latency_ms=run.latency_ms,
                code=run.code,
            )
            for run in experiment.runs
        ),
    )


def _options(plan: Plan, case: Case, model: str, key: str) -> Options:
    options = Options(
        idempotency_key=key,
        model=model,
        seed=plan.seed,
        temperature=plan.temperature,
        use_case=USE_CASE,
        timeout_s=plan.timeout_s,
    )
    if plan.max_tokens is not None:
        options["max_tokens"] = plan.max_tokens
    if case.task is not None:
        options["task"] = case.task
    return options


def _in_order(plan: Plan, runs: Sequence[Run]) -> list[Run]:
    found = {(run.case_id, run.model): run for run in runs}
    places = ((case.id, model) for case in plan.suite.suite.cases for model in plan.models)
    return [found[place] for place in places if place in found]


def _code_of(error: StellwerkError) -> ErrorCode:
    if error.code is not None:
        return error.code
    if isinstance(error, StillWaiting):
        return ErrorCode.DEADLINE
    return ErrorCode.FORBIDDEN if isinstance(error, NotAllowed) else ErrorCode.INTERNAL


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
