"""Says in plain words which models were considered for a request, and why each was not taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.contracts.money import amount_text
from shared.contracts.usage import Attempt, Candidate, Decision, UsageRecorded

NAME_MAX: Final = 36
"""Characters of a model's name that are never broken over two lines."""
FACTORS: Final = ("accuracy", "speed", "cost", "room")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a model was left out, and what whoever runs the platform can do about it."""

    why: str
    what_to_do: str


REASONS: Final = {
    "unknown_model": Reason(
        "models.yaml has no model of this name",
        "describe it there, or take the name out of config/policy.yaml",
    ),
    "retired": Reason(
        "it is retired and no successor takes its place",
        "state its `successor` in config/models.yaml, or name another model",
    ),
    "entitlement": Reason(
        "it is kept for other apps than {app}",
        "add {app} to it under `entitlements` in config/policy.yaml if the app shall use it",
    ),
    "sensitivity": Reason(
        "{sensitivity} texts never leave the house, and it runs elsewhere",
        "switch on a model with `local: true`, or have a person handle the request",
    ),
    "residency": Reason(
        "{sensitivity} texts may not go to {residency}",
        "`stellwerk policy matrix` shows where each level may go; name a model there",
    ),
    "agreement": Reason(
        "no data processing agreement with {provider} holds, so it gets nothing above internal",
        "write the agreement with its dates under `dpa` in config/models.yaml",
    ),
    "capability": Reason(
        "it cannot do what the request asks, such as tools, pictures, sounds or vectors",
        "`stellwerk model list` shows what each model can do; name one that can",
    ),
    "context": Reason(
        "the request is longer than it can read",
        "shorten the request, or name a model with more `context_tokens`",
    ),
    "disabled": Reason(
        "it is off, because its address or its key is not set",
        "`stellwerk model list` names what is missing",
    ),
    "circuit_open": Reason(
        "it had failed so often that it was left alone for a while",
        "nothing: single requests try it again; `stellwerk provider test` says how it does",
    ),
}
"""Named as the router's filters name them."""
NEWER: Final = Reason(
    "the router gave the reason {excluded_by}, which this version does not know",
    "use the `stellwerk` of the version that runs",
)


def left_out(usage: UsageRecorded) -> list[dict[str, Any]]:
    """Return each model that could not be taken, with why and what to do, for programs."""
    return [
        {
            "model": one.model,
            "excluded_by": one.excluded_by,
            "why": reason.why,
            "what_to_do": reason.what_to_do,
        }
        for one, reason in _left_out(usage)
    ]


def choice(usage: UsageRecorded, currency: str) -> RenderableType:
    """Return what was decided: every candidate, what was weighed, who was left out and why."""
    decision = usage.decision
    parts: list[RenderableType] = [_candidates(usage, currency), _how(decision)]
    if decision.duty is not None:
        duty = f"duty {decision.duty}: a person must look before anything follows from the answer"
        parts.append(Text(duty, style="bold"))
    if any(one.score is not None for one in decision.candidates):
        parts += ["", _weighed(decision)]
    named = [one for one in decision.candidates if one.asked_as is not None]
    if named:
        parts.append("")
        parts += [
            f"{one.asked_as} leads to {one.model}, as an alias of it or a model it succeeds"
            for one in named
        ]
    reasons = list(_left_out(usage))
    if reasons:
        parts += ["", _reasons(reasons)]
    return Group(*parts)


def calls(usage: UsageRecorded) -> RenderableType:
    """Return the calls in their order: where each went, how it ended, who counted its tokens."""
    attempts = usage.attempts
    table = table_of("model", "region", "outcome", "ms", "first", "in", "out", "counted")
    table.columns[0].no_wrap = max(len(one.model) for one in attempts) <= NAME_MAX
    for one in attempts:
        first = "" if one.first_token_ms is None else str(one.first_token_ms)
        table.add_row(
            *(one.model, one.region or "", _outcome(one), str(one.duration_ms), first),
            *(str(one.input_tokens), str(one.output_tokens), one.usage_source or ""),
        )
    return Group(table, *filter(None, map(_more, attempts)))


def table_of(*columns: str) -> Table:
    """Return an empty table as `stellwerk explain` prints them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _left_out(usage: UsageRecorded) -> Iterator[tuple[Candidate, Reason]]:
    for one in usage.decision.candidates:
        if one.excluded_by is not None:
            found = REASONS.get(one.excluded_by, NEWER)
            facts = {
                "app": usage.app,
                "sensitivity": usage.sensitivity.value,
                "provider": one.provider,
                "residency": one.residency or "where it runs",
                "excluded_by": one.excluded_by,
            }
            yield one, Reason(found.why.format(**facts), found.what_to_do.format(**facts))


def _candidates(usage: UsageRecorded, currency: str) -> Table:
    table = table_of("rank", "model", "provider", "residency", "cost at most", "verdict")
    for one in usage.decision.candidates:
        at_most = "" if one.cost_nano_max is None else amount_text(one.cost_nano_max, currency)
        table.add_row(
            *(str(one.rank), one.model, one.provider, one.residency or "", at_most),
            _verdict(one, usage),
        )
    return table


def _verdict(one: Candidate, usage: UsageRecorded) -> str:
    if one.model == usage.model and one.provider == usage.provider:
        return "chosen"
    if one.excluded_by is not None:
        return f"excluded: {one.excluded_by}"
    tried = [call for call in usage.attempts if call.model == one.model]
    return f"tried: {_outcome(tried[-1])}" if tried else "allowed"


def _how(decision: Decision) -> str:
    reason = f", because {decision.reason}" if decision.reason else ""
    strategy = f", by the strategy {decision.strategy}" if decision.strategy else ""
    line = f"by the rule {decision.rule}{reason}{strategy}"
    if decision.complexity is not None:
        line += f"; complexity {decision.complexity:.2f} of 1"
    return line


def _weighed(decision: Decision) -> Table:
    table = table_of("weighed, 1 is the best", "score", *FACTORS)
    for one in decision.candidates:
        if one.score is not None:
            weighed = (one.factors.get(name) for name in FACTORS)
            table.add_row(one.model, f"{one.score:.2f}", *map(_share, weighed))
    return table


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _reasons(reasons: list[tuple[Candidate, Reason]]) -> Table:
    table = table_of("left out", "why, and what to do")
    for one, reason in reasons:
        # Without its last full stop a sentence would run into a command that is to be copied.
        table.add_row(one.model, f"{reason.why}. To do: {reason.what_to_do}")
    return table


def _more(one: Attempt) -> str | None:
    """Return what else was counted of a call, in one line."""
    counted = (
        (one.cache_read_tokens, "tokens in out of the provider's cache"),
        (one.cache_write_tokens, "tokens in written to its cache"),
        (one.reasoning_tokens, "tokens out that were reasoning"),
        (one.characters, "characters"),
    )
    found = [f"{number} {what}" for number, what in counted if number]
    return f"{one.model}: {', '.join(found)}" if found else None


def _outcome(one: Attempt) -> str:
    if one.released:
        return f"{one.outcome}, released"
    return f"{one.outcome} ({one.error_class})" if one.error_class else str(one.outcome)
