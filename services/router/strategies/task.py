"""The table decides: models in the order in which the policy lists them."""

from collections.abc import Sequence

from services.router.strategies.base import Choice, Rated

NAME = "task"


def order(choice: Choice) -> Sequence[Rated]:
    """Return the options as they stand in the table."""
    return [Rated(option) for option in choice.options]
