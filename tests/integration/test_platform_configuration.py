"""The configuration of a running platform is changed by command, while requests are in flight."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.contracts.configuration import Document
from shared.contracts.errors import ErrorCode
from stellwerk.answer import Answer
from stellwerk.client import Client
from stellwerk.errors import Refused
from tests.fixtures.configuration import changed, with_scripted
from tests.fixtures.platform import Platform

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LIVE_S_MAX = 2.0
IN_FLIGHT = 8
TRIAL = ("[local-default, local-small]\n  reason: quality-first", "[scripted]\n  reason: trial")
AGAIN = ("[local-default, local-small]\n  reason: quality-first", "[scripted]\n  reason: again")


@pytest.fixture(scope="module")
def run(platform: Platform) -> Run:
    """Return a function that runs `stellwerk` beside the platform."""
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": platform.nats.address},
        "postgres": {"url": f"postgresql://127.0.0.1:{platform.postgres.port}/stellwerk"},
    }
    (platform.folder / "state.json").write_text(json.dumps(state))
    environment = {"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."}

    def stellwerk(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "stellwerk", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=25, check=False
        )

    return stellwerk


@pytest.fixture(autouse=True)
def as_at_the_start(run: Run, platform: Platform) -> Iterator[None]:
    """Leave the documents that the platform started with in force for the next test."""
    yield
    assert run("policy", "apply", str(platform.config)).returncode == 0


def written(folder: Path, document: Document, old: str, new: str) -> str:
    """Return a file with one document, changed."""
    (text,) = changed(document, old, new, of=with_scripted()).values()
    (folder / document).write_text(text, encoding="utf-8")
    return str(folder / document)


def in_force(run: Run) -> str:
    shown = run("policy", "show", "--json")
    assert shown.returncode == 0, shown.stderr
    version: str = json.loads(shown.stdout)["found"]["version"]
    return version


def test_the_configuration_in_force_is_shown_with_who_put_it_there(run: Run) -> None:
    shown, version = run("policy", "show"), in_force(run)

    assert f"version {version}" in shown.stdout
    assert "in force since 20" in shown.stdout
    assert "by " in shown.stdout
    for document in Document:
        assert f"--- {document}" in shown.stdout
    assert "quality-first" in shown.stdout


def test_what_cannot_be_used_is_told_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    before = in_force(run)
    broken = written(tmp_path, Document.POLICY, "[local-default, local-small]", "[gone]")
    invalid = run("policy", "apply", broken)
    budgets = written(tmp_path, Document.BUDGETS, '"100.00"', '"9"')
    other = run("policy", "apply", budgets, "--expected", "0123456789ab")
    unnamed = run("policy", "apply", "README.md")

    assert [ran.returncode for ran in (invalid, other, unnamed)] == [2, 2, 2]
    assert "policy.yaml names model gone" in invalid.stderr
    assert before in other.stderr
    assert "models.yaml, policy.yaml, budgets.yaml" in unnamed.stderr
    assert in_force(run) == before


def test_the_matrix_says_where_texts_may_go(run: Run) -> None:
    ran = run("policy", "matrix")
    matrix = json.loads(run("policy", "matrix", "--json").stdout)["matrix"]

    assert ran.returncode == 0, ran.stderr
    assert "sensitivity" in ran.stdout
    assert "special" in ran.stdout
    assert "local-default" in matrix["special"]["local"]


async def test_a_route_and_a_limit_change_under_load_and_no_request_fails(
    platform: Platform,
    run: Run,
    tmp_path: Path,
) -> None:
    second = await asyncio.to_thread(platform.add_replica, "router", 2)
    platform.script(latency_ms=150)
    trial = written(tmp_path, Document.POLICY, *TRIAL)
    applied = await asyncio.to_thread(run, "policy", "apply", trial, "--json")
    version = json.loads(applied.stdout)["version"]
    async with platform.client() as client:
        await _until_it_counts(client)
        over = asyncio.Event()
        work = [asyncio.create_task(_asked(client, over)) for _ in range(IN_FLIGHT)]
        later = tmp_path / "later"
        later.mkdir()
        written(later, Document.POLICY, *AGAIN)
        written(later, Document.BUDGETS, '"100.00"', '"250.00"')
        again = await asyncio.to_thread(run, "policy", "apply", str(later), "--json")
        await asyncio.sleep(LIVE_S_MAX)
        over.set()
        answers = [answer for each in await asyncio.gather(*work) for answer in each]
        answered = [await client.complete("Hej.") for _ in range(8)]
    platform.script(latency_ms=0)
    await asyncio.to_thread(second.stop)
    platform.processes.pop(second.name)

    assert {answer.model for answer in [*answers, *answered]} == {"scripted"}
    latest = json.loads(again.stdout)["version"]
    assert latest != version
    assert {answer.config_version for answer in answers} == {version, latest}
    assert {answer.config_version for answer in answered} == {latest}


async def test_a_lowered_limit_refuses_at_once_and_a_raised_one_lets_go_on(
    platform: Platform,
    run: Run,
    tmp_path: Path,
) -> None:
    low = written(tmp_path, Document.BUDGETS, '"100.00"', '"0.00"')
    async with platform.client() as client:
        assert (await client.complete("Hej.", model="scripted")).model == "scripted"
        assert (await asyncio.to_thread(run, "policy", "apply", low)).returncode == 0
        code = None
        async with asyncio.timeout(LIVE_S_MAX):
            while code is None:
                try:
                    await client.complete("Hej.", model="scripted")
                except Refused as refused:
                    code = refused.code
        assert code is ErrorCode.BUDGET_EXHAUSTED
        high = written(tmp_path, Document.BUDGETS, '"100.00"', '"500.00"')
        assert (await asyncio.to_thread(run, "policy", "apply", high)).returncode == 0
        await asyncio.sleep(LIVE_S_MAX)
        assert (await client.complete("Hej.", model="scripted")).model == "scripted"


async def _until_it_counts(client: Client) -> None:
    """Return once the default is the scripted model, at every router."""
    async with asyncio.timeout(10):
        together = 0
        while together < 2 * 4:
            try:
                await client.complete("Hej.")
                together += 1
            except Refused:
                together = 0


async def _asked(client: Client, over: asyncio.Event) -> list[Answer]:
    """Ask again and again; whatever is refused or fails is raised."""
    answers = []
    while not over.is_set():
        answers.append(await client.complete("Hej."))
    return answers
