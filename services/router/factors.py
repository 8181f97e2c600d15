"""What each candidate is worth by itself, from 0 to 1: shown for every request, weighed by some."""

from typing import Final

from services.router.strategies.base import Choice, Option
from shared.contracts.routing import Factor

ACCURACY_UNKNOWN: Final = 0.5
SPEED_UNKNOWN: Final = 0.5
FIRST_TOKEN_MS_HALF: Final = 1000
"""A model whose answers begin after a second is half as good as one that begins at once."""


def factors_of(option: Option, choice: Choice) -> dict[Factor, float]:
    """Return all factors of an option."""
    return {
        Factor.ACCURACY: _accuracy(option, choice),
        Factor.SPEED: _speed(option),
        Factor.COST: _cost(option, choice),
        Factor.ROOM: round(min(max(option.condition.room, 0.0), 1.0), 3),
    }


def _accuracy(option: Option, choice: Choice) -> float:
    quality = option.model.quality
    if quality is None:
        return ACCURACY_UNKNOWN
    return quality.tasks.get(choice.ask.task or "", quality.default)


def _speed(option: Option) -> float:
    first_ms = option.condition.first_token_ms
    if first_ms is None:
        return SPEED_UNKNOWN
    return round(FIRST_TOKEN_MS_HALF / (FIRST_TOKEN_MS_HALF + max(first_ms, 0)), 3)


def _cost(option: Option, choice: Choice) -> float:
    dearest = max(one.cost_nano_max for one in choice.options)
    return round(1 - option.cost_nano_max / dearest, 3) if dearest else 1.0
