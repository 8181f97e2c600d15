"""The plan of one request: who is tried, in which order, and how much it may use."""

from services.router.domain import Condition, Model
from shared.contracts.requests import Message, Role
from tests.unit.router.world import PRICE, decide, model, policy, request


def by_name(*models: Model) -> dict[str, Model]:
    return {one.name: one for one in models}


def test_the_first_allowed_model_is_chosen_and_the_next_is_its_fallback() -> None:
    models = by_name(*(model(name) for name in ("large", "small", "third", "fourth")))

    routing = decide(request(), models, policy("large", "small", "third", "fourth"))

    assert [leg.model.name for leg in routing.plan] == ["large", "small", "third"]
    assert routing.code is None
    assert [one.excluded_by for one in routing.decision.candidates] == [None] * 4
    assert (routing.decision.rule, routing.decision.reason) == ("default", "as-listed")


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


def test_a_system_message_counts_too() -> None:
    models = by_name(model("m"))
    alone = request("Hej.")
    longer = request(
        messages=(Message(role=Role.SYSTEM, content="Svar kort. " * 20), *alone.messages)
    )

    sizes = [decide(one, models, policy("m")).plan[0].input_tokens_max for one in (alone, longer)]

    assert sizes[1] - sizes[0] == 11 * 20 // 2 + 16


def test_the_same_request_has_the_same_decision() -> None:
    event, models = request(), by_name(model("large"), model("small"))

    decided = [decide(event, models, policy("large", "small")) for _ in range(2)]

    assert decided[0] == decided[1]
