"""The explanation says what the record says, for people and for programs."""

import json
from hashlib import sha256
from typing import Any

from rich.console import Console

from services.router.filters import Exclusion
from shared.contracts.catalog import EVENTS, known_types
from shared.contracts.completions import UsageSource
from shared.contracts.event import Event, decode
from shared.contracts.records import AuditEntry
from shared.contracts.requests import Classification, RequestRedacted
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision, UsageRecorded
from shared.contracts.values import Sensitivity, new_id, now
from stellwerk.choice import REASONS, calls, choice, left_out
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


def test_every_reason_of_the_routers_filters_has_plain_words_and_something_to_do() -> None:
    assert set(REASONS) == {one.value for one in Exclusion}


def weighed() -> UsageRecorded:
    """Return a usage with everything that a decision and its calls can say."""
    _, usage = example("usage.recorded.v1")
    assert isinstance(usage, UsageRecorded)
    factors = {"accuracy": 0.7, "speed": 0.75, "cost": 0.5, "room": 0.8}
    near = Candidate(
        model="near-large-2",
        provider="near",
        rank=0,
        residency="eu",
        asked_as="near-large",
        score=0.64,
        factors=factors,
        cost_nano_max=900_000,
    )
    far = Candidate(
        model="far-mini", provider="far", rank=1, residency="us", excluded_by="residency"
    )
    house = Candidate(model="house", provider="local", rank=2, excluded_by="made-up-later")
    answer = Attempt(
        id=new_id(),
        model="near-large-2",
        provider="near",
        outcome=AttemptOutcome.ANSWERED,
        region="dk",
        usage_source=UsageSource.ESTIMATED,
        cache_read_tokens=1_024,
    )
    lost = answer.model_copy(update={"outcome": AttemptOutcome.UNKNOWN, "released": True})
    return usage.model_copy(
        update={
            "decision": Decision(
                candidates=(near, far, house),
                rule="task",
                reason="good-danish",
                strategy="weighted",
                complexity=0.31,
                duty="annex-iii-4",
            ),
            "attempts": (lost, answer),
            "model": "near-large-2",
            "provider": "near",
        }
    )


def shown(usage: UsageRecorded) -> str:
    out = Console(width=100, color_system=None)
    with out.capture() as captured:
        out.print(choice(usage, "EUR"), calls(usage))
    return captured.get()


def test_a_decision_is_shown_with_all_that_was_weighed_and_who_was_left_out() -> None:
    text = " ".join(shown(weighed()).split())
    for part in (
        "0 near-large-2 near eu 0.0009 EUR chosen",
        "near-large-2 0.64 0.70 0.75 0.50 0.80",
        "by the rule task, because good-danish, by the strategy weighted; complexity 0.31 of 1",
        "duty annex-iii-4: a person must look",
        "near-large leads to near-large-2",
        "personal texts may not go to us. To do: `stellwerk policy matrix`",
        "the reason made-up-later, which this version does not know",
        "near-large-2 dk unknown, released",
        "near-large-2 dk answered 0 0 0 estimated",
        "1024 tokens in out of the provider's cache",
    ):
        assert part in text


def test_an_explanation_fits_a_hundred_columns_and_cuts_nothing_off() -> None:
    usage, name = weighed(), "claude-sonnet-4-5-bedrock-eu"
    failed = usage.attempts[1].model_copy(
        update={
            "model": name,
            "outcome": AttemptOutcome.FAILED,
            "error_class": "server_error",
            "region": "eu-central-1",
            "duration_ms": 120_000,
            "input_tokens": 128_000,
            "output_tokens": 16_000,
        }
    )
    text = shown(usage.model_copy(update={"attempts": (failed, *usage.attempts)}))

    assert max(map(len, text.splitlines())) <= 100
    for part in (name, "(server_error)", "estimated", "128000", "16000", "120000"):
        assert part in text


def test_programs_are_told_why_each_model_was_left_out_and_what_to_do() -> None:
    far, house = left_out(weighed())
    assert (far["model"], far["excluded_by"]) == ("far-mini", "residency")
    assert far["why"] == "personal texts may not go to us"
    assert "policy matrix" in far["what_to_do"]
    assert house["excluded_by"] == "made-up-later"
