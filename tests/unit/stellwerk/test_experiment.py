"""What runs come to, and what it takes to run them again."""

import json
import shlex
from dataclasses import replace

from shared.contracts.evaluations import ExperimentRecord
from stellwerk.evaluation import record_of
from tests.unit.stellwerk.experiments import ID, answer_by, comparison, run


def test_totals_are_of_a_models_own_answers_and_of_all_that_was_paid() -> None:
    totals = comparison().totals("local-default")
    assert (totals.asked, totals.answered, totals.by_another) == (3, 3, 0)
    assert totals.means == {"answer_language": 0.667, "answer_length": 0.834}
    assert totals.scored == {"answer_language": 3, "answer_length": 2}
    assert totals.latency_ms_p50 == 2_000
    assert (totals.cost_nano, totals.currency) == (127_500_000, "EUR")
    assert (totals.input_tokens, totals.output_tokens) == (3_600, 450)


def test_the_answer_of_a_fallback_is_no_evidence_and_is_paid_for() -> None:
    totals = comparison().totals("scripted-503")
    assert (totals.asked, totals.answered, totals.by_another) == (2, 0, 1)
    assert totals.means == {}
    assert totals.latency_ms_p50 is None
    assert totals.cost_nano == 42_500_000


def test_whoever_leaves_the_choice_to_the_policy_compares_what_it_chose() -> None:
    assert run("late-delivery", "auto", answer=answer_by("local-small")).is_evidence
    assert not run("late-delivery", "local-default", answer=answer_by("local-small")).is_evidence


def test_the_facts_hold_all_that_it_takes_to_run_it_again() -> None:
    facts = json.loads(json.dumps(comparison().facts()))
    assert facts["experiment_id"] == str(ID)
    assert facts["suite"]["sha256"] == "ab" * 32
    assert facts["parameters"]["seed"] == 7
    assert facts["config_versions"] == ["c0ffee"]
    again = shlex.split(facts["repeat_with"])
    assert again[:3] == ["stellwerk", "eval", "run"]
    options = dict(zip(again[3::2], again[4::2], strict=True))
    assert options == {
        "--suite": "two-letters.yaml",
        "--models": "local-default,local-small,scripted-503",
        "--app": "demo",
        "--tenant": "default",
        "--seed": "7",
        "--temperature": "0.0",
        "--max-tokens": "400",
        "--concurrency": "2",
        "--timeout": "120.0",
    }
    assert [each["code"] for each in facts["runs"] if each["code"]] == [
        "provider_unavailable",
        "deadline",
    ]
    assert facts["runs"][0]["scores"][0] == {
        "metric": "answer_language",
        "metric_version": 1,
        "value": 1.0,
    }
    assert facts["runs"][0]["answer"] == "Kære kunde, tak for dit brev."
    assert facts["runs"][4]["scores"] is None


def test_a_comparison_shows_no_answer_in_its_repr() -> None:
    assert "Kære" not in repr(comparison())
    assert "Kære" not in repr(comparison().runs[0])


def test_what_is_kept_names_the_request_and_the_end_of_each_run() -> None:
    experiment = comparison()
    command = record_of(experiment)
    assert isinstance(command, ExperimentRecord)
    assert (command.id, command.suite, command.seed) == (ID, "two-letters", 7)
    assert len(command.runs) == 8
    assert {each.code for each in command.runs} == {None, "provider_unavailable", "deadline"}
    assert "Kære" not in command.model_dump_json()
    assert record_of(replace(experiment, duration_s=99.0)).model_dump(exclude={"time"}) == (
        command.model_dump(exclude={"time"})
    )
