"""Which route a request takes, and which models its names lead to."""

from datetime import timedelta
from typing import Any

import pytest

from services.router.domain import Model, Route, UseCase, duty_of, names_of, route_of
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Operation
from tests.unit.router.world import DAY, decide, model, policy, request


def by_name(*models: Model) -> dict[str, Model]:
    return {one.name: one for one in models}


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


HIRING = UseCase(
    Route(("large",), "people-are-judged", duty="annex-iii-4"), {"mail": Route(("small",), "mails")}
)


@pytest.mark.parametrize(
    ("asked", "rule", "first"),
    [
        ({}, "default", "large"),
        ({"task": "letter"}, "task", "small"),
        ({"use_case": "offers"}, "use-case", "offers"),
        ({"use_case": "offers", "task": "letter"}, "use-case", "offers"),
        ({"use_case": "offers", "task": "short"}, "use-case-task", "short"),
        ({"operation": Operation.EMBED, "use_case": "offers"}, "operation", "vectors"),
        (
            {"operation": Operation.EMBED, "use_case": "offers", "task": "short"},
            "use-case-task",
            "short",
        ),
        ({"model": "named", "use_case": "offers", "task": "short"}, "named", "named"),
    ],
)
def test_the_most_exact_route_counts(asked: dict[str, Any], rule: str, first: str) -> None:
    rules = policy(
        "large",
        tasks={"letter": Route(("small",), "letters")},
        operations={Operation.EMBED: Route(("vectors",), "vectors")},
        use_cases={"offers": UseCase(Route(("offers",), "o"), {"short": Route(("short",), "s")})},
    )

    chosen = route_of(request(**asked), rules)

    assert (chosen.rule, chosen.route.models[0]) == (rule, first)


@pytest.mark.parametrize(
    ("asked", "duty"),
    [
        ({}, None),
        ({"use_case": "hiring"}, "annex-iii-4"),
        ({"use_case": "hiring", "task": "mail"}, "annex-iii-4"),
        ({"use_case": "hiring", "model": "small"}, "annex-iii-4"),
        ({"use_case": "hiring", "operation": Operation.EMBED}, "annex-iii-4"),
        ({"task": "screening"}, "annex-iii-4"),
        ({"task": "screening", "model": "small"}, "annex-iii-4"),
        ({"task": "screening", "use_case": "offers"}, "annex-iii-4"),
    ],
)
def test_a_duty_goes_with_the_use_whoever_answers(asked: dict[str, Any], duty: str | None) -> None:
    rules = policy(
        "large",
        use_cases={"hiring": HIRING, "offers": UseCase(Route(("large",), "offers"))},
        tasks={"screening": Route(("large",), "people-are-judged", duty="annex-iii-4")},
        operations={Operation.EMBED: Route(("large",), "vectors")},
    )
    ask = request(**asked)

    assert duty_of(ask, route_of(ask, rules), rules) == duty
    assert decide(ask, by_name(model("large"), model("small")), rules).decision.duty == duty


def test_successors_are_followed_to_the_one_that_works_and_named_once() -> None:
    models = by_name(
        model("first", retired=DAY, successor="second"),
        model("second", retired=DAY, successor="third"),
        model("third", retired=DAY + timedelta(days=1), successor="fourth"),
        model("fourth"),
    )
    rules = policy("best", "first", "third", aliases={"best": "second"})

    assert list(names_of(rules.default, models, rules, DAY)) == [("third", "best")]
    later = names_of(rules.default, models, rules, DAY + timedelta(days=1))
    assert list(later) == [("fourth", "best")]


def test_successors_in_a_ring_end_in_a_model_that_is_excluded() -> None:
    models = by_name(model("a", retired=DAY, successor="b"), model("b", retired=DAY, successor="a"))

    assert decide(request(), models, policy("a")).code is ErrorCode.UNKNOWN_MODEL
