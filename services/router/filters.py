"""Which models may not answer a request, and why: hard limits that no strategy can lift.

Each filter is one function, and `FILTERS` is the order in which they are asked. They bind the
first choice, every fallback and every retry alike. All fail closed: what is not clearly allowed is
not.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from services.router.sizing import Size
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import Operation, PartKind, RequestRedacted, Role
from shared.contracts.routing import Capability
from shared.contracts.values import Sensitivity

LOCAL: Final = "local"
"""The residency of what stands in our own house."""

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


_NO_CANDIDATE: Final = {Exclusion.UNKNOWN_MODEL, Exclusion.RETIRED}
_PLACES: Final = {Exclusion.SENSITIVITY, Exclusion.RESIDENCY, Exclusion.AGREEMENT}
_TOO_LONG_OR_AWAY: Final = {Exclusion.CONTEXT, Exclusion.DISABLED, Exclusion.CIRCUIT_OPEN}


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
    sensitivity = question.ask.sensitivity
    allowed = question.policy.residency.get(sensitivity)
    if allowed is None and sensitivity is Sensitivity.SPECIAL:
        # `any` is not meant for these: one `local: true` too many would send them abroad.
        allowed = frozenset({LOCAL})
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
    return next(exclusions(question, model, condition), None)


def exclusions(
    question: Question, model: "Model | None", condition: "Condition | None" = None
) -> Iterator[Exclusion]:
    """Yield each reason why a model may not answer."""
    if model is None:
        yield Exclusion.UNKNOWN_MODEL
        return
    for reason, excludes in FILTERS.items():
        if excludes(question, model):
            yield reason
    if condition is not None and condition.circuit_open:
        yield Exclusion.CIRCUIT_OPEN


def refusal_of(ask: RequestRedacted, excluded: Iterable[Collection[Exclusion]]) -> ErrorCode:
    """Return the code that a caller can do most about, by all reasons of each candidate.

    What would help by itself comes first: another name, to wait, a shorter text, a right. Then what
    only the policy's owner can change, if it alone stands between the request and a model that can.
    """
    known = [set(one) for one in excluded if not {*one} & _NO_CANDIDATE]
    able = [one for one in known if Exclusion.CAPABILITY not in one]
    in_house = ask.sensitivity is Sensitivity.SPECIAL
    unwell = {Exclusion.CIRCUIT_OPEN} in known
    codes = (
        (ErrorCode.UNKNOWN_MODEL, not known),
        (ErrorCode.SENSITIVITY_LOCAL_ONLY, in_house and unwell),
        (ErrorCode.PROVIDER_UNAVAILABLE, unwell),
        (
            ErrorCode.CONTEXT_TOO_LONG,
            any(Exclusion.CONTEXT in one and one <= _TOO_LONG_OR_AWAY for one in known),
        ),
        (ErrorCode.FORBIDDEN, {Exclusion.ENTITLEMENT} in known),
        (ErrorCode.SENSITIVITY_LOCAL_ONLY, in_house and bool(able)),
        (ErrorCode.POLICY_RESIDENCY, any(one & _PLACES for one in able)),
        (ErrorCode.FORBIDDEN, any(Exclusion.ENTITLEMENT in one for one in able)),
    )
    return next((code for code, applies in codes if applies), ErrorCode.NO_CAPABLE_MODEL)


def wanted_of(ask: RequestRedacted) -> tuple[frozenset[Capability], ...] | None:
    """Return what a model must be able to do, in each way that will do; None: no model can."""
    match ask.operation:
        case Operation.CHAT:
            wanted = _wanted_in_chat(ask)
            return (wanted,) if wanted is not None else None
        case _ if any(message.parts for message in ask.messages):
            return None  # Only a chat has more than texts; whatever else is there would be lost.
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
