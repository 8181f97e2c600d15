"""How models are ordered: by the table or by factors, and by nobody who breaks the rules."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router import deciding
from services.router.deciding import Sight
from services.router.domain import Condition, Model, Policy, Route, UseCase
from services.router.factors import factors_of
from services.router.strategies.base import (
    Choice,
    Option,
    Rated,
    StrategyModule,
    check_strategies,
    ordered,
    strategies,
)
from services.router.strategies.weighted import DEFAULT
from shared.configuration import ConfigError
from shared.contracts.requests import RequestRedacted
from shared.contracts.routing import Factor, Quality
from shared.contracts.usage import Decision
from shared.contracts.values import Sensitivity
from tests.unit.router.any_routing import HOSTILE, KNOWN, SITUATIONS, Situation
from tests.unit.router.world import DAY, PRICE, decide, model, policy, request

LONG = "Sammenlign aftalerne, punkt for punkt. " * 300
CLEVER = model("clever", quality=Quality(default=0.9, tasks={"letter": 0.95}), context_tokens=9999)
CHEAP = model(
    "cheap",
    quality=Quality(default=0.6),
    price=PRICE.model_copy(update={"input_token_nano": 1, "output_token_nano": 10}),
    context_tokens=9999,
)
BOTH = {one.name: one for one in (CLEVER, CHEAP)}


def weighing(*names: str, **weights: float) -> Route:
    by = {Factor(name): weight for name, weight in weights.items()}
    return Route(names, "weighed", strategy="weighted", weights=by)


def decided(
    route: Route,
    models: Mapping[str, Model] = BOTH,
    ask: RequestRedacted | None = None,
    conditions: Mapping[str, Condition] | None = None,
) -> Decision:
    return decide(ask or request(), models, policy(default=route), conditions).decision


def names(decision: Decision) -> list[str]:
    return [one.model for one in decision.candidates]


# --- the factors -------------------------------------------------------------------------


@given(
    conditions=st.builds(
        Condition,
        first_token_ms=st.none() | st.integers(-(10**9), 10**30),
        room=st.floats(allow_nan=False),
        wait_s=st.floats(0, 1e9),
    ),
    costs=st.lists(st.integers(0, 10**40), min_size=1, max_size=4),
    quality=st.none() | st.builds(Quality, default=st.floats(0, 1)),
)
def test_every_factor_is_from_0_to_1_whatever_is_measured(
    conditions: Condition, costs: list[int], quality: Quality | None
) -> None:
    options = [Option(model("m", quality=quality), conditions, cost) for cost in costs]
    choice = Choice(request(), 1.0, options, {})

    for option in options:
        factors = factors_of(option, choice)
        assert set(factors) == set(Factor)
        assert all(0 <= value <= 1 for value in factors.values())


def test_factors_are_told_of_every_candidate_also_where_the_table_decides() -> None:
    plain = decided(Route(("clever", "cheap"), "listed"), conditions={"cheap": Condition(room=0.5)})

    clever, cheap = plain.candidates
    assert (plain.strategy, clever.score, cheap.score) == ("task", None, None)
    assert clever.factors == {"accuracy": 0.9, "speed": 0.5, "cost": 0.0, "room": 1.0}
    assert cheap.factors["cost"] == pytest.approx(0.9)
    assert cheap.factors["room"] == 0.5


def test_a_task_has_an_accuracy_of_its_own() -> None:
    route = weighing("clever", "cheap", accuracy=1)

    letter = decided(route, ask=request(task="letter"))

    assert letter.candidates[0].factors["accuracy"] == 0.95


# --- weighted ----------------------------------------------------------------------------


def test_one_factor_alone_decides() -> None:
    fast = {"cheap": Condition(first_token_ms=100), "clever": Condition(first_token_ms=3000)}
    full = {"cheap": Condition(room=0.1), "clever": Condition(room=0.9)}

    assert names(decided(weighing("cheap", "clever", accuracy=1)))[0] == "clever"
    assert names(decided(weighing("clever", "cheap", cost=1)))[0] == "cheap"
    assert names(decided(weighing("clever", "cheap", speed=1), conditions=fast))[0] == "cheap"
    assert names(decided(weighing("cheap", "clever", room=1), conditions=full))[0] == "clever"


@pytest.mark.parametrize("weights", [{"accuracy": 0.0}, dict.fromkeys(Factor, 0.0)])
def test_weights_of_nothing_leave_the_order_of_the_table(weights: dict[str, float]) -> None:
    for table in (("clever", "cheap"), ("cheap", "clever")):
        decision = decided(weighing(*table, **weights))
        assert names(decision) == list(table)
        assert {one.score for one in decision.candidates} == {0.0}


def test_models_that_are_alike_keep_the_order_of_the_table() -> None:
    alike = {name: replace(CLEVER, name=name) for name in ("c", "a", "b")}

    assert names(decided(weighing("c", "a", "b"), alike)) == ["c", "a", "b"]


def test_the_more_a_request_asks_the_more_accuracy_counts() -> None:
    route = weighing("cheap", "clever", accuracy=0.8, cost=0.3)

    short, long = decided(route), decided(route, ask=request(LONG))

    assert names(short)[0] == "cheap"
    assert names(long)[0] == "clever"
    assert short.complexity is not None
    assert long.complexity is not None
    assert short.complexity < 0.1
    assert long.complexity > 0.3


def test_a_score_is_what_its_factors_come_to() -> None:
    decision = decided(weighing("clever", "cheap"))

    for one in decision.candidates:
        weights = dict(DEFAULT)
        weights[Factor.ACCURACY] *= 1 + (decision.complexity or 0.0)
        weighed = sum(one.factors[factor] * weight for factor, weight in weights.items())
        assert one.score == pytest.approx(weighed / sum(weights.values()), abs=1e-4)
    scores = [one.score or 0.0 for one in decision.candidates]
    assert scores == sorted(scores, reverse=True)


# --- step by step ------------------------------------------------------------------------


@given(drawn=SITUATIONS)
def test_a_strategy_for_one_use_case_changes_no_decision_of_another(drawn: Situation) -> None:
    # ROUTE-13: first the tables alone, then one use case tries something else.
    by_table = _as_tables(drawn.sight.policy)
    hiring = by_table.use_cases.get("hiring", UseCase(by_table.default))
    trial = UseCase(replace(hiring.route, strategy="weighted"), hiring.tasks)
    on_trial = replace(by_table, use_cases={**by_table.use_cases, "hiring": trial})

    before, after = (
        deciding.decide(drawn.ask, replace(drawn.sight, policy=one), drawn.conditions)
        for one in (by_table, on_trial)
    )

    assert before.decision.strategy == "task"
    if drawn.ask.use_case != "hiring":
        assert after == before
    else:
        assert {leg.model.name for leg in after.plan} <= set(names(after.decision))


def _as_tables(rules: Policy) -> Policy:
    def plain(routes: Mapping[str, Route]) -> dict[str, Route]:
        return {name: replace(route, strategy="task") for name, route in routes.items()}

    return replace(
        rules,
        default=replace(rules.default, strategy="task"),
        tasks=plain(rules.tasks),
        operations={one: replace(r, strategy="task") for one, r in rules.operations.items()},
        use_cases={
            name: UseCase(replace(one.route, strategy="task"), plain(one.tasks))
            for name, one in rules.use_cases.items()
        },
    )


# --- strategies of other people ----------------------------------------------------------


def choice_of(*models: Model) -> Choice:
    return Choice(request("Hemmelig"), 0.0, tuple(Option(m, Condition(), 1) for m in models), {})


@pytest.mark.parametrize("wrong", HOSTILE, ids=lambda one: one.NAME)
def test_whatever_a_strategy_says_every_option_is_tried_once_and_no_other(
    wrong: StrategyModule, caplog: pytest.LogCaptureFixture
) -> None:
    choice = choice_of(CLEVER, CHEAP)

    with caplog.at_level(logging.ERROR):
        rated, is_its_own = ordered(wrong, choice)

    assert {id(one.option.model) for one in rated} == {id(CLEVER), id(CHEAP)}
    assert len(rated) == 2
    assert all(one.score is None or 0 <= one.score <= 1 for one in rated)
    assert is_its_own == (not caplog.records)
    assert "Hemmelig" not in caplog.text
    assert "Klient_001" not in caplog.text


def test_a_strategy_that_fails_leaves_the_order_of_the_table_and_is_not_named() -> None:
    route = Route(("clever", "cheap"), "on-trial", strategy="raises")
    sight = Sight(BOTH, policy(default=route), KNOWN, DAY)

    routing = deciding.decide(request(sensitivity=Sensitivity.PUBLIC), sight, {})

    assert [leg.model.name for leg in routing.plan] == ["clever", "cheap"]
    assert routing.decision.strategy == "task"


def test_what_a_strategy_drops_follows_in_the_order_of_the_table() -> None:
    third = replace(CHEAP, name="third")
    drops = next(one for one in HOSTILE if one.NAME == "drops")

    rated, _ = ordered(drops, choice_of(CLEVER, CHEAP, third))

    assert [one.option.model.name for one in rated] == ["third", "clever", "cheap"]
    assert [one.score for one in rated] == [0.5, None, None]


def test_a_strategy_cannot_change_the_policy_for_the_next_request() -> None:
    route = Route(("clever", "cheap"), "on-trial", strategy="spoils", weights={Factor.COST: 0.3})
    sight = Sight(BOTH, policy(default=route), KNOWN, DAY)

    decisions = [deciding.decide(request(), sight, {}).decision for _ in range(2)]

    assert decisions[0] == decisions[1]
    assert route.weights == {Factor.COST: 0.3}


@pytest.mark.parametrize(
    "changes",
    [
        {"default": Route(("m",), "r", strategy="astrology")},
        {"tasks": {"letter": Route(("m",), "r", strategy="astrology")}},
        {
            "use_cases": {
                "hiring": UseCase(
                    Route(("m",), "r"), {"mail": Route(("m",), "r", strategy="astrology")}
                )
            }
        },
    ],
)
def test_a_route_with_a_strategy_that_is_not_here_is_refused_with_its_name(
    changes: dict[str, Any],
) -> None:
    rules = policy("m", **changes)

    with pytest.raises(ConfigError, match=r"strategy astrology; known are .*task.*weighted"):
        check_strategies(rules, strategies())


@pytest.mark.parametrize("module", strategies().values(), ids=lambda one: one.NAME)
def test_every_strategy_there_is_orders_all_options_the_same_each_time(
    module: StrategyModule,
) -> None:
    third = replace(CHEAP, name="third", quality=None)
    choice = choice_of(CLEVER, CHEAP, third)

    first, again = list(module.order(choice)), list(module.order(choice))

    assert first == again
    assert sorted(one.option.model.name for one in first) == ["cheap", "clever", "third"]
    assert all(isinstance(one, Rated) for one in first)
    assert ordered(module, choice) == (first, True)
