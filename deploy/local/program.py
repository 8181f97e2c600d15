"""Runs one program of the platform as a child process: start, readiness, stop, kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from deploy.local.errors import StartFailed
from deploy.local.launch import NAMESPACE, NOBODY, SAME

READY_POLL_S = 0.01
STOP_WAIT_S_MAX = 20.0
LOG_TAIL_BYTES = 4096
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Program:
    """What to run and how to know that it works; the same for a server, a model and a service."""

    name: str
    command: Sequence[str]
    log: Path
    ready: Callable[[int], bool]  # takes the process id; must be cheap, it is polled
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    user: str = SAME
    nice: int = 0
    working_folder: Path | None = None

    def start(self) -> "Running":
        """Start it in the background and return at once; its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        wrapped = [
            *(sys.executable, "-I", "-S", str(LAUNCH)),
            *(self.user, str(self.nice), str(int(self.stop_signal)), str(os.getpid())),
            *self.command,
        ]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                wrapped,
                env=dict(self.environment),
                cwd=self.working_folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor only; it drains in order
            )
        return Running(self, process)


@dataclass(frozen=True)
class Running:
    """A program that was started."""

    program: Program
    process: "subprocess.Popen[bytes]"
    since: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> bool:
        return self.process.poll() is not None

    def ready(self) -> bool:
        return not self.ended() and self.program.ready(self.pid)

    def wait_ready(self, wait_s_max: float) -> None:
        """Return once it is ready; raise StartFailed with its last words if it ends first."""
        deadline = time.monotonic() + wait_s_max
        while not self.ready():
            if self.ended():
                raise StartFailed(f"{self.program.name} ended while starting: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.program.name} was not ready after {wait_s_max:g} s; "
                    f"see {self.program.log}."
                )
            time.sleep(READY_POLL_S)

    def stop(self, wait_s_max: float = STOP_WAIT_S_MAX) -> None:
        """Ask it to end, wait, and kill it when it does not."""
        if self.ended():
            return
        self.signal(self.program.stop_signal)
        try:
            self.process.wait(wait_s_max)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, nothing is flushed or said."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def last_words(self) -> str:
        """Return the last line of its log, where programs say why they end."""
        with self.program.log.open("rb") as log:
            log.seek(max(0, self.program.log.stat().st_size - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it wrote nothing")


@cache
def unprivileged_user() -> str:
    """Return the launch user for programs that refuse root: none needed, namespace or nobody."""
    if os.geteuid() != 0:
        return SAME
    trial = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCH, NAMESPACE, "0", "0", str(os.getpid()), "/bin/true"],
        check=False,
        capture_output=True,
    )
    return NAMESPACE if trial.returncode == 0 else str(NOBODY)
