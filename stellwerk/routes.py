"""Who answers what: a route with its primary, its fallbacks and its specialists, told in words."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from shared.contracts.routing import StatedRoute
from shared.contracts.stated import ModelsDocument, PolicyDocument
from shared.contracts.values import Sensitivity
from stellwerk.errors import NotFound
from stellwerk.reach import levels_of

DEFAULT: Final = "default"
_SUCCESSORS_MAX: Final = 8


def answering(name: str, models: ModelsDocument, day: date) -> str:
    """Return the model that answers for a name: behind an alias, and after a retired model."""
    name = models.model_named(name)
    for _ in range(_SUCCESSORS_MAX):
        model = models.models.get(name)
        is_retired = model is not None and model.retired is not None and day >= model.retired
        if model is None or not is_retired or model.successor is None:
            break
        name = model.successor
    return name


def routes_of(policy: PolicyDocument) -> Iterator[tuple[str, StatedRoute]]:
    """Yield every route with the name of its line."""
    yield DEFAULT, policy.default
    for task, route in policy.tasks.items():
        yield f"task {task}", route
    for name, use_case in policy.use_cases.items():
        yield f"use case {name}", use_case
        for task, route in use_case.tasks.items():
            yield f"use case {name}, task {task}", route
    for operation, stated in (
        ("embed", policy.operations.embed),
        ("translate", policy.operations.translate),
    ):
        if stated is not None:
            yield f"operation {operation}", stated


def overview(
    wanted: str,
    models: ModelsDocument,
    policy: PolicyDocument,
    day: date,
    missing: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Return what a request of a use case, a task or an operation meets; `default` is a name too.

    `missing` says by provider what is not set, so that it is off. Raises `NotFound` naming the use
    cases and tasks that there are.
    """
    rule, route, specialists = _found(wanted, policy)

    def candidates(one: StatedRoute) -> list[dict[str, Any]]:
        found = [_candidate(name, models, policy, day) for name in one.models]
        return [each | {"missing": (missing or {}).get(each["provider"])} for each in found]

    order = candidates(route)
    return {
        "name": wanted,
        "rule": rule,
        "reason": route.reason,
        "strategy": route.strategy,
        "weights": {str(factor): weight for factor, weight in route.weights.items()},
        "duty": route.duty,
        "primary": order[0],
        "fallbacks": order[1:],
        "specialists": {
            name: {
                "reason": one.reason,
                "models": candidates(one),
            }
            for name, one in specialists.items()
        },
        "residency": {
            str(level): allowed if isinstance(allowed, str) else list(allowed)
            for level, allowed in policy.residency.items()
        },
        "entitlements": {
            name: list(apps)
            for name, apps in policy.entitlements.items()
            if models.model_named(name) in {one["model"] for one in order}
        },
    }


def _found(
    wanted: str, policy: PolicyDocument
) -> tuple[str, StatedRoute, Mapping[str, StatedRoute]]:
    operations = {
        f"operation {name}": route
        for name, route in (
            ("embed", policy.operations.embed),
            ("translate", policy.operations.translate),
        )
        if route is not None
    }
    if wanted in policy.use_cases:
        use_case = policy.use_cases[wanted]
        tasks = {f"task {name}": route for name, route in use_case.tasks.items()}
        return "use-case", use_case, tasks | operations
    if wanted in policy.tasks:
        return "task", policy.tasks[wanted], {}
    if f"operation {wanted}" in operations:
        return "operation", operations[f"operation {wanted}"], {}
    if wanted == DEFAULT:
        return DEFAULT, policy.default, operations
    known = ", ".join([*policy.use_cases, *policy.tasks]) or "none"
    raise NotFound(
        f"The policy has no line for {wanted}, so the default answers it: `stellwerk policy show "
        f"default`. Use cases and tasks with a line: {known}."
    )


def _candidate(
    name: str, models: ModelsDocument, policy: PolicyDocument, day: date
) -> dict[str, Any]:
    model = answering(name, models, day)
    provider = models.providers[models.models[model].provider]
    return {
        "asked_as": name if name != model else None,
        "model": model,
        "provider": models.models[model].provider,
        "region": provider.region,
        "residency": provider.residency,
        "levels": [str(level) for level in levels_of(provider, policy, day)],
    }


def lines_of(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield an overview for people; no line is longer than eighty signs if names are not."""
    kind = "" if shown["rule"] == DEFAULT else f"{shown['rule'].replace('-', ' ')} "
    yield f"{kind}{shown['name']}: {_why(shown)}"
    yield ""
    rows = [("primary", shown["primary"])]
    rows += [(f"fallback {place}", one) for place, one in enumerate(shown["fallbacks"], 1)]
    yield from _rows(rows)
    for name, special in shown["specialists"].items():
        yield ""
        yield f"specialist, {name}: because {special['reason']}"
        yield from _rows([("", one) for one in special["models"]])
    yield ""
    yield "where texts may go, by their level"
    for level, allowed in shown["residency"].items():
        yield f"  {level:<13} {allowed if isinstance(allowed, str) else ', '.join(allowed)}"
    for name, apps in shown["entitlements"].items():
        yield f"only {', '.join(apps)} may use {name}"


def _why(shown: Mapping[str, Any]) -> str:
    weights = ", ".join(f"{name} {weight:g}" for name, weight in shown["weights"].items())
    strategy = f"strategy {shown['strategy']}" + (f" ({weights})" if weights else "")
    duty = f", duty {shown['duty']}" if shown["duty"] else ""
    return f"{strategy}, because {shown['reason']}{duty}"


def _rows(rows: list[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    for label, one in rows:
        asked = f" (as {one['asked_as']})" if one["asked_as"] else ""
        yield f"  {label:<11} {one['model']}{asked}"
        off = ", off" if one["missing"] else ""
        yield f"  {'':<11}   {one['provider']}, {one['residency']}: {_levels(one['levels'])}{off}"


def _levels(levels: list[str]) -> str:
    """Return levels in few words; mostly they are all up to one."""
    if not levels:
        return "no text"
    if levels == [str(level) for level in Sensitivity]:
        return "texts of every level"
    up_to = [str(level) for level in Sensitivity][: len(levels)]
    if levels == up_to and len(levels) > 1:
        return f"texts up to {levels[-1]}"
    return f"{', '.join(levels)} texts"
