"""Serves one model on loopback over the OpenAI wire format: `python -m deploy.local.model_server`.

The work is llama.cpp's own HTTP server, which xllamacpp runs inside this process.
"""

import argparse
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.health import answers_well
from deploy.local.ports import LOOPBACK
from deploy.local.program import Program

# Each request may use this many tokens; the server divides its context by its slots.
CONTEXT_TOKENS_PER_SLOT: Final = 8192
SLOTS: Final = 2
STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
NICE: Final = 10  # answers may take a little longer; the platform's own work may not


@dataclass(frozen=True)
class ModelServer:
    """One model as a server: its file, its alias, its port and the file with its API key."""

    name: str
    file: Path
    port: int
    key_file: Path
    log: Path

    @property
    def address(self) -> str:
        """Return the base URL that an OpenAI client is given."""
        return f"http://{LOOPBACK}:{self.port}/v1"

    def program(self) -> Program:
        return Program(
            name=f"model-{self.name}",
            command=[
                *(sys.executable, "-m", "deploy.local.model_server"),
                *("--file", str(self.file), "--name", self.name),
                *("--port", str(self.port), "--key-file", str(self.key_file)),
            ],
            log=self.log,
            ready=lambda _pid: answers_well(self.port, "/health"),
            environment={"PATH": os.environ.get("PATH", "")},
            nice=NICE,
            working_folder=Path(__file__).resolve().parents[2],
        )


def threads() -> int:
    """Return how many cores a model may use: one less than there are.

    Its threads wait for each other by spinning. With every core taken, one thread that has to
    wait for another program stops them all: 60 tokens a second fell to nearly none.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (available or 1) - 1)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="deploy.local.model_server")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    options = parser.parse_args(arguments)
    key = options.key_file.read_text(encoding="ascii").strip()
    # Blocked before the server makes its threads, which inherit it: only sigwait sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    server = _start(options.file, options.name, options.port, key)
    sys.stdout.write(f"{options.name} listens on {server.listening_address}\n")
    sys.stdout.flush()
    signal.sigwait(STOPS)
    # Its destructor waits for answers in hand; the router has drained before it asks us to stop.
    os._exit(0)


def _start(file: Path, name: str, port: int, key: str) -> "xllamacpp.Server":
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = {name}
    parameters.hostnames = [LOOPBACK]
    parameters.port = port
    parameters.api_keys = [key]
    parameters.n_parallel = SLOTS
    parameters.n_ctx = CONTEXT_TOKENS_PER_SLOT * SLOTS
    parameters.cpuparams.n_threads = threads()
    parameters.cpuparams_batch.n_threads = threads()
    parameters.no_extra_bufts = True  # 0.6 GB less memory for the larger model
    parameters.endpoint_metrics = True
    parameters.ui = False
    return xllamacpp.Server(parameters)


if __name__ == "__main__":
    import xllamacpp  # the only user of it; 34 MB that `stellwerk up --no-model` does not load

    main(sys.argv[1:])
