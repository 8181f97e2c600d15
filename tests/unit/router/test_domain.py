"""Which model may answer, in which order, and what an error means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.costs import Terms, cost_nano
from services.router.domain import Condition, Model, Route
from services.router.faults import ErrorClass, failure_code
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Message, Role
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import Sensitivity, new_id
from tests.unit.router.world import PRICE, abroad, decide, model, policy, request


def by_name(*models: Model) -> dict[str, Model]:
    return {one.name: one for one in models}


def test_the_first_allowed_model_is_chosen_and_the_next_is_its_fallback() -> None:
    models = by_name(*(model(name) for name in ("large", "small", "third", "fourth")))

    routing = decide(request(), models, policy("large", "small", "third", "fourth"))

    assert [leg.model.name for leg in routing.plan] == ["large", "small", "third"]
    assert routing.code is None
    assert [one.excluded_by for one in routing.decision.candidates] == [None] * 4
    assert (routing.decision.rule, routing.decision.reason) == ("default", "as-listed")


def test_a_task_has_an_order_of_its_own_with_a_reason() -> None:
    models = by_name(model("large"), model("small"))
    by_task = policy("large", tasks={"extraction": Route(("small", "large"), "short-answers")})

    routing = decide(request(task="extraction"), models, by_task)

    assert routing.plan[0].model.name == "small"
    assert (routing.decision.rule, routing.decision.reason) == ("task", "short-answers")


def test_a_task_that_the_policy_does_not_know_takes_the_default() -> None:
    routing = decide(request(task="poetry"), by_name(model("large")), policy("large"))

    assert routing.decision.rule == "default"


def test_who_names_a_model_gets_that_one_and_no_other() -> None:
    models = by_name(model("large"), model("small"))

    routing = decide(request(model="small"), models, policy("large", "small"))

    assert [leg.model.name for leg in routing.plan] == ["small"]
    assert routing.decision.rule == "named"


def test_a_named_model_falls_back_only_where_the_policy_says_so() -> None:
    models = by_name(model("large"), model("small"))

    routing = decide(request(model="small"), models, policy("large", fallbacks={"small": "large"}))

    assert [leg.model.name for leg in routing.plan] == ["small", "large"]


def test_an_unknown_model_is_refused_by_name() -> None:
    routing = decide(request(model="no-such-model"), by_name(model("large")), policy("large"))

    assert routing.code is ErrorCode.UNKNOWN_MODEL
    assert routing.decision.candidates[0].excluded_by == "unknown_model"


@pytest.mark.parametrize(
    ("sensitivity", "candidate", "excluded_by", "code"),
    [
        (Sensitivity.SPECIAL, abroad("m", "eu"), "sensitivity", ErrorCode.SENSITIVITY_LOCAL_ONLY),
        (Sensitivity.PERSONAL, abroad("m", "us"), "residency", ErrorCode.POLICY_RESIDENCY),
        (Sensitivity.PERSONAL, abroad("m", "eu"), None, None),
        (Sensitivity.PUBLIC, abroad("m", "us"), None, None),
        (
            Sensitivity.PUBLIC,
            model("m", capabilities=frozenset()),
            "capability",
            ErrorCode.NO_CAPABLE_MODEL,
        ),
        (
            Sensitivity.PUBLIC,
            model("m", disabled="no address"),
            "disabled",
            ErrorCode.NO_CAPABLE_MODEL,
        ),
        (
            Sensitivity.SPECIAL,
            model("m", disabled="no address"),
            "disabled",
            ErrorCode.SENSITIVITY_LOCAL_ONLY,
        ),
    ],
)
def test_a_model_is_excluded_for_a_reason(
    sensitivity: Sensitivity, candidate: Model, excluded_by: str | None, code: ErrorCode | None
) -> None:
    routing = decide(request(sensitivity=sensitivity), by_name(candidate), policy("m"))

    assert routing.decision.candidates[0].excluded_by == excluded_by
    assert routing.code is code


def test_special_categories_stay_in_the_house_whatever_the_policy_says() -> None:
    careless = policy("m", residency={})

    routing = decide(request(sensitivity=Sensitivity.SPECIAL), by_name(abroad("m")), careless)

    assert routing.plan == ()


def test_a_text_longer_than_every_context_is_refused_as_too_long() -> None:
    routing = decide(request("ord " * 10_000), by_name(model("large")), policy("large"))

    assert routing.code is ErrorCode.CONTEXT_TOO_LONG


def test_a_model_whose_circuit_is_open_is_left_alone() -> None:
    models = by_name(model("large"), model("small"))
    unwell = {"large": Condition(circuit_open=True)}

    routing = decide(request(), models, policy("large", "small"), unwell)
    alone = decide(request(), models, policy("large"), unwell)

    assert [leg.model.name for leg in routing.plan] == ["small"]
    assert routing.decision.candidates[-1].excluded_by == "circuit_open"
    assert alone.code is ErrorCode.PROVIDER_UNAVAILABLE


def test_a_model_that_failed_a_moment_ago_is_tried_last() -> None:
    models = by_name(model("large"), model("small"))

    routing = decide(
        request(), models, policy("large", "small"), {"large": Condition(resting=True)}
    )

    assert [leg.model.name for leg in routing.plan] == ["small", "large"]


def test_nobody_waits_long_for_a_limit_while_another_model_has_room() -> None:
    models = by_name(model("large"), model("small"))

    soon = decide(request(), models, policy("large", "small"), {"large": Condition(wait_s=0.5)})
    late = decide(request(), models, policy("large", "small"), {"large": Condition(wait_s=5.0)})
    alone = decide(request(), models, policy("large"), {"large": Condition(wait_s=5.0)})

    assert [leg.model.name for leg in soon.plan] == ["large", "small"]
    assert [leg.model.name for leg in late.plan] == ["small", "large"]
    assert (late.wait_s, alone.wait_s) == (0.0, 5.0)


def test_output_is_clamped_to_what_the_model_and_its_context_allow() -> None:
    models = by_name(model("m", context_tokens=1_000, output_tokens_max=700))

    asked = decide(request(max_tokens=5_000), models, policy("m")).plan[0]
    crowded = decide(request("x" * 3_600, max_tokens=5_000), models, policy("m")).plan[0]

    assert asked.output_tokens_max == 700
    assert crowded.output_tokens_max == 1_000 - 3_600 // 4 - 8


def test_a_hold_covers_the_dearest_model_of_the_plan() -> None:
    dear = PRICE.model_copy(update={"output_token_nano": 900})
    models = by_name(model("cheap"), model("dear", price=dear))

    routing = decide(request(), models, policy("cheap", "dear"))

    assert routing.dearest.model.name == "dear"


def test_digits_are_counted_as_a_token_each() -> None:
    models = by_name(model("m", context_tokens=100_000))

    words = decide(request("a" * 900), models, policy("m")).plan[0]
    digits = decide(request("7" * 900), models, policy("m")).plan[0]

    assert digits.input_tokens_max - words.input_tokens_max == 450


SENSITIVITIES = st.sampled_from(Sensitivity)
MODELS = st.builds(
    lambda number, local, residency: model(
        f"m{number}", local=local, residency="local" if local else residency
    ),
    st.integers(0, 9),
    st.booleans(),
    st.sampled_from(["eu", "us", "cn"]),
)


@given(
    sensitivity=SENSITIVITIES,
    models=st.lists(MODELS, min_size=1, max_size=8),
    personal=st.frozensets(st.sampled_from(["local", "eu", "us"])),
)
def test_no_plan_ever_breaks_a_filter(
    sensitivity: Sensitivity, models: list[Model], personal: frozenset[str]
) -> None:
    known = by_name(*models)
    rules = policy(*known, residency={Sensitivity.PERSONAL: personal})

    routing = decide(request(sensitivity=sensitivity), known, rules)

    assert len(routing.plan) <= rules.resilience.models_max
    assert (routing.code is None) == bool(routing.plan)
    for leg in routing.plan:
        assert leg.model.local or sensitivity is not Sensitivity.SPECIAL
        assert leg.model.residency in personal or sensitivity is not Sensitivity.PERSONAL


def test_the_same_request_has_the_same_decision() -> None:
    event, models = request(), by_name(model("large"), model("small"))

    decided = [decide(event, models, policy("large", "small")) for _ in range(2)]

    assert decided[0] == decided[1]


@pytest.mark.parametrize(
    ("error_class", "verdict"),
    [
        (ErrorClass.UNREACHABLE, (True, False)),
        (ErrorClass.RATE_LIMITED, (True, False)),
        (ErrorClass.OVERLOADED, (True, False)),
        (ErrorClass.SERVER_ERROR, (True, False)),
        (ErrorClass.UNAUTHORISED, (True, False)),
        (ErrorClass.CONTEXT_TOO_LONG, (True, False)),
        (ErrorClass.TIMEOUT, (True, True)),
        (ErrorClass.BROKEN, (True, True)),
        (ErrorClass.REJECTED, (False, False)),
    ],
)
def test_an_error_says_whether_to_fall_back_and_whether_it_may_have_cost(
    error_class: ErrorClass, verdict: tuple[bool, bool]
) -> None:
    assert (error_class.may_fall_back, error_class.may_have_cost) == verdict


def test_an_answer_that_has_begun_never_ends_as_anything_but_broken() -> None:
    codes = {failure_code(one, spoken=True, late=True) for one in ErrorClass}

    assert codes == {ErrorCode.STREAM_BROKEN}


def test_a_late_failure_is_a_missed_deadline() -> None:
    assert failure_code(ErrorClass.TIMEOUT, spoken=False, late=True) is ErrorCode.DEADLINE


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


def test_a_system_message_counts_too() -> None:
    models = by_name(model("m"))
    alone = request("Hej.")
    longer = request(
        messages=(Message(role=Role.SYSTEM, content="Svar kort. " * 20), *alone.messages)
    )

    sizes = [decide(one, models, policy("m")).plan[0].input_tokens_max for one in (alone, longer)]

    assert sizes[1] - sizes[0] == 11 * 20 // 2 + 16
