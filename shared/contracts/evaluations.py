"""How good an answer was."""

from typing import ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.commands import Command, Reply
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Record, RequestEvent
from shared.contracts.requests import OUTPUT_TOKENS_MAX
from shared.contracts.values import Hex64, Language, ModelName, Token

RUNS_MAX: Final = 512
"""Runs of one experiment: 25 cases on 20 models."""


class Score(Record):
    """One metric's verdict on one completion; `value` is 0 (worst) to 1 (best).

    A metric that cannot judge says so: `value` is absent and `unscored` names the reason.
    """

    metric: Token
    metric_version: int = Field(default=1, ge=1)
    value: float | None = Field(default=None, ge=0, le=1)
    unscored: Token | None = None
    expected: Token | None = None
    found: Token | None = None


class EvaluationScored(RequestEvent):
    """All metrics of one completion have spoken."""

    kind: ClassVar[str] = "evaluation.scored"

    model: ModelName
    provider: Token
    language: Language
    scores: tuple[Score, ...]


class ScoredRun(Record):
    """The scores of one completion."""

    request_id: UUID
    model: ModelName
    scores: tuple[Score, ...] = ()


class ScoresRead(Command):
    """Ask for the scores of some requests; those that are not graded yet are left out."""

    service: ClassVar[str] = "evals"
    verb: ClassVar[str] = "scores-read"

    request_ids: tuple[UUID, ...] = Field(min_length=1, max_length=RUNS_MAX)


class ScoresReply(Reply):
    """The scores that are there by now."""

    runs: tuple[ScoredRun, ...] = ()


class ExperimentRun(Record):
    """One case on one model."""

    case_id: Token
    model: ModelName
    request_id: UUID
    latency_ms: int = Field(default=0, ge=0)
    code: ErrorCode | None = None
    """Why there is no answer to grade."""


class ExperimentRecord(Command):
    """Keep what was run, so that it can be run again and compared: `id` names the experiment."""

    service: ClassVar[str] = "evals"
    verb: ClassVar[str] = "experiment-record"

    suite: Token
    suite_sha256: Hex64
    """Of the suite's file: other cases make another experiment."""
    seed: int = Field(ge=0, lt=2**63)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=OUTPUT_TOKENS_MAX)
    started_at: AwareDatetime
    runs: tuple[ExperimentRun, ...] = Field(min_length=1, max_length=RUNS_MAX)


class ExperimentReply(Reply):
    """Nothing but that it is kept."""
