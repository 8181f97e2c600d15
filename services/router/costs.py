"""What calls used and what they cost, by the rules that billing charges by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.router.domain import Model
from shared.contracts.completions import TokenUsage, UsageSource
from shared.contracts.money import Price
from shared.contracts.usage import Attempt, AttemptOutcome


@dataclass(frozen=True, slots=True)
class Terms:
    """What billing has set aside for a request: for which model, how much, at which price."""

    model: str
    held_nano: int
    price: Price


def total_usage(attempts: Iterable[Attempt], *, estimated: bool) -> TokenUsage:
    """Return what all attempts used together."""
    attempts = tuple(attempts)
    guessed = estimated or any(one.outcome is AttemptOutcome.UNKNOWN for one in attempts)
    partial = any(
        one.outcome is AttemptOutcome.CANCELLED and one.input_tokens + one.output_tokens > 0
        for one in attempts
    )
    return TokenUsage(
        input_tokens=sum(attempt.input_tokens for attempt in attempts),
        output_tokens=sum(attempt.output_tokens for attempt in attempts),
        source=UsageSource.ESTIMATED if guessed else UsageSource.PROVIDER,
        partial=partial,
        cache_read_tokens=sum(attempt.cache_read_tokens for attempt in attempts),
        cache_write_tokens=sum(attempt.cache_write_tokens for attempt in attempts),
        reasoning_tokens=sum(attempt.reasoning_tokens for attempt in attempts),
        characters=sum(attempt.characters for attempt in attempts),
    )


def cost_nano(attempts: Iterable[Attempt], terms: Terms | None, models: Mapping[str, Model]) -> int:
    """Return what a request's calls cost together.

    A call whose end nobody knows costs all that was held, or nothing where the policy released it;
    one that got no answer and used nothing costs nothing.
    """
    return sum(_attempt_cost_nano(attempt, terms, models) for attempt in attempts)


def _attempt_cost_nano(attempt: Attempt, terms: Terms | None, models: Mapping[str, Model]) -> int:
    if attempt.released:
        return 0
    if attempt.outcome is AttemptOutcome.UNKNOWN and terms is not None:
        return terms.held_nano
    answered = attempt.outcome is AttemptOutcome.ANSWERED
    used = attempt.input_tokens + attempt.output_tokens + attempt.characters
    if not answered and not used:
        return 0
    if terms is not None and attempt.model == terms.model:
        price = terms.price
    elif attempt.model in models:
        price = models[attempt.model].price
    else:
        return 0
    return price.cost_nano(attempt.input_tokens, attempt.output_tokens, attempt.characters)
