"""`stellwerk eval run` against a whole platform: every way in which a run can end is a row."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.platform import Platform

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs/how-to/add-a-suite.md"
MODELS = "scripted,scripted-slow,scripted-503,nobody"
NAME = "Karla Eksempel"
SUITE = f"""
name: two-letters
version: 3
language: da
licence: Apache-2.0
max_tokens: 200
cases:
  - id: late-delivery
    task: letter
    prompt: |
      Skriv et svar på dansk i højst fire sætninger til {NAME}, karla@eksempel.dk.
  - id: new-appointment
    prompt: Skriv til Thyra Eksempel på dansk i højst to sætninger, at tiden er flyttet.
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def suite(platform: Platform) -> str:
    file = platform.folder / "two-letters.yaml"
    file.write_text(SUITE)
    return str(file)


@pytest.fixture(scope="module")
def start(platform: Platform) -> Start:
    """Return a function that starts `stellwerk eval run` beside the platform."""
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": platform.nats.address},
        "postgres": {"url": f"postgresql://127.0.0.1:{platform.postgres.port}/stellwerk"},
    }
    (platform.folder / "state.json").write_text(json.dumps(state))

    def stellwerk(*arguments: str, verb: str = "run") -> "subprocess.Popen[str]":
        command = ["eval", "run", "--app", "crm"] if verb == "run" else ["eval", verb]
        return subprocess.Popen(
            [sys.executable, "-m", "stellwerk", *command, *arguments],
            cwd=REPOSITORY,
            env={"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return stellwerk


def finished(started: "subprocess.Popen[str]") -> tuple[str, str]:
    stdout, stderr = started.communicate(timeout=25)
    assert "Traceback" not in stderr
    return stdout, stderr


@pytest.fixture(scope="module")
def compared(start: Start, suite: str) -> dict[str, Any]:
    """Return the facts of two letters on four models, asked for once."""
    started = start("--suite", suite, "--models", MODELS, "--concurrency", "4", "--json")
    stdout, stderr = finished(started)
    assert started.returncode == 0, stderr
    assert stderr == ""
    facts: dict[str, Any] = json.loads(stdout)
    return facts


def runs_of(facts: dict[str, Any], model: str) -> list[dict[str, Any]]:
    return [run for run in facts["runs"] if run["model"] == model]


def test_every_case_is_asked_of_every_model_and_graded(compared: dict[str, Any]) -> None:
    order = [(run["case_id"], run["model"]) for run in compared["runs"]]
    cases = ("late-delivery", "new-appointment")
    assert order == [(case, model) for case in cases for model in MODELS.split(",")]
    for run in runs_of(compared, "scripted"):
        assert {score["metric"] for score in run["scores"]} == {"answer_language", "answer_length"}
        assert run["cost_nano"]
        assert run["answered_by"] == "scripted"
    # The placeholder came back as the name.
    assert NAME in runs_of(compared, "scripted")[0]["answer"]
    slow, quick = runs_of(compared, "scripted-slow"), runs_of(compared, "scripted")
    assert slow[0]["latency_ms"] > quick[0]["latency_ms"]


def test_a_model_that_fails_is_a_row_with_its_code(compared: dict[str, Any]) -> None:
    assert {run["code"] for run in runs_of(compared, "nobody")} == {"unknown_model"}
    assert compared["totals"]["nobody"]["answered"] == 0


def test_a_fallbacks_answer_is_not_held_for_the_models_own(compared: dict[str, Any]) -> None:
    assert {run["answered_by"] for run in runs_of(compared, "scripted-503")} == {"scripted"}
    totals = compared["totals"]["scripted-503"]
    assert (totals["answered"], totals["by_another"], totals["means"]) == (0, 2, {})


async def test_what_was_compared_is_kept_with_its_scores(
    compared: dict[str, Any], platform: Platform
) -> None:
    assert compared["recorded"]
    rows = await platform.query(
        "SELECT DISTINCT suite, suite_sha256, seed, case_id, model, request_id::text, code,"
        " value IS NOT NULL OR unscored IS NOT NULL AS graded"
        " FROM evals.experiments_v1 WHERE experiment_id::text = $1",
        compared["experiment_id"],
    )
    assert {row["suite_sha256"] for row in rows} == {compared["suite"]["sha256"]}
    assert {(row["suite"], row["seed"]) for row in rows} == {("two-letters", 7)}
    assert sorted(
        (row["case_id"], row["model"], row["request_id"], row["code"]) for row in rows
    ) == (
        sorted(
            (run["case_id"], run["model"], run["request_id"], run["code"])
            for run in compared["runs"]
        )
    )
    assert all(row["graded"] == (row["code"] is None) for row in rows)


def test_the_model_is_given_the_seed_and_no_name(
    compared: dict[str, Any], platform: Platform
) -> None:
    assert compared["parameters"]["seed"] == 7
    received = platform.record.read_text()
    assert '"seed":7' in received
    assert '"temperature":0.0' in received
    assert NAME not in received


def test_past_comparisons_are_listed_and_held_side_by_side(
    compared: dict[str, Any], start: Start, suite: str
) -> None:
    again = start("--suite", suite, "--models", "scripted", "--json")
    second = json.loads(finished(again)[0])["experiment_id"]
    first = compared["experiment_id"]

    listed = json.loads(finished(start("--json", verb="list"))[0])["experiments"]
    held = json.loads(finished(start(first, second, "--json", verb="compare"))[0])
    shown = finished(start(first, second, verb="compare"))[0]

    found = {each["experiment_id"]: each for each in listed}
    assert found[first]["models"] == sorted(MODELS.split(","))
    assert (found[first]["runs"], found[first]["failed"]) == (8, 2)
    assert held["same_suite"]
    assert {(each["model"], each["before"] - each["after"]) for each in held["changes"]} == {
        ("scripted", 0.0)
    }
    assert "time, p50" in shown


@pytest.mark.parametrize(
    ("ids", "code", "sentence"),
    [
        ((NAME, NAME), 2, "no experiment's id"),
        (("01977c0e-0000-7000-8000-000000000000",) * 2, 1, "There is no experiment"),
    ],
)
def test_an_experiment_that_is_not_kept_is_one_sentence(
    start: Start, ids: tuple[str, str], code: int, sentence: str
) -> None:
    started = start(*ids, verb="compare")
    _, stderr = finished(started)
    assert started.returncode == code
    assert sentence in stderr
    assert NAME not in stderr
    assert len(stderr.strip().splitlines()) == 1


def test_people_see_a_table_and_the_answers_side_by_side(start: Start, suite: str) -> None:
    started = start("--suite", suite, "--models", "scripted,scripted-503", "--answers")
    stdout, stderr = finished(started)
    assert started.returncode == 0, stderr
    assert max(map(len, stdout.splitlines())) <= 100
    headline, _, names, titles, *rows = [line for line in stdout.splitlines() if line]
    assert headline.startswith("two-letters version 3 · sha256 ")
    assert names.split() == ["scripted", "scripted-503"]
    assert titles.split()[:5] == ["case", "language", "length", "time", "EUR"]
    assert rows[0].endswith("answered by scripted")
    assert NAME in stdout


def test_the_command_of_the_how_to_page_runs_its_suite(start: Start, tmp_path: Path) -> None:
    page = PAGE.read_text()
    (content,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"`stellwerk eval run (--suite [^`]+)`", page)
    _, name, _, models, *flags = command.split()
    (tmp_path / name).write_text(content)

    # The page names the embedded models, which take long to answer.
    started = start("--suite", str(tmp_path / name), "--models", "scripted,scripted-slow", *flags)
    stdout, stderr = finished(started)

    assert models == "local-default,local-small"
    assert started.returncode == 0, stderr
    assert stdout.startswith("payment-reminders version 1")
    assert stdout.count("2 of 2") == 2


def test_what_was_never_answered_ends_with_one(start: Start, suite: str, tmp_path: Path) -> None:
    out = tmp_path / "experiment.json"
    started = start("--suite", suite, "--models", "nobody", "--out", str(out))
    stdout, _ = finished(started)
    assert started.returncode == 1
    assert stdout.count("unknown_model") == 2
    assert [run["code"] for run in json.loads(out.read_text())["runs"]] == ["unknown_model"] * 2


def test_without_evals_the_answers_are_shown_all_the_same(
    start: Start, suite: str, platform: Platform
) -> None:
    evals = platform.processes["evals"]
    evals.stop()
    try:
        started = start("--suite", suite, "--models", "scripted")
        stdout, stderr = finished(started)
    finally:
        evals.start()
        evals.wait_ready()
    assert started.returncode == 0
    assert "2 of 2" in stdout
    assert "not graded yet" in stdout
    assert "could not be graded" in stderr
    assert "was not kept" in stderr


def test_an_interrupted_comparison_keeps_what_is_done(
    start: Start, suite: str, platform: Platform
) -> None:
    arguments = ("--suite", suite, "--models", "scripted,scripted-slow", "--concurrency", "1")
    before = len(platform.provider_calls())
    started = start(*arguments, "--json")
    # The first is answered at once; the second takes a second, and is in hand when we leave.
    while len(platform.provider_calls()) < before + 2:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    stdout, stderr = finished(started)
    assert started.returncode == 130
    facts = json.loads(stdout)
    assert facts["interrupted"]
    assert facts["recorded"]
    assert [run["model"] for run in facts["runs"]] == ["scripted"]
    assert "Interrupted after 1 of 4." in stderr
