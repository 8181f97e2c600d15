"""How good an answer was."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.event import Record, RequestEvent
from shared.contracts.values import Language, ModelName, Token


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
