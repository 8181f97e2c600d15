"""A comparison as an evaluation leaves it, with every way in which a run can end."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.evaluations import Score
from shared.contracts.values import Language
from stellwerk.answer import Answer
from stellwerk.experiment import Experiment, Plan, Run
from stellwerk.suites import Case, Loaded, Suite

ID = UUID("01977c0e-0000-7000-8000-0000000000e1")
CASES = ("late-delivery", "a-case-with-a-very-long-name", "tender-question")


def suite_of(*case_ids: str) -> Loaded:
    cases = tuple(Case(id=case_id, prompt="Skriv et svar.") for case_id in case_ids)
    suite = Suite(
        name="two-letters", version=1, language=Language.DANISH, licence="Apache-2.0", cases=cases
    )
    return Loaded(suite, "two-letters.yaml", "ab" * 32)


def plan_of(*models: str) -> Plan:
    return Plan(suite_of(*CASES), models, app="demo", tenant="default", max_tokens=400)


def answer_by(model: str, text: str = "Kære kunde, tak for dit brev.") -> Answer:
    return Answer(
        request_id=ID,
        text=text,
        model=model,
        provider="local",
        finish_reason=FinishReason.STOP,
        usage=TokenUsage(input_tokens=1_200, output_tokens=150),
        cost_nano=42_500_000,
        currency="EUR",
        language=Language.DANISH,
        masked_count=2,
        unresolved_count=0,
        config_version="c0ffee",
    )


def scored(language: float | None, length: float | None) -> tuple[Score, ...]:
    given = {"answer_language": language, "answer_length": length}
    return tuple(
        Score(metric=name, value=value, unscored=None if value is not None else "too_short")
        for name, value in given.items()
    )


def run(
    case_id: str,
    model: str,
    latency_ms: int = 1_234,
    *,
    answer: Answer | None = None,
    code: ErrorCode | None = None,
    scores: tuple[Score, ...] | None = None,
) -> Run:
    request_id = uuid5(ID, f"{case_id} {model}")
    return Run(case_id, model, request_id, latency_ms, answer, code, scores)


def comparison() -> Experiment:
    """Return three cases on three models: scored, half scored, awaited, failed, by a fallback."""
    good, spare, broken = "local-default", "local-small", "scripted-503"
    first, second, third = CASES
    down = ErrorCode.PROVIDER_UNAVAILABLE
    return Experiment(
        id=ID,
        plan=plan_of(good, spare, broken),
        started_at=datetime(2026, 11, 24, 9, 15, tzinfo=UTC),
        duration_s=12.3,
        runs=(
            run(first, good, answer=answer_by(good), scores=scored(1.0, 0.667)),
            run(first, spare, 980, answer=answer_by(spare), scores=scored(None, 1.0)),
            run(first, broken, code=down),
            run(second, good, 61_000, answer=answer_by(good), scores=scored(0.0, None)),
            run(second, spare, 1_002, answer=answer_by(spare)),
            run(second, broken, answer=answer_by("scripted"), scores=scored(1.0, 1.0)),
            run(third, good, 2_000, answer=answer_by(good), scores=scored(1.0, 1.0)),
            run(third, spare, code=ErrorCode.DEADLINE),
        ),
        interrupted=True,
    )
