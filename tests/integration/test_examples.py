"""What docs/examples shows is run as it stands there; an app is told an address and a key."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.fixtures.platform import TENANT, Platform

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
APP = "crm"
NAME = "Karla Eksempel"
WAIT_S_MAX = 25


def run(
    platform: Platform, *command: str | Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    told = {"PATH": os.environ["PATH"], "MODEL": "scripted", **environment}
    return subprocess.run(
        command,
        env=told,
        cwd=platform.folder,
        capture_output=True,
        text=True,
        timeout=WAIT_S_MAX,
        check=False,
    )


def over_http(platform: Platform) -> Mapping[str, str]:
    return {
        "STELLWERK_BASE_URL": f"{platform.gateway_url}/v1",
        "STELLWERK_KEY": platform.key(APP),
    }


def over_the_bus(platform: Platform) -> Mapping[str, str]:
    return {
        "NATS_URL": platform.nats.address,
        "SEED_FILE": str(platform.secrets.app_seed_file(TENANT, APP)),
        "APP": APP,
    }


@pytest.mark.parametrize(
    "command",
    [[sys.executable, EXAMPLES / "python" / "ask.py"], ["node", EXAMPLES / "node" / "ask.mjs"]],
    ids=["python", "node"],
)
def test_openai_s_client_gets_an_answer_whole_and_streamed(
    platform: Platform, command: Sequence[str | Path]
) -> None:
    ran = run(platform, *command, **over_http(platform))
    assert ran.returncode == 0, ran.stderr
    whole, streamed = ran.stdout.strip().splitlines()
    assert NAME in whole
    assert streamed == whole


@pytest.mark.parametrize(
    "command",
    [[sys.executable, EXAMPLES / "python" / "bus.py"], ["node", EXAMPLES / "node" / "bus.mjs"]],
    ids=["python", "node"],
)
def test_a_client_on_the_bus_gets_a_streamed_answer(
    platform: Platform, command: Sequence[str | Path]
) -> None:
    ran = run(platform, *command, **over_the_bus(platform))
    assert ran.returncode == 0, ran.stderr
    assert NAME in ran.stdout


@pytest.mark.parametrize(
    "command",
    [[sys.executable, EXAMPLES / "python" / "bus.py"], ["node", EXAMPLES / "node" / "bus.mjs"]],
    ids=["python", "node"],
)
def test_a_client_on_the_bus_says_why_there_is_no_answer(
    platform: Platform, command: Sequence[str | Path]
) -> None:
    ran = run(platform, *command, **{**over_the_bus(platform), "MODEL": "no-such-model"})
    assert ran.returncode == 1
    assert "unknown_model: Ingen model har dette navn" in ran.stderr


def test_plain_http_lists_models_and_gets_an_answer_whole_and_streamed(platform: Platform) -> None:
    ran = run(platform, EXAMPLES / "ask.sh", **over_http(platform))
    assert ran.returncode == 0, ran.stderr + ran.stdout
    models, whole, *streamed = ran.stdout.strip().splitlines()
    assert "scripted" in {model["id"] for model in json.loads(models)["data"]}
    text = json.loads(whole)["choices"][0]["message"]["content"]
    assert NAME in text
    events = [line.removeprefix("data: ") for line in streamed if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    chunks = [choice for event in events for choice in json.loads(event)["choices"]]
    assert "".join(chunk["delta"].get("content") or "" for chunk in chunks) == text


@pytest.mark.parametrize(("page", "language"), [("http.md", "python"), ("node.md", "js")])
def test_the_code_on_a_page_stands_in_an_example_too(page: str, language: str) -> None:
    text = (EXAMPLES.parent / "app-developers" / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    programs = [file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*/*.*"))]
    assert blocks
    for block in blocks:
        assert any(block in program for program in programs), block
