"""Ends what a supervisor that was killed has left running, before the next one starts."""

from collections.abc import Callable
from typing import Final

import psutil

from deploy.local.folder import DataFolder
from deploy.local.state import process_of, read_state

WAIT_S_MAX: Final = 15.0


def end_left_overs(folder: DataFolder, say: Callable[[str], None]) -> None:
    """Return when no process of the last supervisor runs any more.

    The kernel has told them to end already; this waits for those that finish their work, and
    kills those that do not.
    """
    state = read_state(folder)
    found = [process_of(part) for part in state.parts] if state else []
    processes = [process for process in found if process is not None]
    if not processes:
        return
    say(f"ending {len(processes)} processes that an earlier start has left")
    for process in processes:
        _tell(process.terminate)
    _, stubborn = psutil.wait_procs(processes, timeout=WAIT_S_MAX)
    for process in stubborn:
        _tell(process.kill)
    psutil.wait_procs(stubborn, timeout=WAIT_S_MAX)


def _tell(signal: Callable[[], None]) -> None:
    try:
        signal()
    except psutil.NoSuchProcess:
        return
