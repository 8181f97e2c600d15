"""How a strategy orders models: it is given those that may answer, and can add none.

A module in this folder (or behind the entry point `stellwerk.strategies`) is a plug-in when it has
the names of `StrategyModule`. Which one a route uses stands in policy.yaml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from services.router.domain import Condition, Model
from shared.contracts.requests import RequestRedacted
from shared.contracts.routing import Factor
from shared.plugins import load

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


class StrategyModule(Protocol):
    """The names that a plug-in module has."""

    NAME: str

    def order(self, choice: Choice) -> Sequence[Rated]:
        """Return the options, the best first. The same choice has the same order, always."""


def strategies() -> dict[str, StrategyModule]:
    """Return all strategies there are, by name."""
    modules = cast("list[StrategyModule]", load(PACKAGE, StrategyModule, ENTRY_POINTS))
    return {module.NAME: module for module in modules}
