"""Which model may not answer, and what its caller is told: no drawing of lots gets round it."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from pydantic import ValidationError

from services.router import deciding
from services.router.domain import Condition, Model
from services.router.filters import Exclusion, refusal_of
from services.router.settings import configuration_of
from shared.contracts.configuration import Document
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Message, Operation, Part, PartKind, Role
from shared.contracts.routing import Agreement, Capability
from shared.contracts.values import Sensitivity
from tests.fixtures.configuration import with_scripted
from tests.unit.router.any_routing import SITUATIONS, Situation
from tests.unit.router.world import DAY, abroad, decide, model, policy, request

E = Exclusion
DRAWN = settings(max_examples=1500, deadline=None, phases=[Phase.generate])
"""A situation is a number: there is nothing smaller to look for."""
EVERY_PLACE = {level: frozenset({"local", "eu", "us"}) for level in Sensitivity}


def by_name(*models: Model) -> dict[str, Model]:
    return {one.name: one for one in models}


# --- whatever is drawn -------------------------------------------------------------------


@DRAWN
@given(drawn=SITUATIONS)
def test_no_plan_ever_breaks_a_rule(drawn: Situation) -> None:
    routing = deciding.decide(drawn.ask, drawn.sight, drawn.conditions)

    for leg in routing.plan:
        assert leg.model is drawn.sight.models[leg.model.name]
        assert not list(drawn.officer.objections(drawn.ask, leg.model))
        assert not drawn.conditions.get(leg.model.name, Condition()).circuit_open
    # And the other way round: whoever is left out is left out for a reason, and that is told.
    for one in routing.decision.candidates:
        known = drawn.sight.models.get(one.model)
        objected = known is None or bool(list(drawn.officer.objections(drawn.ask, known)))
        unwell = drawn.conditions.get(one.model, Condition()).circuit_open
        assert (one.excluded_by is not None) == (objected or unwell), one


@DRAWN
@given(drawn=SITUATIONS)
def test_every_candidate_has_one_place_and_the_plan_is_the_first_of_them(drawn: Situation) -> None:
    routing, again = (deciding.decide(drawn.ask, drawn.sight, drawn.conditions) for _ in range(2))

    candidates = routing.decision.candidates
    may = [one.model for one in candidates if one.excluded_by is None]
    models_max = drawn.sight.policy.resilience.models_max
    assert routing == again
    assert [one.rank for one in candidates] == list(range(len(candidates)))
    assert len({one.model for one in candidates}) == len(candidates)
    assert may == [one.model for one in candidates[: len(may)]]
    assert [leg.model.name for leg in routing.plan] == may[:models_max]
    assert (routing.code is None) == bool(may)
    routing.decision.model_validate_json(routing.decision.model_dump_json())


# --- one by one --------------------------------------------------------------------------


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


# --- as an attacker would try it ---------------------------------------------------------


def test_the_successor_abroad_of_a_local_model_gets_nothing_personal() -> None:
    models = by_name(
        model("old", retired=DAY, successor="newer"),
        model("newer", retired=DAY - timedelta(days=1), successor="new"),
        abroad("new"),
    )

    personal = decide(request(model="old"), models, policy("old"))
    public = decide(request(model="old", sensitivity=Sensitivity.PUBLIC), models, policy("old"))

    assert (personal.plan, personal.code) == ((), ErrorCode.POLICY_RESIDENCY)
    (one,) = personal.decision.candidates
    assert (one.model, one.asked_as, one.residency) == ("new", "old", "us")
    assert [leg.model.name for leg in public.plan] == ["new"]


def test_a_model_answers_until_the_day_before_it_retires() -> None:
    models = by_name(model("old", retired=DAY, successor="new"), model("new"))

    chosen = [
        decide(request(), models, policy("old"), day=day).plan[0].model.name
        for day in (DAY - timedelta(days=1), DAY)
    ]

    assert chosen == ["old", "new"]


def test_a_fallback_abroad_of_a_named_model_gets_nothing_personal() -> None:
    models = by_name(abroad("near", "eu"), abroad("far"))
    rules = policy("near", fallbacks={"near": "far"})
    away = {"near": Condition(circuit_open=True)}

    assert [leg.model.name for leg in decide(request(model="near"), models, rules).plan] == ["near"]
    assert decide(request(model="near"), models, rules, away).plan == ()


def test_an_alias_leads_to_a_model_and_to_its_fallback_and_past_no_entitlement() -> None:
    models = by_name(model("large"), model("small"))
    rules = policy(
        "large",
        aliases={"best": "large"},
        fallbacks={"large": "small"},
        entitlements={"large": frozenset({"hr"})},
    )

    hr = decide(request(model="best", app="hr"), models, rules)
    letters = decide(request(model="best", app="letters"), models, rules)
    alone = decide(request(model="best"), models, policy("large", aliases=rules.aliases))

    assert [leg.model.name for leg in hr.plan] == ["large", "small"]
    assert [leg.model.name for leg in letters.plan] == ["small"]
    assert letters.decision.candidates[-1].excluded_by == "entitlement"
    assert [one.asked_as for one in alone.decision.candidates] == ["best"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_model_that_is_closed_by_two_names_is_closed_by_both(order: int) -> None:
    documents = with_scripted()
    models, rules = (yaml.safe_load(documents[one]) for one in (Document.MODELS, Document.POLICY))
    models["aliases"] = {**(models.get("aliases") or {}), "best": "scripted"}
    stated = [("scripted", ["hr", "crm"]), ("best", ["hr", "letters"])][::order]
    rules["entitlements"] = dict(stated)
    texts = {
        Document.MODELS: yaml.safe_dump(models),
        Document.POLICY: yaml.dump(rules, sort_keys=False),
    }

    made = configuration_of("c0ffee", documents | texts, {"SW_ROUTER_SCRIPTED_URL": "http://a/v1"})

    assert made.policy.entitlements["scripted"] == {"hr"}


@pytest.mark.parametrize("name", ["Large", "large/", "auto/large", "AUTO", "large."])
def test_a_name_that_only_looks_like_another_is_unknown(name: str) -> None:
    rules = policy("large", entitlements={"large": frozenset({"hr"})})

    refused = decide(request(model=name), by_name(model("large")), rules)

    assert refused.code is ErrorCode.UNKNOWN_MODEL


@pytest.mark.parametrize("name", ["l\u0430rge", "large\n", "large\u200b", " large", ""])
def test_a_name_with_other_letters_in_it_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        request(model=name)


@pytest.mark.parametrize(
    ("sensitivity", "days", "excluded_by"),
    [
        (Sensitivity.INTERNAL, None, None),
        (Sensitivity.CONFIDENTIAL, None, "agreement"),
        (Sensitivity.PERSONAL, None, "agreement"),
        (Sensitivity.CONFIDENTIAL, (-9, 9), None),
        (Sensitivity.PERSONAL, (0, 0), None),  # The day it is signed, and the last one, count.
        (Sensitivity.PERSONAL, (-9, -1), "agreement"),
        (Sensitivity.PERSONAL, (1, None), "agreement"),
        (Sensitivity.PERSONAL, (-9, None), None),
        (Sensitivity.SPECIAL, (-9, None), "sensitivity"),
    ],
)
def test_without_an_agreement_of_the_day_nothing_above_internal_goes(
    sensitivity: Sensitivity, days: tuple[int, int | None] | None, excluded_by: str | None
) -> None:
    agreement = None
    if days is not None:
        signed, expires = (None if one is None else DAY + timedelta(days=one) for one in days)
        assert signed is not None
        agreement = Agreement(reference="DPA 1", signed=signed, expires=expires)
    models = by_name(abroad("m", "eu", agreement=agreement))
    rules = policy("m", residency=EVERY_PLACE)

    (one,) = decide(request(sensitivity=sensitivity), models, rules).decision.candidates

    assert one.excluded_by == excluded_by


@pytest.mark.parametrize("local", [True, False])
def test_a_level_that_this_version_does_not_know_is_the_strictest(*, local: bool) -> None:
    ask = request(sensitivity="of-a-later-version")
    models = by_name(model("m", local=local))

    assert bool(decide(ask, models, policy("m", residency=EVERY_PLACE)).plan) is local


def test_special_categories_do_not_follow_one_local_too_many_abroad() -> None:
    models = by_name(model("slip", residency="us"))  # Ours, says the file, and in the US.
    ask = request(sensitivity=Sensitivity.SPECIAL)
    anywhere: dict[Sensitivity, frozenset[str]] = {}

    assert decide(ask, models, policy("slip", residency=anywhere)).plan == ()
    assert decide(ask, models, policy("slip", residency=EVERY_PLACE)).plan != ()


@pytest.mark.parametrize("operation", [Operation.EMBED, Operation.TRANSLATE, Operation.OTHER])
def test_what_is_no_text_is_not_quietly_left_out(operation: Operation) -> None:
    image = Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/png")
    ask = request(
        operation=operation, messages=(Message(role=Role.USER, content="", parts=(image,)),)
    )

    assert decide(ask, by_name(model("m")), policy("m")).code is ErrorCode.NO_CAPABLE_MODEL


def test_an_embedding_is_held_by_its_tokens_whatever_else_its_model_can_do() -> None:
    ask = request(operation=Operation.EMBED)

    (leg,) = decide(ask, by_name(model("m", capabilities=frozenset(Capability))), policy("m")).plan

    assert (leg.input_tokens_max > 0, leg.characters_max) == (True, 0)


# --- what the caller is told -------------------------------------------------------------


@pytest.mark.parametrize(
    ("sensitivity", "excluded", "code"),
    [
        ("public", [], ErrorCode.UNKNOWN_MODEL),
        ("special", [{E.UNKNOWN_MODEL}, {E.RETIRED, E.SENSITIVITY}], ErrorCode.UNKNOWN_MODEL),
        # Waiting helps, also where another model is too small for it, or may not have it.
        ("personal", [{E.CIRCUIT_OPEN}, {E.CONTEXT}], ErrorCode.PROVIDER_UNAVAILABLE),
        ("personal", [{E.CIRCUIT_OPEN}, {E.RESIDENCY}], ErrorCode.PROVIDER_UNAVAILABLE),
        ("personal", [{E.CIRCUIT_OPEN, E.RESIDENCY}], ErrorCode.POLICY_RESIDENCY),
        # A shorter text helps, unless the model is closed to it anyway.
        ("public", [{E.CONTEXT}, {E.CAPABILITY}], ErrorCode.CONTEXT_TOO_LONG),
        ("special", [{E.CONTEXT}, {E.SENSITIVITY}], ErrorCode.CONTEXT_TOO_LONG),
        ("personal", [{E.CONTEXT, E.RESIDENCY}, {E.CAPABILITY}], ErrorCode.POLICY_RESIDENCY),
        # A right helps; a person can be asked for it.
        ("public", [{E.ENTITLEMENT}, {E.CAPABILITY}], ErrorCode.FORBIDDEN),
        ("public", [{E.ENTITLEMENT, E.DISABLED}], ErrorCode.FORBIDDEN),
        ("public", [{E.ENTITLEMENT, E.CAPABILITY}], ErrorCode.NO_CAPABLE_MODEL),
        # The house model is down, whichever way: never an EU or a US provider instead.
        ("special", [{E.CIRCUIT_OPEN}, {E.SENSITIVITY}], ErrorCode.SENSITIVITY_LOCAL_ONLY),
        ("special", [{E.CIRCUIT_OPEN}, {E.CAPABILITY}], ErrorCode.SENSITIVITY_LOCAL_ONLY),
        ("special", [{E.DISABLED}, {E.SENSITIVITY}], ErrorCode.SENSITIVITY_LOCAL_ONLY),
        ("special", [{E.SENSITIVITY, E.AGREEMENT}], ErrorCode.SENSITIVITY_LOCAL_ONLY),
        ("special", [{E.CAPABILITY}, {E.SENSITIVITY}], ErrorCode.SENSITIVITY_LOCAL_ONLY),
        ("special", [{E.CAPABILITY}], ErrorCode.NO_CAPABLE_MODEL),
        # Only who keeps the policy can help.
        ("personal", [{E.RESIDENCY}, {E.AGREEMENT}], ErrorCode.POLICY_RESIDENCY),
        ("confidential", [{E.AGREEMENT}, {E.CAPABILITY}], ErrorCode.POLICY_RESIDENCY),
        ("personal", [{E.RESIDENCY, E.CAPABILITY}], ErrorCode.NO_CAPABLE_MODEL),
        ("public", [{E.DISABLED}, {E.CAPABILITY}], ErrorCode.NO_CAPABLE_MODEL),
    ],
)
def test_a_refusal_says_what_the_caller_can_do_most_about(
    sensitivity: str, excluded: list[Any], code: ErrorCode
) -> None:
    assert refusal_of(request(sensitivity=sensitivity), excluded) is code


def test_who_may_not_use_the_only_model_is_told_so() -> None:
    rules = policy("m", entitlements={"m": frozenset({"hr"})})

    assert decide(request(model="m"), by_name(model("m")), rules).code is ErrorCode.FORBIDDEN
