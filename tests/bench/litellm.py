"""LiteLLM's bare proxy as an anchor, where it is installed; never a part of this project.

`STELLWERK_BENCH_LITELLM` names its executable (in an environment of its own), else it is looked for
on the PATH. It runs with one worker, one model and a master key, without database, cache and log:
it masks, bills, records and grades nothing.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.health import answers_well
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.services import REPOSITORY
from tests.bench.http import Target

VARIABLE: Final = "STELLWERK_BENCH_LITELLM"
KEY: Final = "sk-bench"
READY_S_MAX: Final = 120.0
STOP_S_MAX: Final = 10.0
CONFIG: Final = """\
model_list:
  - model_name: scripted
    litellm_params:
      model: openai/scripted
      api_base: {provider}
      api_key: none
general_settings:
  master_key: {key}
"""
QUIET: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
}


WHAT_IT_DOES: Final = "it masks, bills, records and grades nothing."


@dataclass(frozen=True, slots=True)
class Provider:
    """A scripted provider of its own."""

    pid: int
    url: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The proxy while it runs."""

    pid: int
    version: str
    target: Target


def executable() -> str | None:
    """Return the proxy's executable, or None where it is not installed."""
    return os.environ.get(VARIABLE) or shutil.which("litellm")


@contextmanager
def scripted_provider(folder: Path, port: int) -> Iterator[Provider]:
    """Run the provider that the platform was measured with, and nothing beside it."""
    command = [sys.executable, "-m", "deploy.local.scripted", "--port", str(port)]
    with (folder / "scripted-alone.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        _wait_ready(process, port, "/health", folder / "scripted-alone.log")
        yield Provider(process.pid, f"http://{LOOPBACK}:{port}/v1")
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def running(program: str, folder: Path, configuration: str) -> Iterator[Anchor]:
    """Start the proxy in front of providers and stop it afterwards."""
    config, port = folder / "litellm.yaml", free_port()
    config.write_text(configuration, encoding="ascii")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **QUIET}
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--config", config, "--host", LOOPBACK, "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(process, port, "/health/liveliness", folder / "litellm.log")
        target = Target(f"http://{LOOPBACK}:{port}/v1", KEY)
        yield Anchor(process.pid, _version(program, environment), target)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()  # It waits for streams that no provider ends.
            process.wait(timeout=30)


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while not answers_well(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it does not start: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.2)


def _version(program: str, environment: dict[str, str]) -> str:
    said = subprocess.run(
        [program, "--version"], env=environment, capture_output=True, text=True, check=False
    )
    return said.stdout.strip().rpartition(" ")[2] or "unknown"
