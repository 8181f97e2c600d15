"""Which models may not answer a request, and why: hard limits that no strategy can lift.

Each filter is one function, and `FILTERS` is the order in which they are asked. They bind the
first choice, every fallback and every retry alike. All fail closed: what is not clearly allowed is
not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from services.router.sizing import Size
from shared.contracts.requests import Operation, PartKind, RequestRedacted, Role
from shared.contracts.routing import Capability
from shared.contracts.values import Sensitivity

if TYPE_CHECKING:
    from services.router.domain import Condition, Model, Policy

_MEDIA: Final = {
    PartKind.IMAGE: Capability.VISION,
    PartKind.AUDIO: Capability.AUDIO,
    PartKind.FILE: Capability.FILES,
}


class Exclusion(StrEnum):
    """Why a model may not answer a request."""

    UNKNOWN_MODEL = "unknown_model"
    RETIRED = "retired"
    ENTITLEMENT = "entitlement"
    SENSITIVITY = "sensitivity"
    RESIDENCY = "residency"
    AGREEMENT = "agreement"
    CAPABILITY = "capability"
    CONTEXT = "context"
    DISABLED = "disabled"
    CIRCUIT_OPEN = "circuit_open"


@dataclass(frozen=True, slots=True)
class Question:
    """What filters look at: one request on one day, under one policy."""

    ask: RequestRedacted
    size: Size
    policy: "Policy"
    day: date


Filter = Callable[[Question, "Model"], bool]


def _is_retired(question: Question, model: "Model") -> bool:
    return model.retired is not None and question.day >= model.retired


def _is_for_others(question: Question, model: "Model") -> bool:
    apps = question.policy.entitlements.get(model.name)
    return apps is not None and question.ask.app not in apps


def _leaves_the_house(question: Question, model: "Model") -> bool:
    # Not a matter of policy: whatever the file says, this never leaves the house.
    return question.ask.sensitivity is Sensitivity.SPECIAL and not model.local


def _is_too_far(question: Question, model: "Model") -> bool:
    allowed = question.policy.residency.get(question.ask.sensitivity)
    return allowed is not None and model.residency not in allowed


def _lacks_agreement(question: Question, model: "Model") -> bool:
    """Return whether a processor would get more than internal texts without an agreement."""
    if model.local or question.ask.sensitivity.strictness <= Sensitivity.INTERNAL.strictness:
        return False
    return model.agreement is None or not model.agreement.holds(question.day)


def _cannot(question: Question, model: "Model") -> bool:
    wanted = wanted_of(question.ask)
    return wanted is None or not any(able <= model.capabilities for able in wanted)


def _is_too_small(question: Question, model: "Model") -> bool:
    return question.size.likely >= model.context_tokens


def _is_off(_: Question, model: "Model") -> bool:
    return model.disabled is not None


FILTERS: Final[Mapping[Exclusion, Filter]] = {
    Exclusion.RETIRED: _is_retired,
    Exclusion.ENTITLEMENT: _is_for_others,
    Exclusion.SENSITIVITY: _leaves_the_house,
    Exclusion.RESIDENCY: _is_too_far,
    Exclusion.AGREEMENT: _lacks_agreement,
    Exclusion.CAPABILITY: _cannot,
    Exclusion.CONTEXT: _is_too_small,
    Exclusion.DISABLED: _is_off,
}


def exclusion(
    question: Question, model: "Model | None", condition: "Condition | None" = None
) -> Exclusion | None:
    """Return the first reason why a model may not answer; None if it may."""
    if model is None:
        return Exclusion.UNKNOWN_MODEL
    for reason, excludes in FILTERS.items():
        if excludes(question, model):
            return reason
    if condition is not None and condition.circuit_open:
        return Exclusion.CIRCUIT_OPEN
    return None


def wanted_of(ask: RequestRedacted) -> tuple[frozenset[Capability], ...] | None:
    """Return what a model must be able to do, in each way that will do; None: no model can."""
    match ask.operation:
        case Operation.CHAT:
            wanted = _wanted_in_chat(ask)
            return (wanted,) if wanted is not None else None
        case Operation.EMBED:
            return (frozenset({Capability.EMBED}),)
        case Operation.TRANSLATE:
            # A model that chats translates what it is told to, one text at a time.
            by_chat = (frozenset({Capability.CHAT}),) if len(ask.messages) == 1 else ()
            return (frozenset({Capability.TRANSLATE}), *by_chat)
        case _:
            return None


def _wanted_in_chat(ask: RequestRedacted) -> frozenset[Capability] | None:
    wanted = {Capability.CHAT, Capability.STREAM} if ask.stream else {Capability.CHAT}
    if ask.tools or any(one.tool_calls or one.role is Role.TOOL for one in ask.messages):
        wanted.add(Capability.TOOLS)
    for part in (part for message in ask.messages for part in message.parts):
        if part.kind is PartKind.TEXT:
            continue
        # Sounds and files must come along: nobody here fetches them.
        is_there = part.data is not None or (part.kind is PartKind.IMAGE and part.url is not None)
        if part.kind not in _MEDIA or not is_there:
            return None
        wanted.add(_MEDIA[part.kind])
    return frozenset(wanted)
