"""Grading by hand-written metrics."""

from dataclasses import dataclass, field

from services.evals import domain
from services.evals.metrics.base import Example, Facts, Metric, Verdict
from shared.contracts.evaluations import Score
from shared.contracts.requests import Operation, RequestRedacted
from tests.unit.evals.requests import completion_of, request_for


@dataclass
class Politeness(Metric):
    """Wants a thank-you where the prompt says please."""

    NAME: str = "politeness"
    VERSION: int = 3
    UNASKED: str = "no_please"
    EXAMPLES: tuple[Example, ...] = ()
    looked_at: list[str] = field(default_factory=list)

    def asked(self, request: RequestRedacted) -> Facts:
        return {"thanks": 1} if "please" in request.messages[-1].content else {}

    def found(self, answer: str) -> Facts:
        self.looked_at.append(answer)
        return {"thanks": answer.count("thank")}

    def judged(self, asked: Facts, found: Facts) -> Verdict:
        return Verdict(value=1.0 if found == asked else 0.0, expected="1", found="x")


def test_an_answer_is_graded_against_what_was_asked() -> None:
    metric = Politeness()
    noted = domain.asked([metric], request_for("Write, please."))

    given = domain.scores([metric], noted, lambda one: one.found("thank you"))

    assert given == (
        Score(metric="politeness", metric_version=3, value=1.0, expected="1", found="x"),
    )


def test_nothing_is_asked_of_vectors_and_translations() -> None:
    metric = Politeness()
    for operation in (Operation.EMBED, Operation.TRANSLATE):
        request = request_for("Write, please.").model_copy(update={"operation": operation})
        noted = domain.asked([metric], request)
        assert domain.scores([metric], noted, lambda one: one.found("thank you")) == ()
    assert metric.looked_at == []


def test_an_answer_is_not_looked_at_where_nothing_was_asked() -> None:
    metric = Politeness()
    noted = domain.asked([metric], request_for("Write."))

    given = domain.scores([metric], noted, lambda one: one.found("thank you"))

    assert given == (Score(metric="politeness", metric_version=3, unscored="no_please"),)
    assert metric.looked_at == []


def test_a_metric_that_was_added_in_between_gives_no_score() -> None:
    metric = Politeness()

    assert domain.scores([metric], {}, lambda one: one.found("thank you")) == ()
    assert domain.scores([metric], {"politeness": {"thanks": 1}}, lambda _: None) == ()


def test_an_evaluation_follows_from_the_completion() -> None:
    completion = completion_of(request_for("Write, please."), "thank you")
    score = Score(metric="politeness", unscored="no_please")

    evaluation = domain.with_scores(domain.evaluation_of(completion), (score,))

    assert evaluation.cause == completion.id
    assert evaluation.request_id == completion.request_id
    assert evaluation.id == domain.evaluation_of(completion).id
    assert (evaluation.model, evaluation.scores) == ("local-default", (score,))
