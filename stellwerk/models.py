"""The models as a list: names, provider, tier, prices, and how long each of them lasts.

The tier follows from the price book alone. Its bounds are fixed, so that a model does not change
its tier because another one was added.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from shared.contracts.money import StatedPrice
from shared.contracts.stated import ModelsDocument
from stellwerk.routes import answering

INPUT_PARTS: Final = 3
"""Of four tokens three are read and one is written, in letters and questions about documents."""
TIERS: Final = ((Decimal(1), "cheap"), (Decimal(5), "mid"))
"""Up to this many units of currency for a million tokens; above the last one it is premium."""
PREMIUM: Final = "premium"
BY_CHARACTER: Final = "by text"
"""Paid by the character: no tier of tokens fits it."""
_DATED: Final = "from {day}: {price}"


def tier_of(price: StatedPrice) -> str:
    """Return the tier of a price."""
    tokens = price.input_per_million + price.output_per_million
    if not tokens and price.characters_per_million:
        return BY_CHARACTER
    blended = (INPUT_PARTS * price.input_per_million + price.output_per_million) / (INPUT_PARTS + 1)
    return next((name for bound, name in TIERS if blended <= bound), PREMIUM)


def rows(
    stated: ModelsDocument, today: date, missing: Mapping[str, str | None]
) -> list[dict[str, Any]]:
    """Return the models for programs. `missing` says by provider what is not set; None: nothing."""
    return [_row(name, stated, today, missing) for name in stated.models]


def _row(
    name: str, stated: ModelsDocument, today: date, missing: Mapping[str, str | None]
) -> dict[str, Any]:
    model = stated.models[name]
    provider, price = stated.providers[model.provider], model.price_on(today)
    following = next((one for one in model.prices if one.valid_from > today), None)
    is_retired = model.retired is not None and today >= model.retired
    off = missing.get(model.provider)
    return {
        "model": name,
        "aliases": [alias for alias in stated.aliases if answering(alias, stated, today) == name],
        "provider": model.provider,
        "residency": provider.residency,
        "local": provider.local,
        "capabilities": sorted(model.capabilities),
        "context_tokens": model.context_tokens,
        "tier": tier_of(price),
        **_price_facts(price),
        "currency": price.currency,
        "source": price.source,
        "next_price": {
            **_price_facts(following),
            "currency": following.currency,
            "valid_from": following.valid_from.isoformat(),
        }
        if following is not None
        else None,
        "retired": model.retired.isoformat() if model.retired else None,
        "successor": model.successor,
        "state": "retired" if is_retired else "off" if off else "on" if missing else "stated",
        "missing": off,
    }


def _price_facts(price: StatedPrice) -> dict[str, str]:
    facts = {
        "input_per_million": str(price.input_per_million),
        "output_per_million": str(price.output_per_million),
    }
    if price.characters_per_million:
        facts["characters_per_million"] = str(price.characters_per_million)
    if price.per_request:
        facts["per_request"] = str(price.per_request)
    return facts


def price_text(facts: Mapping[str, Any]) -> str:
    """Return a price in few signs; the list says below what it is for."""
    if "characters_per_million" in facts:
        return f"{facts['characters_per_million']} chars"
    both = f"{facts['input_per_million']} / {facts['output_per_million']}"
    return f"{both} + {facts['per_request']}" if "per_request" in facts else both


def lines(models: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the list for people: a line for each model, and below it what else there is to know."""
    head = ("model", "provider", "where", "tier", "in / out")
    table = [
        (one["model"], one["provider"], one["residency"], one["tier"], price_text(one))
        for one in models
    ]
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    for row, one in zip((head, *table), (None, *models), strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
        yield from (f"  {note}" for note in (_notes(one) if one else ()))
    currencies = ", ".join(sorted({one["currency"] for one in models}))
    bounds = ", ".join(f"{name} up to {bound}" for bound, name in TIERS)
    yield ""
    yield f"Prices: {currencies} for a million tokens read / written, or characters."
    yield f"Tiers, by {INPUT_PARTS} parts read and 1 written: {bounds}, {PREMIUM} above."


def _notes(one: Mapping[str, Any]) -> Iterator[str]:
    if one["aliases"]:
        yield f"also {', '.join(one['aliases'])}"
    if one["state"] == "retired":
        yield f"retired {one['retired']}, {_follower(one)}"
    elif one["retired"]:
        yield f"retires {one['retired']}, {_follower(one)}"
    if one["state"] == "off":
        yield f"off: {one['missing']}{'' if ' ' in one['missing'] else ' is not set'}"
    if one["next_price"]:
        following = one["next_price"]
        yield _DATED.format(day=following["valid_from"], price=price_text(following))


def _follower(one: Mapping[str, Any]) -> str:
    return f"then {one['successor']}" if one["successor"] else "and nobody follows"
