"""Says why a request went where it went and what it cost, from the audit record alone."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from shared.contracts.billing import HoldGranted, HoldSettled, UsagePriced
from shared.contracts.completions import (
    CompletionFailed,
    CompletionProduced,
    TokenUsage,
    UsageSource,
)
from shared.contracts.evaluations import EvaluationScored
from shared.contracts.money import amount_text
from shared.contracts.requests import Classification, LeakStopped, RequestRedacted, RequestRefused
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import Sensitivity
from stellwerk.choice import calls, choice, left_out, table_of
from stellwerk.record import RequestRecord


def explanation(record: RequestRecord) -> dict[str, Any]:
    """Return the explanation for programs."""
    usage, priced = record.last(UsageRecorded), record.last(UsagePriced)
    redacted, leak = record.last(RequestRedacted), record.last(LeakStopped)
    classification = redacted.classification if redacted else None
    produced = record.last(CompletionProduced)
    return {
        "request_id": str(record.request_id),
        **_head(record),
        "masked": [
            {"placeholder": each.placeholder, "type": each.type}
            for each in (redacted.subjects if redacted else ())
        ],
        "classification": classification.model_dump(mode="json") if classification else None,
        "leak_stopped": list(leak.types) if leak else None,
        "decision": usage.decision.model_dump(mode="json") if usage else None,
        "left_out": left_out(usage) if usage else [],
        "attempts": [each.model_dump(mode="json") for each in usage.attempts] if usage else [],
        "tool_calls": [
            call.model_dump(mode="json") for call in (produced.tool_calls if produced else ())
        ],
        "holds": list(_holds(record)),
        "usage": usage.usage.model_dump(mode="json") if usage else None,
        "cost": _cost(usage, priced),
        "scores": [
            score.model_dump(mode="json", exclude_none=True)
            for scored in record.all(EvaluationScored)
            for score in scored.scores
        ],
        "audit": audit_facts(record),
    }


def audit_facts(record: RequestRecord) -> dict[str, Any]:
    """Return the leaves of a request, each with whether its inclusion proof holds."""
    return {
        "tree_size": record.tree_size,
        "root_hash": record.root_hash,
        "proved": record.proved,
        "complete": record.complete,
        "leaves": [
            {
                "index": leaf.entry.index,
                "type": leaf.entry.event_type,
                "event_id": str(leaf.entry.event_id),
                "recorded_at": leaf.entry.recorded_at.isoformat(),
                "leaf_hash": leaf.entry.leaf_hash,
                "proved": leaf.proved,
            }
            for leaf in record.leaves
        ],
    }


def print_explanation(record: RequestRecord, console: Console) -> None:
    """Print the explanation for people."""
    head = _head(record)
    facts = [f"{name} {value}" for name, value in head.items() if value is not None]
    console.print(Text(f"request {record.request_id}", style="bold"))
    console.print("  ".join(facts))
    for title, body in _sections(record):
        console.print()
        console.print(Text(title, style="bold"))
        console.print(body)


def audit_table(record: RequestRecord) -> RenderableType:
    """Return the leaves and the root that their proofs were checked against."""
    table = table_of("leaf", "event", "recorded", "hash", "proof")
    for leaf in record.leaves:
        table.add_row(
            str(leaf.entry.index),
            leaf.kind,
            f"{leaf.entry.recorded_at:%H:%M:%S.%f}"[:-3],
            leaf.entry.leaf_hash[:16],
            f"holds ({len(leaf.entry.proof)} hashes)" if leaf.proved else "DOES NOT HOLD",
        )
    checked = "Every proof was checked here" if record.proved else "A proof is broken"
    root = f"{checked}, against a tree of {record.tree_size} leaves with root"
    return Group(table, f"{root}\n{record.root_hash}")


def _head(record: RequestRecord) -> dict[str, Any]:
    usage, redacted = record.last(UsageRecorded), record.last(RequestRedacted)
    first = next((leaf.event for leaf in record.leaves if leaf.event), None)
    return {
        "outcome": _outcome(record),
        "code": _code(record),
        "tenant": first.tenant if first else None,
        "app": first.app if first else None,
        "user": redacted.user if redacted else None,
        "use_case": redacted.use_case if redacted else None,
        "language": str(redacted.language) if redacted else None,
        "sensitivity": str(redacted.sensitivity) if redacted else None,
        "operation": str(redacted.operation) if redacted else None,
        "model": usage.model if usage else None,
        "provider": usage.provider if usage else None,
    }


def _outcome(record: RequestRecord) -> str:
    if record.last(CompletionProduced):
        return "completion"
    if record.last(RequestRefused):
        return "refused"
    return "failed" if record.last(CompletionFailed) else "not finished"


def _code(record: RequestRecord) -> str | None:
    ended = record.last(RequestRefused) or record.last(CompletionFailed)
    return str(ended.code) if ended else None


def _holds(record: RequestRecord) -> Iterator[dict[str, Any]]:
    ended = {each.hold_id: str(each.state) for each in record.all(HoldSettled)}
    ended |= {each.hold_id: "posted" for each in record.all(UsagePriced)}
    for hold in record.all(HoldGranted):
        yield {
            "hold_id": str(hold.hold_id),
            "budget": hold.budget,
            "held_nano": hold.held_nano,
            "held": amount_text(hold.held_nano, hold.currency),
            "state": ended.get(hold.hold_id, "pending"),
        }


def _cost(usage: UsageRecorded | None, priced: UsagePriced | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    currency = _currency(usage, priced)
    nano = priced.cost_nano if priced else usage.cost_nano
    return {
        "cost_nano": nano,
        "currency": currency,
        "cost": amount_text(nano, currency),
        "charged": priced is not None,
        "price": usage.price.model_dump(mode="json") if usage.price else None,
    }


def _currency(usage: UsageRecorded, priced: UsagePriced | None) -> str:
    if priced is not None:
        return priced.currency
    return usage.price.currency if usage.price else "EUR"


def _sections(record: RequestRecord) -> Iterator[tuple[str, RenderableType]]:
    usage, redacted = record.last(UsageRecorded), record.last(RequestRedacted)
    if redacted is not None and redacted.classification is not None:
        yield "Sensitivity", sensitivity_line(redacted.sensitivity, redacted.classification)
    if leak := record.last(LeakStopped):
        yield "Leak", f"Nothing was sent: {', '.join(leak.types)} was still in what would leave."
    if usage is not None:
        yield "Choice", choice(usage, _currency(usage, record.last(UsagePriced)))
        if usage.attempts:
            yield "Calls", calls(usage)
    if (produced := record.last(CompletionProduced)) and produced.tool_calls:
        yield "Functions", _functions_table(produced)
    holds = list(_holds(record))
    if holds:
        yield "Holds", _holds_table(holds)
    if usage is not None:
        yield "Cost", cost_line(usage, record.last(UsagePriced))
    scored = record.all(EvaluationScored)
    if scored:
        yield "Scores", _scores_table(scored)
    yield "Audit", audit_table(record)


def sensitivity_line(level: Sensitivity, judged: Classification) -> str:
    """Return in one sentence how far a text might travel, and who or what decided that."""
    found = ", ".join(judged.reasons) or "nothing found"
    line = f"{level}: detected {judged.detected} ({found})"
    if judged.stated is not None:
        line += f", stated {judged.stated} by the app"
    if judged.override is not None:
        line += f", lowered by the policy's override {judged.override}"
    return line


def _functions_table(produced: CompletionProduced) -> RenderableType:
    table = table_of("function", "arguments, masked")
    for call in produced.tool_calls:
        table.add_row(call.name, Text(call.arguments))
    return table


def _holds_table(holds: list[dict[str, Any]]) -> RenderableType:
    table = table_of("budget", "held", "state", "hold")
    for hold in holds:
        table.add_row(hold["budget"], hold["held"], hold["state"], hold["hold_id"])
    return table


def cost_line(usage: UsageRecorded, priced: UsagePriced | None) -> str:
    """Return the cost, the tokens and the budget in one sentence."""
    cost = _cost(usage, priced)
    assert cost is not None
    tokens = f"{usage.usage.input_tokens} tokens in, {usage.usage.output_tokens} out"
    if usage.usage.characters:
        tokens = f"{usage.usage.characters} characters"
    if not usage.attempts:
        return "Nothing: no model was called."
    charged = f"charged to {priced.budget}" if priced else "not charged yet"
    return f"{cost['cost']} for {tokens} ({_counted(usage.usage)}), {charged}"


def _counted(usage: TokenUsage) -> str:
    counted = "estimated" if usage.source is UsageSource.ESTIMATED else f"counted by {usage.source}"
    return f"{counted}, broken off" if usage.partial else counted


def _scores_table(scored: list[EvaluationScored]) -> RenderableType:
    table = table_of("metric", "score", "expected", "found")
    for score in (score for each in scored for score in each.scores):
        value = f"not scored: {score.unscored}" if score.value is None else f"{score.value:.2f}"
        table.add_row(score.metric, value, score.expected or "", score.found or "")
    return table
