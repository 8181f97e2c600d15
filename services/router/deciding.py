"""Makes the decision for one request: the route, the filters, the strategy, the plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.router.domain import (
    WELL,
    Condition,
    Leg,
    Model,
    Policy,
    Route,
    Routing,
    duty_of,
    names_of,
    route_of,
)
from services.router.factors import factors_of
from services.router.filters import Exclusion, Question, exclusion, exclusions, refusal_of
from services.router.sizing import complexity_of, output_tokens_of, size_of
from services.router.strategies.base import Choice, Option, Rated, StrategyModule, ordered
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Operation, RequestRedacted
from shared.contracts.routing import TASK, Capability
from shared.contracts.usage import Candidate, Decision

Conditions = Mapping[str, Condition]
"""How models do, by name; one that is not there does well."""
Strategies = Mapping[str, StrategyModule]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a decision is made from, beside the request: the same for all of one moment."""

    models: Mapping[str, Model]
    policy: Policy
    strategies: Strategies
    day: date


def decide(ask: RequestRedacted, sight: Sight, conditions: Conditions) -> Routing:
    """Return the models that may answer, the best first, and why each other one may not.

    Fails closed: a model that the policy does not clearly allow is excluded, and a strategy only
    sees what is left.
    """
    chosen = route_of(ask, sight.policy)
    question = Question(ask, size_of(ask), sight.policy, sight.day)
    names = dict(names_of(chosen.route, sight.models, sight.policy, sight.day))
    excluded = {
        name: exclusion(question, sight.models.get(name), conditions.get(name)) for name in names
    }
    options = tuple(
        _option(sight.models[name], question, conditions.get(name, WELL))
        for name in names
        if excluded[name] is None
    )
    choice = Choice(ask, complexity_of(ask, question.size), options, dict(chosen.route.weights))
    ranked, strategy = _ranked(choice, chosen.route, sight)
    candidates = [
        _candidate(one.option.model, names, rank, choice, one) for rank, one in enumerate(ranked)
    ]
    candidates += [
        _left_out(name, names, rank, sight, excluded[name])
        for rank, name in enumerate(
            (name for name in names if excluded[name] is not None), len(ranked)
        )
    ]
    plan = tuple(
        _leg(one.option.model, question) for one in ranked[: sight.policy.resilience.models_max]
    )
    decision = Decision(
        candidates=tuple(candidates),
        rule=chosen.rule,
        reason=chosen.route.reason,
        strategy=strategy,
        complexity=choice.complexity,
        duty=duty_of(ask, chosen, sight.policy),
    )
    if not plan:
        return Routing(decision, (), _refusal(question, names, sight, conditions))
    return Routing(decision, plan, wait_s=ranked[0].option.condition.wait_s)


def _option(model: Model, question: Question, condition: Condition) -> Option:
    return Option(model, condition, _leg(model, question).cost_nano_max)


def _ranked(choice: Choice, route: Route, sight: Sight) -> tuple[Sequence[Rated], str]:
    """Return the strategy's order, save that nobody waits while another has room and is well.

    And the strategy that it is of: if it failed, the table's.
    """
    rated, is_its_own = ordered(sight.strategies.get(route.strategy), choice)
    patience_s = sight.policy.resilience.hand_on_after_s

    def delay(one: Rated) -> tuple[bool, float]:
        condition = one.option.condition
        return condition.resting, condition.wait_s if condition.wait_s > patience_s else 0.0

    return sorted(rated, key=delay), route.strategy if is_its_own else TASK


def _candidate(
    model: Model, names: Mapping[str, str], rank: int, choice: Choice, rated: Rated
) -> Candidate:
    asked = names[model.name]
    return Candidate(
        model=model.name,
        provider=model.provider,
        rank=rank,
        asked_as=asked if asked != model.name else None,
        residency=model.residency,
        score=rated.score,
        factors={name.value: value for name, value in factors_of(rated.option, choice).items()},
        cost_nano_max=rated.option.cost_nano_max,
    )


def _left_out(
    name: str, names: Mapping[str, str], rank: int, sight: Sight, reason: Exclusion | None
) -> Candidate:
    model = sight.models.get(name)
    return Candidate(
        model=name,
        provider=model.provider if model else "unknown",
        rank=rank,
        excluded_by=reason,
        asked_as=names[name] if names[name] != name else None,
        residency=model.residency if model else None,
    )


def _leg(model: Model, question: Question) -> Leg:
    ask, size = question.ask, question.size
    if ask.operation is Operation.EMBED:
        return Leg(model, size.worst, 0)
    if ask.operation is Operation.TRANSLATE and Capability.TRANSLATE in model.capabilities:
        return Leg(model, 0, 0, size.characters)
    room = model.context_tokens - size.likely
    return Leg(
        model=model,
        input_tokens_max=min(size.worst, model.context_tokens),
        output_tokens_max=min(output_tokens_of(ask, size), model.output_tokens_max, room),
    )


def _refusal(
    question: Question, names: Iterable[str], sight: Sight, conditions: Conditions
) -> ErrorCode:
    all_reasons = [
        frozenset(exclusions(question, sight.models.get(name), conditions.get(name)))
        for name in names
    ]
    return refusal_of(question.ask, all_reasons)
