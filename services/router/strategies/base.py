"""How a strategy orders models: it is given those that may answer, and can add or drop none.

A module in this folder (or behind the entry point `stellwerk.strategies`) is a plug-in when it has
the names of `StrategyModule`. Which one a route uses stands in policy.yaml;
docs/how-to/add-a-strategy.md shows the shortest one.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, cast

from services.router.domain import Condition, Model, Policy
from shared.configuration import ConfigError
from shared.contracts.requests import RequestRedacted
from shared.contracts.routing import Factor
from shared.plugins import load

_log = logging.getLogger(__name__)

PACKAGE: Final = "services.router.strategies"
ENTRY_POINTS: Final = "stellwerk.strategies"


@dataclass(frozen=True, slots=True)
class Option:
    """A model that may answer, in the place that the table gives it."""

    model: Model
    condition: Condition
    cost_nano_max: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a strategy is asked: which of these is the best for this request."""

    ask: RequestRedacted = field(repr=False)
    complexity: float
    options: Sequence[Option]
    weights: Mapping[Factor, float]


@dataclass(frozen=True, slots=True)
class Rated:
    """A place in the order: the first is tried first. `score` is None where nothing was weighed."""

    option: Option
    score: float | None = None


_REPEATED_MAX: Final = 4
"""So many times the options are listened to; an order without an end must not hold up a request."""


class StrategyModule(Protocol):
    """The names that a plug-in module has."""

    NAME: str

    def order(self, choice: Choice) -> Sequence[Rated]:
        """Return the options, the best first. The same choice has the same order, always.

        It is called for every request, on the event loop: it looks at what it is given, and waits
        for nothing. What it writes into the choice, or makes up, counts for nothing.
        """


def strategies() -> dict[str, StrategyModule]:
    """Return all strategies there are, by name."""
    modules = cast("list[StrategyModule]", load(PACKAGE, StrategyModule, ENTRY_POINTS))
    return {module.NAME: module for module in modules}


def check_strategies(policy: Policy, known: Mapping[str, StrategyModule]) -> None:
    """Raise `ConfigError` if a route names a strategy that is not here.

    Only the router can say so: who puts a version in force does not have its plug-ins.
    """
    for name in sorted({route.strategy for route in policy.routes()} - known.keys()):
        raise ConfigError(
            f"policy.yaml: a route has strategy {name}; known are {', '.join(sorted(known))}."
        )


def ordered(strategy: StrategyModule | None, choice: Choice) -> tuple[list[Rated], bool]:
    """Return every option once, in a strategy's order, and whether it had one.

    A strategy only orders: what it invents is left out, what it repeats counts once, what it drops
    follows in the order of the table, and if it fails, all do. So no strategy, however wrong, has a
    model called that the filters exclude, or leaves a request unanswered that they let through.
    """
    own = {option.model.name: option for option in choice.options}
    said = _asked(strategy, choice) if own else []
    rated: dict[str, Rated] = {}
    for name, score in said or ():
        if name in own and name not in rated:
            rated[name] = Rated(own[name], score)
    left = [Rated(option) for name, option in own.items() if name not in rated]
    return [*rated.values(), *left], said is not None


def _asked(
    strategy: StrategyModule | None, choice: Choice
) -> list[tuple[str, float | None]] | None:
    """Return the names and scores that a strategy gives; None if it fails."""
    try:
        assert strategy is not None
        order = islice(strategy.order(choice), _REPEATED_MAX * len(choice.options))
        return [(str(one.option.model.name), _score(one.score)) for one in order]
    except Exception as error:  # noqa: BLE001 -- somebody else's code, and the table is good enough
        # Not what it says: that may repeat the request.
        facts = {"strategy": getattr(strategy, "NAME", None), "error": type(error).__name__}
        _log.error("strategy failed", extra={"facts": facts})
        return None


def _score(stated: float | None) -> float | None:
    """Return a score that can be shown; None for what is none, such as NaN."""
    return float(stated) if stated is not None and 0 <= stated <= 1 else None
