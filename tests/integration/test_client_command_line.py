"""The command line against a whole platform: what it prints, and how it ends."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
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

    def stellwerk(
        *arguments: str, stdin: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        here = {"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."}
        return subprocess.run(
            [sys.executable, "-m", "stellwerk", *arguments],
            cwd=REPOSITORY,
            env=here | environment,
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
        (("ask", "--app", "erp", TEXT), 2, "There is no app erp here; known: crm, hr"),
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


def test_an_app_is_admitted_rotated_listed_and_shut_out(run: Run, platform: Platform) -> None:
    made = run("app", "create", "ledger", "--role", "power_user", "--expires-days", "30")
    assert made.returncode == 0, made.stderr
    key = re.search(r"sw-[a-z0-9]{12}-[A-Za-z0-9]{43}", made.stdout)
    assert key is not None
    assert "once" in made.stderr
    assert (platform.folder / "secrets" / "apps" / "default.ledger.seed").is_file()
    assert _opens(platform, key[0])

    again = run("app", "create", "ledger")
    assert (again.returncode, again.stdout) == (1, "")
    assert "app rotate" in again.stderr

    newer = json.loads(run("app", "rotate", "ledger", "--overlap-hours", "0", "--json").stdout)
    assert _opens(platform, newer["key"])
    assert not _opens(platform, key[0])

    listed = json.loads(run("app", "list", "--json").stdout)["apps"]
    (ledger,) = [app for app in listed if app["app"] == "ledger"]
    assert (ledger["role"], len(ledger["keys"])) == ("power_user", 2)
    shown = run("app", "list").stdout
    assert "ledger" in shown
    for secret in (key[0], newer["key"]):
        assert secret.rsplit("-", 1)[1] not in json.dumps(listed) + shown

    gone = run("app", "disable", "ledger")
    assert gone.returncode == 0, gone.stderr
    assert "default.ledger.seed" in gone.stderr
    time.sleep(1)
    assert not _opens(platform, newer["key"])
    assert "disabled" in run("app", "rotate", "ledger").stderr


def test_an_app_of_a_platform_elsewhere_gets_its_key_and_nothing_is_written_here(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    made = run(
        *("app", "create", "far", "--json"),
        STELLWERK_DATA=str(tmp_path / "none"),
        STELLWERK_NATS_URL=platform.nats.address,
        STELLWERK_SECRETS=str(platform.folder / "secrets"),
    )
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    assert set(facts) == {"app", "tenant", "role", "key"}
    assert _opens(platform, facts["key"])
    assert not list(tmp_path.iterdir())


def test_the_models_listed_are_those_in_force(run: Run, platform: Platform, tmp_path: Path) -> None:
    listed = json.loads(run("model", "list", "--json").stdout)["models"]
    shipped = run("model", "list", "--config", "config")
    nowhere = run("model", "list", STELLWERK_DATA=str(tmp_path), STELLWERK_CONFIG=str(tmp_path))
    assert {"local-default", "scripted"} <= {each["model"] for each in listed}
    assert listed[0]["input_per_million"] == "0.05"
    assert "local-default" in shipped.stdout
    assert "scripted" not in shipped.stdout
    assert nowhere.returncode == 2
    assert "stellwerk up" in nowhere.stderr


def test_what_is_wrong_with_an_app_is_said_in_a_sentence(run: Run) -> None:
    reserved = run("app", "create", "router")
    unknown = run("app", "disable", "nobody")
    no_token = run("app", "create", "Karla Eksempel")
    role = run("app", "create", "crm-2", "--role", "king")
    assert [one.returncode for one in (reserved, unknown, no_token, role)] == [1, 1, 2, 2]
    assert "reserved" in reserved.stderr
    assert "app list" in unknown.stderr
    assert "a-z" in no_token.stderr
    assert "super_admin" in role.stderr


def _opens(platform: Platform, key: str) -> bool:
    asked = urllib.request.Request(  # noqa: S310
        f"{platform.gateway_url}/v1/models", headers={"authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=5) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except urllib.error.HTTPError as refused:
        refused.close()
        return False
