"""How providers do, as the router finds them: in words for people, with what to do."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from shared.contracts.catalog import OPERATOR
from shared.contracts.errors import ErrorCode
from shared.contracts.providers import ModelHealth, ProviderState, ProviderTest, ProviderTestReply
from stellwerk.errors import BadInput, CommandError, NotFound
from stellwerk.operator import Operator
from stellwerk.platform import find_platform

EXPIRES_SOON_DAYS: Final = 30
_CURES: Final = {
    "unauthorised": "it does not take the key: is it the right one, and still valid?",
    "not_found": "it does not know the address: compare base_url with its documentation",
    "unreachable": "nothing answers at its address: does it run, does the firewall let us out?",
    "timeout": "it does not answer in time: is it slow, or does something in between hold us back?",
    "rate_limited": "its limit is reached: wait, or have it raised",
    "quota_spent": "what was paid for is spent: pay, or raise the limit in its console",
    "overloaded": "it is overloaded: its fallbacks answer until it is well",
    "server_error": "it has an error of its own: look at its status page",
    "broken": "it answers in another form than its wire format: is `wire` right?",
    "rejected": "it rejects the question that tests it: is `wire` right, are `options`?",
}
_UNKNOWN: Final = "it does not answer as it should: look at the router's log"


async def states(provider: str | None) -> Sequence[ProviderState]:
    """Return how one provider does, or all.

    Raises `NotFound` for one that is not described, `CommandError` where the router cannot tell.
    """
    try:
        command = ProviderTest(actor=OPERATOR, provider=provider)
    except ValueError:
        raise BadInput("Names of providers hold a-z, 0-9, - and _, as in models.yaml.") from None
    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, ProviderTestReply)
    if reply.code is ErrorCode.NOT_FOUND and provider is not None:
        raise NotFound(
            f"No provider is named {provider}. `stellwerk provider test --all` shows all of them."
        )
    if reply.code is not None:
        raise CommandError(
            f"The router could not test its providers: {ErrorCode(reply.code).sentence()}"
        )
    return reply.providers


async def require_on(provider: str, model: str) -> None:
    """Raise `CommandError` if a model's provider is known to be off."""
    missing = (await missing_by_provider()).get(provider)
    if missing:
        lacks = missing if " " in missing else f"{missing} is not set"
        raise CommandError(
            f"{model} is off, since {lacks} for its provider {provider}. Set it for the router and "
            "restart it, then try again."
        )


async def missing_by_provider() -> dict[str, str | None]:
    """Return what each provider lacks, None where it is on; nothing if the router cannot tell."""
    try:
        return {one.provider: one.missing for one in await states(None)}
    except CommandError:
        return {}


def facts_of(state: ProviderState) -> dict[str, Any]:
    """Return a provider for programs, with the sentence that people read."""
    return {**state.model_dump(mode="json"), "state": word_for(state), "advice": advice_for(state)}


def word_for(state: ProviderState) -> str:
    """Return how a provider does in one word or two."""
    if state.missing:
        return "off"
    if state.reachable:
        return "answers"
    return "fails"


def advice_for(state: ProviderState) -> str | None:
    """Return what is wrong and what to do; None if nothing is."""
    if state.missing:
        return state.missing if " " in state.missing else f"{state.missing} is not set"
    if state.reachable:
        return None
    said = f" (status {state.status})" if state.status else ""
    return f"{_CURES.get(state.error_class or '', _UNKNOWN)}{said}"


def lines(found: Sequence[ProviderState]) -> Iterator[str]:
    """Yield a table of providers, and below each what there is to say of it."""
    head = ("provider", "wire", "region", "where", "law", "dpa", "state")
    table = [
        (
            *(one.provider, one.wire, one.region, one.residency, one.legal_country or "-"),
            *(_agreement(one), _state(one)),
        )
        for one in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    for row, one in zip((head, *table), (None, *found), strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
        yield from (f"  {note}" for note in (_notes(one) if one else ()))
    if any(one.missing for one in found):
        yield ""
        yield "What is off: set what is missing for the router and restart it, or leave it off."


def _state(one: ProviderState) -> str:
    if one.reachable and one.answered_ms is not None:
        return f"{one.answered_ms} ms"
    return word_for(one)


def _agreement(one: ProviderState) -> str:
    if one.local:
        return "own"
    if not one.agreement:
        return "none"
    return "holds" if one.agreement_days_left is None else f"{one.agreement_days_left} days"


def _notes(one: ProviderState) -> Iterator[str]:
    advice = advice_for(one)
    if advice:
        yield advice
    left = one.agreement_days_left
    if left is not None and left <= EXPIRES_SOON_DAYS:
        yield (
            "the agreement is over, so nothing above internal goes there: renew it"
            if left < 0
            else f"the agreement ends in {left} days: renew it and state the new day in models.yaml"
        )
    if not one.missing:
        yield from (f"{model.model}: {said}" for model in one.models if (said := _health(model)))


def _health(model: ModelHealth) -> str:
    """Return what is worth saying of a model; nothing if it simply does well."""
    said = []
    if model.circuit_open:
        said.append("left alone after faults (circuit open)")
    limits = (("requests", model.requests_a_minute), ("tokens", model.tokens_a_minute))
    stated = [f"{limit:,} {what}" for what, limit in limits if limit is not None]
    if stated:
        said.append(f"{' and '.join(stated)} a minute, {model.room:.0%} free")
    if model.in_flight or model.waiting:
        said.append(f"{model.in_flight} in hand, {model.waiting} waiting")
    if model.faults_in_minute:
        said.append(f"{model.faults_in_minute} faults of {model.calls_in_minute} calls this minute")
    return ", ".join(said)
