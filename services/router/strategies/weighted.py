"""The factors decide, each by the weight that the policy gives it."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.router.factors import factors_of
from services.router.strategies.base import Choice, Rated
from shared.contracts.routing import Factor

NAME = "weighted"
DEFAULT: Final[Mapping[Factor, float]] = {
    Factor.ACCURACY: 0.4,
    Factor.SPEED: 0.2,
    Factor.COST: 0.3,
    Factor.ROOM: 0.1,
}


def order(choice: Choice) -> Sequence[Rated]:
    """Return the options by score; of two alike, the one that the table lists first.

    The more a request asks of a model, the more accuracy counts, up to twice its weight.
    """
    weights = dict(choice.weights or DEFAULT)
    weights[Factor.ACCURACY] = weights.get(Factor.ACCURACY, 0.0) * (1 + choice.complexity)
    total = sum(weights.values()) or 1.0
    rated = [
        Rated(
            option,
            round(sum(weight * factors[one] for one, weight in weights.items()) / total, 4),
        )
        for option in choice.options
        for factors in (factors_of(option, choice),)
    ]
    return sorted(rated, key=lambda one: -(one.score or 0.0))
