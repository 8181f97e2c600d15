"""Starts the platform as a process of its own, which outlives the command that started it."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from deploy.local.errors import StartFailed
from deploy.local.files import private_folder
from deploy.local.folder import DataFolder
from deploy.local.state import Phase, read_state

POLL_S: Final = 0.05
SELF: Final = (sys.executable, "-m", "stellwerk", "up")


def start_in_background(data: Path, flags: Sequence[str], say: Callable[[str], None]) -> None:
    """Return once every service is ready; pass on what the platform says until then."""
    folder = DataFolder(data)
    private_folder(folder.root)
    private_folder(folder.logs)
    log = folder.log("supervisor")
    with log.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [*SELF, "--data", str(data), *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with log.open(encoding="utf-8") as said:
        said.seek(begin)
        last = ""
        while True:
            ended = process.poll() is not None
            state = read_state(folder)
            ready = state and state.supervisor == process.pid and state.phase is Phase.READY
            for line in said.read().splitlines():
                if last:
                    say(last)
                last = line
            if ready:
                return say(last)
            if ended:
                raise StartFailed(last.removeprefix("stellwerk: ") or f"it ended; see {log}.")
            time.sleep(POLL_S)
