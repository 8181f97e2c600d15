"""The explanation says what the record says, for people and for programs."""

import json
from hashlib import sha256
from typing import Any

from rich.console import Console

from shared.contracts.catalog import EVENTS, known_types
from shared.contracts.completions import UsageSource
from shared.contracts.event import Event, decode
from shared.contracts.records import AuditEntry
from shared.contracts.requests import Classification, RequestRedacted
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import Sensitivity, now
from stellwerk.explain import cost_line, explanation, print_explanation, sensitivity_line
from stellwerk.record import Leaf, RequestRecord
from tests.contract.golden import FOLDER

KINDS = (
    "request.redacted.v1",
    "hold.granted.v1",
    "completion.produced.v1",
    "usage.recorded.v1",
    "usage.priced.v1",
    "evaluation.scored.v1",
)


def example(stem: str) -> tuple[dict[str, Any], Event]:
    payload = (FOLDER / "examples" / f"{stem}.json").read_bytes()
    return json.loads(payload), decode(payload, known_types(*(row.event for row in EVENTS)))


def leaf(index: int, stem: str, *, proved: bool = True) -> Leaf:
    envelope, event = example(stem)
    entry = AuditEntry(
        index=index,
        event_id=event.id,
        event_type=event.type_name(),
        recorded_at=now(),
        leaf_hash=sha256(stem.encode()).hexdigest(),
        envelope=envelope,
    )
    return Leaf(entry, event, proved)


def record(*stems: str, proved: bool = True) -> RequestRecord:
    leaves = [leaf(index, stem, proved=proved) for index, stem in enumerate(stems)]
    _, event = example("request.redacted.v1")
    request_id = event.request_id  # type: ignore[attr-defined]
    return RequestRecord(request_id, leaves, len(leaves), "f" * 64, complete=True)


def printed(of: RequestRecord) -> str:
    out = Console(width=120, color_system=None)
    with out.capture() as captured:
        print_explanation(of, out)
    return captured.get()


def test_tokens_that_nobody_counted_are_called_estimated() -> None:
    _, usage = example("usage.recorded.v1")
    assert isinstance(usage, UsageRecorded)
    assert "counted by provider" in cost_line(usage, None)
    tokens = usage.usage.model_copy(update={"source": UsageSource.ESTIMATED, "partial": True})
    guessed = usage.model_copy(update={"usage": tokens})
    assert "(estimated, broken off)" in cost_line(guessed, None)


def test_people_see_choice_calls_hold_cost_scores_and_evidence() -> None:
    text = printed(record(*KINDS))
    for part in (
        "excluded: sensitivity",
        "chosen",
        "by the rule task-reply, because first-allowed",
        "failed (timeout)",
        "posted",
        "0.0000414 EUR for 212 tokens in, 64 out",
        "charged to default/crm",
        "answer-language",
        "not scored: no-length-asked",
        "Every proof was checked here",
    ):
        assert part in text


def test_a_translation_is_explained_by_its_characters_and_a_released_call_by_that() -> None:
    translated = record(
        "request.redacted.v1.translate",
        "completion.produced.v1.translated",
        "usage.recorded.v1.translated",
    )
    text = " ".join(printed(translated).split())
    assert "operation translate" in text
    assert "for 212 characters" in text
    assert "unknown, released" in text
    assert explanation(translated)["usage"]["characters"] == 212


def test_an_embedding_is_explained_without_its_vectors() -> None:
    embedded = record("request.redacted.v1.embed", "completion.produced.v1.embedded")
    assert "operation embed" in " ".join(printed(embedded).split())
    assert explanation(embedded)["outcome"] == "completion"


def test_no_text_of_the_letter_is_shown() -> None:
    assert "pakke" not in printed(record(*KINDS))
    assert "Ordre 4711" not in printed(record(*KINDS))


def test_programs_see_the_same() -> None:
    facts = explanation(record(*KINDS))
    assert facts["outcome"] == "completion"
    assert facts["model"] == "local-default"
    assert [each["type"] for each in facts["masked"]] == ["person", "address"]
    assert facts["cost"]["cost_nano"] == 41400
    assert facts["cost"]["charged"] is True
    assert facts["holds"][0]["state"] == "posted"
    assert facts["audit"]["proved"] is True
    assert json.loads(json.dumps(facts)) == facts


def test_a_refusal_is_explained_by_its_code() -> None:
    facts = explanation(record("request.redacted.v1", "request.refused.v1"))
    assert (facts["outcome"], facts["code"]) == ("refused", "budget_exhausted")
    assert facts["cost"] is None


def test_a_request_that_is_under_way_is_not_finished() -> None:
    facts = explanation(record("request.redacted.v1", "hold.granted.v1"))
    assert facts["outcome"] == "not finished"
    assert facts["holds"][0]["state"] == "pending"


def test_a_broken_proof_is_loud() -> None:
    broken = record(*KINDS, proved=False)
    assert "DOES NOT HOLD" in printed(broken)
    assert explanation(broken)["audit"]["proved"] is False


def test_an_event_that_is_not_known_here_is_shown_as_a_leaf() -> None:
    known = record("request.redacted.v1")
    entry = known.leaves[0].entry.model_copy(update={"event_type": "eu.stellwerk.x.happened.v9"})
    newer = RequestRecord(known.request_id, [Leaf(entry, None, proved=True)], 1, "f" * 64, True)  # noqa: FBT003
    assert "x.happened" in printed(newer)


def test_the_level_is_shown_with_its_reasons_who_raised_it_and_what_lowered_it() -> None:
    lowered = record("request.redacted.v1.override")
    _, event = example("request.redacted.v1.override")
    assert isinstance(event, RequestRedacted)
    judged = event.classification
    assert judged is not None
    assert judged.override is not None

    line = sensitivity_line(event.sensitivity, judged)
    assert line in " ".join(printed(lowered).split())
    assert line.startswith(f"{event.sensitivity}: detected {judged.detected} (")
    assert line.endswith(f"lowered by the policy's override {judged.override}")
    assert explanation(lowered)["classification"] == judged.model_dump(mode="json")

    raised = Classification(
        detected=Sensitivity.PUBLIC, stated=Sensitivity.SPECIAL, reasons=("stated",)
    )
    assert sensitivity_line(Sensitivity.SPECIAL, raised) == (
        "special: detected public (stated), stated special by the app"
    )


def test_a_leak_that_was_stopped_names_the_kinds() -> None:
    stopped = record("leak.stopped.v1")
    assert "Nothing was sent: person, phone was still in" in printed(stopped)
    assert explanation(stopped)["leak_stopped"] == ["person", "phone"]


def test_calls_of_functions_are_shown_masked() -> None:
    called = record("completion.produced.v1.tools")

    (call,) = explanation(called)["tool_calls"]

    assert call["name"] == "find_order"
    assert call["arguments"] in printed(called)
