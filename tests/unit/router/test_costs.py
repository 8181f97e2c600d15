"""What calls cost, by what was agreed when they were held."""

from services.router.costs import Terms, cost_nano
from services.router.domain import Model
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import new_id
from tests.unit.router.world import PRICE, model


def by_name(*models: Model) -> dict[str, Model]:
    return {one.name: one for one in models}


def call(outcome: AttemptOutcome, tokens: int = 0, name: str = "m") -> Attempt:
    return Attempt(
        id=new_id(),
        model=name,
        provider="house",
        outcome=outcome,
        input_tokens=tokens,
        output_tokens=tokens,
    )


def test_a_call_costs_what_was_agreed_when_it_was_held() -> None:
    agreed = PRICE.model_copy(update={"input_token_nano": 1, "output_token_nano": 2})
    terms = Terms("m", 99, agreed)

    assert cost_nano([call(AttemptOutcome.ANSWERED, 10)], terms, by_name(model("m"))) == 30


def test_a_fallback_costs_its_own_price() -> None:
    terms = Terms("m", 99, PRICE)

    assert cost_nano([call(AttemptOutcome.ANSWERED, 10, "n")], terms, by_name(model("n"))) == 1_100


def test_a_call_whose_end_nobody_knows_costs_all_that_was_held() -> None:
    terms = Terms("m", 99, PRICE)

    assert cost_nano([call(AttemptOutcome.UNKNOWN, 10)], terms, by_name(model("m"))) == 99


def test_a_call_without_an_answer_or_tokens_costs_nothing() -> None:
    assert cost_nano([call(AttemptOutcome.FAILED)], Terms("m", 99, PRICE), {}) == 0
