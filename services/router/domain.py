"""Decides which models may answer a request, in which order, and what an error means.

Everything is passed in: the request, the models, the policy, and which endpoints rest. The same
arguments lead to the same decision, so it can be explained and replayed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.contracts.completions import TokenUsage, UsageSource
from shared.contracts.errors import ErrorCode
from shared.contracts.money import Price
from shared.contracts.requests import PartKind, RequestRedacted, Role
from shared.contracts.stated import Capability
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision
from shared.contracts.values import Sensitivity

AUTO: Final = "auto"
ATTEMPTS_MAX: Final = 2
"""The first choice and one fallback: a third try would rarely end before the deadline."""
OUTPUT_TOKENS_DEFAULT: Final = 1024
BYTES_A_TOKEN_LIKELY: Final = 4
BYTES_A_TOKEN_MIN: Final = 2
"""Danish and German measure 2.6 to 3.4 bytes a token, placeholders 2; digits are counted apart."""
MESSAGE_TOKENS_LIKELY: Final = 8
MESSAGE_TOKENS_MAX: Final = 16
TEMPLATE_TOKENS_MAX: Final = 64
"""What a chat template adds by itself, such as a system message when there is none."""
IMAGE_TOKENS_LIKELY: Final = 1024
IMAGE_TOKENS_MAX: Final = 4096
"""An image that fills the largest grid of today's models; what it shows cannot be counted here."""
_DIGITS: Final = b"0123456789"
_MEDIA: Final = {
    PartKind.IMAGE: Capability.VISION,
    PartKind.AUDIO: Capability.AUDIO,
    PartKind.FILE: Capability.FILES,
}


class Exclusion(StrEnum):
    """Why a model may not answer a request; the order of checks is the order of members."""

    UNKNOWN_MODEL = "unknown_model"
    SENSITIVITY = "sensitivity"
    RESIDENCY = "residency"
    CAPABILITY = "capability"
    CONTEXT = "context"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Model:
    """One model as `config/models.yaml` describes it, with what it takes over from its provider.

    `disabled` says why it cannot be called, such as an address that is not set.
    """

    name: str
    provider: str
    upstream: str
    wire: str
    base_url: str
    local: bool
    region: str
    residency: str
    capabilities: frozenset[Capability]
    context_tokens: int
    output_tokens_max: int
    price: Price
    disabled: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Models in the order in which they are tried, and why."""

    models: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Where texts may go. A sensitivity without residencies may go anywhere."""

    default: Route
    tasks: Mapping[str, Route]
    residency: Mapping[Sensitivity, frozenset[str]]
    fallbacks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Leg:
    """One model that may be called, and the most tokens that a call can use."""

    model: Model
    input_tokens_max: int
    output_tokens_max: int

    @property
    def cost_nano_max(self) -> int:
        return self.model.price.cost_nano(self.input_tokens_max, self.output_tokens_max)


@dataclass(frozen=True, slots=True)
class Routing:
    """The decision for one request. `code` says why nothing may be called, if `plan` is empty."""

    decision: Decision
    plan: tuple[Leg, ...]
    code: ErrorCode | None = None

    @property
    def dearest(self) -> Leg:
        """Return what a hold must cover, so that a fallback never spends what nobody set aside."""
        return max(self.plan, key=lambda leg: leg.cost_nano_max)


# --- choosing --------------------------------------------------------------------------


def decide(
    ask: RequestRedacted,
    models: Mapping[str, Model],
    policy: Policy,
    resting: frozenset[str] = frozenset(),
) -> Routing:
    """Return the models that may answer, the best first, and why each other one may not.

    Fails closed: a model that the policy does not clearly allow is excluded. `resting` names
    endpoints that just failed to answer: they are tried last.
    """
    rule, route = _route(ask, policy)
    size = _size(ask)
    ranked = sorted(
        route.models, key=lambda name: name in models and models[name].base_url in resting
    )
    excluded = {name: _exclusion(ask, models.get(name), policy, size) for name in ranked}
    allowed = [models[name] for name in ranked if excluded[name] is None][:ATTEMPTS_MAX]
    decision = Decision(
        candidates=tuple(
            Candidate(
                model=name,
                provider=models[name].provider if name in models else "unknown",
                rank=rank,
                excluded_by=excluded[name],
            )
            for rank, name in enumerate(ranked)
        ),
        rule=rule,
        reason=route.reason,
    )
    plan = tuple(_leg(ask, model, size) for model in allowed)
    return Routing(decision, plan, None if plan else _refusal(ask, list(excluded.values())))


def _route(ask: RequestRedacted, policy: Policy) -> tuple[str, Route]:
    if ask.model != AUTO:
        named = (ask.model, policy.fallbacks.get(ask.model))
        return "named", Route(tuple(name for name in named if name), "asked-for-by-name")
    if ask.task is not None and ask.task in policy.tasks:
        return "task", policy.tasks[ask.task]
    return "default", policy.default


@dataclass(frozen=True, slots=True)
class _Size:
    likely: int
    worst: int


