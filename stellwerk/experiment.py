"""What a comparison of models is: its plan, one run for each case and model, and what they come to.

It opens nothing; `stellwerk.evaluation` asks.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import Any, Final
from uuid import UUID

from shared.contracts.errors import ErrorCode
from shared.contracts.evaluations import Score
from stellwerk.answer import Answer
from stellwerk.suites import Loaded

AUTO: Final = "auto"
DEFAULT_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of which models, and how: the same plan asks the same again."""

    suite: Loaded
    models: tuple[str, ...]
    app: str
    tenant: str
    seed: int = DEFAULT_SEED
    temperature: float = 0.0
    max_tokens: int | None = None
    concurrency: int = 2
    timeout_s: float = 120.0

    @property
    def size(self) -> int:
        """Return how many runs it takes."""
        return len(self.suite.suite.cases) * len(self.models)

    @property
    def command(self) -> str:
        """Return the command line that runs it again."""
        words = ["stellwerk", "eval", "run", "--suite", self.suite.origin]
        words += ["--models", ",".join(self.models), "--app", self.app, "--tenant", self.tenant]
        words += ["--seed", str(self.seed), "--temperature", str(self.temperature)]
        words += ["--max-tokens", str(self.max_tokens)] if self.max_tokens else []
        words += ["--concurrency", str(self.concurrency), "--timeout", str(self.timeout_s)]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Run:
    """One case on one model; `scores` is None until they are there."""

    case_id: str
    model: str
    request_id: UUID
    latency_ms: int
    answer: Answer | None = None
    code: ErrorCode | None = None
    scores: tuple[Score, ...] | None = None

    @property
    def is_evidence(self) -> bool:
        """Return whether the model that was asked answered: a fallback's answer says nothing."""
        return self.answer is not None and self.model in {AUTO, self.answer.model}


@dataclass(frozen=True, slots=True)
class Totals:
    """What one model's runs come to.

    Scores and times are of its own answers; tokens and cost of all that was paid for it, a
    fallback's answer too.
    """

    asked: int
    answered: int
    by_another: int
    means: Mapping[str, float]
    scored: Mapping[str, int]
    latency_ms_p50: int | None
    cost_nano: int
    currency: str | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan that was run, as far as it came; `notes` says what did not go as it should."""

    id: UUID
    plan: Plan
    started_at: datetime
    duration_s: float
    runs: Sequence[Run] = field(repr=False)
    interrupted: bool = False
    recorded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[str]:
        """Return the names of all metrics that have spoken."""
        return sorted({score.metric for run in self.runs for score in run.scores or ()})

    def totals(self, model: str) -> Totals:
        """Return what a model's runs come to."""
        runs = [run for run in self.runs if run.model == model]
        own = [run for run in runs if run.is_evidence]
        answers = [run.answer for run in runs if run.answer is not None]
        values = {name: _values(own, name) for name in self.metrics}
        return Totals(
            asked=len(runs),
            answered=len(own),
            by_another=len(answers) - len(own),
            means={name: round(fmean(found), 3) for name, found in values.items() if found},
            scored={name: len(found) for name, found in values.items()},
            latency_ms_p50=round(median(run.latency_ms for run in own)) if own else None,
            cost_nano=sum(answer.cost_nano for answer in answers),
            currency=answers[0].currency if answers else None,
            input_tokens=sum(answer.usage.input_tokens for answer in answers),
            output_tokens=sum(answer.usage.output_tokens for answer in answers),
        )

    def facts(self) -> dict[str, Any]:
        """Return everything for programs: what was asked, how to ask it again, what came back."""
        plan, suite = self.plan, self.plan.suite.suite
        answers = [run.answer for run in self.runs if run.answer is not None]
        return {
            "experiment_id": str(self.id),
            "suite": {
                "name": suite.name,
                "version": suite.version,
                "language": suite.language.value,
                "licence": suite.licence,
                "cases": len(suite.cases),
                "sha256": plan.suite.sha256,
            },
            "models": list(plan.models),
            "parameters": {
                "seed": plan.seed,
                "temperature": plan.temperature,
                "max_tokens": plan.max_tokens,
                "concurrency": plan.concurrency,
                "timeout_s": plan.timeout_s,
                "app": plan.app,
                "tenant": plan.tenant,
            },
            "config_versions": sorted({answer.config_version for answer in answers}),
            "repeat_with": plan.command,
            "started_at": self.started_at.isoformat(),
            "duration_s": round(self.duration_s, 3),
            "interrupted": self.interrupted,
            "recorded": self.recorded,
            "notes": list(self.notes),
            "totals": {model: asdict(self.totals(model)) for model in plan.models},
            "runs": [_facts(run) for run in self.runs],
        }


def _values(runs: Sequence[Run], metric: str) -> list[float]:
    scores = [score for run in runs for score in run.scores or () if score.metric == metric]
    return [score.value for score in scores if score.value is not None]


def _facts(run: Run) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "case_id": run.case_id,
        "model": run.model,
        "request_id": str(run.request_id),
        "latency_ms": run.latency_ms,
        "code": run.code.value if run.code else None,
    }
    if run.answer is None:
        return facts
    answer, scores = run.answer, run.scores
    return {
        **facts,
        "answered_by": answer.model,
        "provider": answer.provider,
        "config_version": answer.config_version,
        "finish_reason": answer.finish_reason,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cost_nano": answer.cost_nano,
        "currency": answer.currency,
        "answer": answer.text,
        "scores": None
        if scores is None
        else [score.model_dump(mode="json", exclude_none=True) for score in scores],
    }
