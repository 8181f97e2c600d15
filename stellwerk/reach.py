"""How far texts may travel: which level may go to which model, and what keeps it back.

It says what the router's filters say of residency, agreements and special categories; the router
alone decides, and knows besides what is switched on and well.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from shared.contracts.masking import Override
from shared.contracts.routing import Agreement
from shared.contracts.stated import ModelsDocument, PolicyDocument, StatedProvider
from shared.contracts.values import Sensitivity

ALL = "all"
NEVER = "never"


class Kept(StrEnum):
    """Why a text may not go somewhere, in the router's words."""

    SENSITIVITY = "sensitivity"
    RESIDENCY = "residency"
    AGREEMENT = "agreement"


def kept_back(
    level: Sensitivity, provider: StatedProvider, policy: PolicyDocument, day: date
) -> Kept | None:
    """Return what keeps texts of a level from a provider; None if they may go there."""
    if level is Sensitivity.SPECIAL and not provider.local:
        return Kept.SENSITIVITY
    stated = policy.residencies_of(level) or ()
    if stated != "any" and provider.residency not in stated:
        return Kept.RESIDENCY
    is_above = level.strictness > Sensitivity.INTERNAL.strictness
    if is_above and not provider.local and not holds(provider.dpa, day):
        return Kept.AGREEMENT
    return None


def holds(agreement: Agreement | None, day: date) -> bool:
    """Return whether there is an agreement that counts on a day."""
    return agreement is not None and agreement.holds(day)


def levels_of(provider: StatedProvider, policy: PolicyDocument, day: date) -> list[Sensitivity]:
    """Return the levels that may go to a provider."""
    return [level for level in Sensitivity if kept_back(level, provider, policy, day) is None]


def permitted(
    models: ModelsDocument, policy: PolicyDocument, day: date
) -> dict[str, dict[str, list[str]]]:
    """Return, by sensitivity and residency, the models that a text may go to."""
    rows: dict[str, dict[str, list[str]]] = {}
    for level in Sensitivity:
        row: dict[str, list[str]] = {residency: [] for residency in _residencies(models)}
        for name, model in models.models.items():
            provider = models.providers[model.provider]
            if kept_back(level, provider, policy, day) is None:
                row[provider.residency].append(name)
        rows[level] = row
    return rows


def cells(models: ModelsDocument, policy: PolicyDocument, day: date) -> dict[str, dict[str, str]]:
    """Return the same in words: which providers of a residency may get texts of a level."""
    return {
        level: {
            residency: _cell(level, within, policy, day)
            for residency, within in _residencies(models).items()
        }
        for level in Sensitivity
    }


def _cell(
    level: Sensitivity, within: Mapping[str, StatedProvider], policy: PolicyDocument, day: date
) -> str:
    kept = {name: kept_back(level, provider, policy, day) for name, provider in within.items()}
    allowed = [name for name, reason in kept.items() if reason is None]
    if len(allowed) == len(within):
        return ALL
    if allowed:
        return f"only {', '.join(allowed)}"
    return "no agreement" if Kept.AGREEMENT in kept.values() else NEVER


def _residencies(models: ModelsDocument) -> dict[str, dict[str, StatedProvider]]:
    found: dict[str, dict[str, StatedProvider]] = {}
    for name, provider in models.providers.items():
        found.setdefault(provider.residency, {})[name] = provider
    return found


def who_is_where(models: ModelsDocument) -> list[str]:
    """Return a line for each residency: its providers."""
    found = _residencies(models)
    width = max(map(len, found))
    return [f"{residency:<{width}}  {', '.join(within)}" for residency, within in found.items()]


def agreement_lines(models: ModelsDocument, day: date) -> list[str]:
    """Return who has no agreement that counts, and what to do about it."""
    outside = {name: one for name, one in models.providers.items() if not one.local}
    none = [name for name, one in outside.items() if one.dpa is None]
    over = [name for name, one in outside.items() if one.dpa and not holds(one.dpa, day)]
    lines = []
    if none:
        lines.append(
            f"Without a data processing agreement: {', '.join(none)}. Nothing above internal goes "
            "there; once you have signed one, state it as `dpa` in models.yaml."
        )
    if over:
        lines.append(
            f"With an agreement that does not count today: {', '.join(over)}. Renew it, and state "
            "its new days as `dpa` in models.yaml."
        )
    return lines


def agreement_facts(models: ModelsDocument, day: date) -> dict[str, dict[str, object]]:
    """Return the register of agreements for programs."""
    return {
        name: {
            "needed": not one.local,
            "holds": holds(one.dpa, day),
            "reference": one.dpa.reference if one.dpa else None,
            "expires": one.dpa.expires.isoformat() if one.dpa and one.dpa.expires else None,
        }
        for name, one in models.providers.items()
    }


def override_lines(overrides: Sequence[Override], today: date) -> list[str]:
    """Return a sentence for each override: whose texts travel further than the table says."""
    lines = []
    for one in overrides:
        whose = f"{one.app}/{one.use_case}" if one.use_case else one.app
        over = "" if today <= one.until else " (over)"
        what = f"what is stricter counts as {one.to} until {one.until}, because {one.reason}"
        lines.append(f"{whose}: {what}{over}")
    return lines