def _size(ask: RequestRedacted) -> _Size:
    """Estimate input tokens: the likely number for fitting a context, the worst for a hold."""
    texts = [text.encode() for text in _texts(ask)]
    turns = len(ask.messages) + len(ask.tools)
    images = sum(part.kind is PartKind.IMAGE for one in ask.messages for part in one.parts)
    count = sum(map(len, texts))
    # Some tokenizers give each digit a token of its own.
    digits = count - sum(len(text.translate(None, _DIGITS)) for text in texts)
    return _Size(
        likely=count // BYTES_A_TOKEN_LIKELY
        + MESSAGE_TOKENS_LIKELY * turns
        + IMAGE_TOKENS_LIKELY * images,
        worst=digits
        + -(-(count - digits) // BYTES_A_TOKEN_MIN)
        + MESSAGE_TOKENS_MAX * turns
        + IMAGE_TOKENS_MAX * images
        + TEMPLATE_TOKENS_MAX,
    )


def _texts(ask: RequestRedacted) -> Iterator[str]:
    """Yield all that a model reads; sounds and files count as the text that they may become."""
    for message in ask.messages:
        if not message.parts:
            yield message.content
        for part in message.parts:
            yield part.text or ""
            if part.kind is not PartKind.IMAGE:
                yield part.data or ""
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in ask.tools:
        yield tool.model_dump_json(exclude_none=True)


def _wanted(ask: RequestRedacted) -> frozenset[Capability] | None:
    """Return what a model must be able to do; None for what no model is asked here."""
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


def _exclusion(
    ask: RequestRedacted, model: Model | None, policy: Policy, size: _Size
) -> Exclusion | None:
    if model is None:
        return Exclusion.UNKNOWN_MODEL
    # Not a matter of policy: whatever the file says, this never leaves the house.
    if ask.sensitivity is Sensitivity.SPECIAL and not model.local:
        return Exclusion.SENSITIVITY
    residencies = policy.residency.get(ask.sensitivity)
    if residencies is not None and model.residency not in residencies:
        return Exclusion.RESIDENCY
    wanted = _wanted(ask)
    if wanted is None or not wanted <= model.capabilities:
        return Exclusion.CAPABILITY
    if size.likely >= model.context_tokens:
        return Exclusion.CONTEXT
    return Exclusion.DISABLED if model.disabled is not None else None


def _leg(ask: RequestRedacted, model: Model, size: _Size) -> Leg:
    wanted = ask.max_tokens or OUTPUT_TOKENS_DEFAULT
    room = model.context_tokens - size.likely
    return Leg(
        model=model,
        input_tokens_max=min(size.worst, model.context_tokens),
        output_tokens_max=min(wanted, model.output_tokens_max, room),
    )


def _refusal(ask: RequestRedacted, excluded: Sequence[Exclusion | None]) -> ErrorCode:
    """Return the reason that a caller can do most about."""
    if set(excluded) == {Exclusion.UNKNOWN_MODEL}:
        return ErrorCode.UNKNOWN_MODEL
    if Exclusion.CONTEXT in excluded:
        return ErrorCode.CONTEXT_TOO_LONG
    if ask.sensitivity is Sensitivity.SPECIAL and Exclusion.CAPABILITY not in excluded:
        return ErrorCode.SENSITIVITY_LOCAL_ONLY
    if Exclusion.RESIDENCY in excluded:
        return ErrorCode.POLICY_RESIDENCY
    return ErrorCode.NO_CAPABLE_MODEL


# --- errors ----------------------------------------------------------------------------


class ErrorClass(StrEnum):
    """What went wrong with a provider call, in the few words that matter for what comes next."""

    UNREACHABLE = "unreachable"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    CONTEXT_TOO_LONG = "context_too_long"
    REJECTED = "rejected"

    @property
    def may_fall_back(self) -> bool:
        """Return whether another model may do better with the same request."""
        return self is not ErrorClass.REJECTED

    @property
    def may_have_cost(self) -> bool:
        """Return whether the provider may have worked, and may charge, unheard by us."""
        return self in (ErrorClass.TIMEOUT, ErrorClass.BROKEN)

    @property
    def rests_endpoint(self) -> bool:
        """Return whether other requests should try other endpoints first for a while."""
        return self in (ErrorClass.UNREACHABLE, ErrorClass.OVERLOADED, ErrorClass.TIMEOUT)


_CODES: Final = {
    ErrorClass.CONTEXT_TOO_LONG: ErrorCode.CONTEXT_TOO_LONG,
    ErrorClass.REJECTED: ErrorCode.PROVIDER_REJECTED,
}


def failure_code(last: ErrorClass, *, spoken: bool, late: bool) -> ErrorCode:
    """Return what a caller is told after the last attempt failed.

    `spoken`: part of an answer has reached the caller. `late`: the deadline has passed.
    """
    if spoken:
        return ErrorCode.STREAM_BROKEN
    if late:
        return ErrorCode.DEADLINE
    return _CODES.get(last, ErrorCode.PROVIDER_UNAVAILABLE)


# --- counting --------------------------------------------------------------------------


def estimated_tokens(text: str) -> int:
    """Return how many tokens an answer probably has, when nobody counted them."""
    return -(-len(text.encode()) // BYTES_A_TOKEN_LIKELY)


def total_usage(attempts: Iterable[Attempt], *, estimated: bool) -> TokenUsage:
    """Return the tokens of all attempts together."""
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
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What billing has set aside for a request: for which model, how much, at which price."""

    model: str
    held_nano: int
    price: Price


def cost_nano(attempts: Iterable[Attempt], terms: Terms | None, models: Mapping[str, Model]) -> int:
    """Return what a request's calls cost together, by the rules that billing charges by.

    A call whose end nobody knows costs all that was held; one that got no answer and used no tokens
    costs nothing.
    """
    return sum(_attempt_cost_nano(attempt, terms, models) for attempt in attempts)


def _attempt_cost_nano(attempt: Attempt, terms: Terms | None, models: Mapping[str, Model]) -> int:
    if attempt.outcome is AttemptOutcome.UNKNOWN and terms is not None:
        return terms.held_nano
    answered = attempt.outcome is AttemptOutcome.ANSWERED
    if not answered and not attempt.input_tokens and not attempt.output_tokens:
        return 0
    if terms is not None and attempt.model == terms.model:
        price = terms.price
    elif attempt.model in models:
        price = models[attempt.model].price
    else:
        return 0
    return price.cost_nano(attempt.input_tokens, attempt.output_tokens)
