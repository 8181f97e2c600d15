"""The command line against a whole platform: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.platform import Platform

REPOSITORY = Path(__file__).parents[2]
TEXT = "Kære kundeservice, mit navn er Karla Eksempel, karla@eksempel.dk. Hvor er ordre 4711-A?"
NAME = "Karla Eksempel"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run(platform: Platform) -> Run:
    """Return a function that runs `stellwerk` beside the platform."""
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": platform.nats.address},
        "postgres": {"url": f"postgresql://127.0.0.1:{platform.postgres.port}/stellwerk"},
    }
    (platform.folder / "state.json").write_text(json.dumps(state))

    def stellwerk(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "stellwerk", *arguments],
            cwd=REPOSITORY,
            env={"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )

    return stellwerk


def ask(run: Run, *arguments: str) -> dict[str, object]:
    ran = run("ask", "--app", "crm", "--model", "scripted", "--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, object] = json.loads(ran.stdout)
    return answer


def test_an_answer_comes_with_its_facts(run: Run) -> None:
    answer = ask(run, TEXT)
    assert answer["model"] == "scripted"
    assert answer["masked_count"] == 2
    assert answer["cost_nano"]


def test_a_stream_prints_the_same_as_a_plain_answer(run: Run) -> None:
    plain = run("ask", "--app", "crm", "--model", "scripted", "-", stdin=TEXT)
    streamed = run("ask", "--app", "crm", "--model", "scripted", "--stream", "-", stdin=TEXT)
    assert plain.returncode == streamed.returncode == 0, plain.stderr + streamed.stderr
    assert plain.stdout == streamed.stdout
    assert "stellwerk trace" in plain.stderr


def test_the_trace_of_a_request_is_one_tree_over_all_services(run: Run) -> None:
    request_id = str(ask(run, TEXT)["request_id"])
    trace = json.loads(run("trace", request_id, "--json").stdout)
    spans = trace["spans"]
    assert len(trace["trace_ids"]) == 1
    services = {span["service"] for span in spans}
    assert {"client", "redactor", "router", "billing", "audit", "evals"} <= services
    known = {span["span_id"] for span in spans}
    roots = [span for span in spans if span["parent_span_id"] is None]
    assert [root["service"] for root in roots] == ["client"]
    assert all(span["parent_span_id"] in known for span in spans if span not in roots)
    assert NAME not in json.dumps(trace)
    drawn = run("trace", request_id).stdout
    assert len(drawn.splitlines()) == len(spans) + 1


def test_the_explanation_is_proved_and_holds_no_text(run: Run) -> None:
    request_id = str(ask(run, TEXT)["request_id"])
    told = json.loads(run("explain", request_id, "--json").stdout)
    assert told["outcome"] == "completion"
    assert told["decision"]["candidates"]
    assert told["audit"]["proved"] is True
    assert NAME not in json.dumps(told)
    assert "Every proof was checked here" in run("explain", request_id).stdout


def test_the_whole_record_is_intact(run: Run) -> None:
    ask(run, TEXT)
    verdict = json.loads(run("audit", "verify", "--json").stdout)
    assert verdict["intact"] is True
    assert verdict["leaves"] > 0


def test_provisioning_again_finds_nothing_to_do(run: Run) -> None:
    ran = run("provision", "--diff")
    assert (ran.returncode, ran.stdout) == (0, "Everything is as it should be.\n"), ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("ask", "--app", "erp", TEXT), 2, "There is no app erp here; known: crm, hr."),
        (("ask", "--app", "crm", "--model", f"{NAME}!", TEXT), 2, "model"),
        (("ask", "--app", "crm", "--model", "nobody", TEXT), 1, "model list"),
        (("ask", "--app", "crm", "x" * 120_000, "--user", NAME), 2, "user"),
        (("trace", NAME), 2, "no request id"),
        (("trace", "01977c0e-0000-7000-8000-000000000000"), 1, "no trace"),
        (("explain", "01977c0e-0000-7000-8000-000000000000"), 1, "Nothing is recorded"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = run(*arguments)
    assert ran.returncode == code, ran.stderr
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "Traceback" not in ran.stderr
    assert NAME not in ran.stderr
