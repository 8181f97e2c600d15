"""A part is started again when it dies, given up when it never worked, and stopped for good."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local.errors import DataLocked, StartFailed
from deploy.local.folder import DataFolder
from deploy.local.left_overs import end_left_overs
from deploy.local.logs import keep_small
from deploy.local.part import Part
from deploy.local.program import Program
from deploy.local.state import PartState, Phase, State, process_of, read_state, started_at

SLEEP = ["/bin/sleep", "60"]


def program(folder: Path, *command: str, ready: Callable[[int], bool] = lambda _: True) -> Program:
    return Program("toy", command, folder / "toy.log", ready)


async def test_a_part_that_dies_is_started_again_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    part = Part(program(tmp_path, *SLEEP), say=said.append)
    part.start()
    assert part.running is not None
    first = part.running.pid
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while part.running.pid == first:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0.01)
    assert part.restarts == 1
    assert said == ["toy ended with signal 9; starting it again in 0.1 s"]
    await part.stop()


async def test_a_part_that_never_works_is_given_up_with_its_own_last_words(tmp_path: Path) -> None:
    part = Part(
        program(tmp_path, "/bin/sh", "-c", "echo no such table; exit 3", ready=lambda _: False),
        say=lambda _: None,
    )
    part.start()
    with pytest.raises(StartFailed, match="no such table"):
        await part.wait_ready(20)
    await part.stop()


async def test_a_stopped_part_stays_stopped(tmp_path: Path) -> None:
    part = Part(program(tmp_path, *SLEEP), say=lambda _: None)
    part.start()
    await part.stop()
    running = part.running
    await asyncio.sleep(0.5)
    assert part.running is running
    assert running is not None
    assert running.ended()


async def test_a_part_that_ignores_a_stop_is_killed(tmp_path: Path) -> None:
    deaf = "trap '' TERM; echo deaf; while true; do sleep 1; done"
    log = tmp_path / "toy.log"
    part = Part(
        program(tmp_path, "/bin/sh", "-c", deaf, ready=lambda _: "deaf" in log.read_text()),
        say=lambda _: None,
        stop_wait_s_max=0.3,
    )
    part.start()
    await part.wait_ready(10)
    await part.stop()
    assert part.running is not None
    assert part.running.process.returncode == -signal.SIGKILL


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    starter = (
        "import sys, time; from pathlib import Path; from deploy.local.program import Program; "
        f"r = Program('toy', {SLEEP!r}, Path({str(tmp_path / 'toy.log')!r}), lambda _: True)"
        ".start(); print(r.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        deadline = time.monotonic() + 10
        while child.name() != "sleep" and time.monotonic() < deadline:
            time.sleep(0.01)  # until the launcher has become the program
        parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone


def test_a_folder_belongs_to_one_supervisor_at_a_time(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert folder.owner() is None
    with folder.locked():
        assert folder.owner() == os.getpid()
        with (
            pytest.raises(DataLocked, match=rf"process {os.getpid()}.*stellwerk down"),
            folder.locked(),
        ):
            pass
    assert folder.owner() is None
    assert folder.root.stat().st_mode & 0o777 == 0o700


def state(*parts: PartState) -> State:
    return State(1, Phase.READY, {"url": "nats://x"}, {"url": "postgresql://x"}, parts=list(parts))


def test_what_was_written_down_is_read_back(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    written = state(PartState("nats", 7, 1.5, 0, "nats.log", 8222, "/healthz"))
    written.write(folder)
    assert read_state(folder) == written
    folder.state.write_text("{")
    assert read_state(folder) is None


def test_a_process_number_that_now_belongs_to_another_is_left_alone(tmp_path: Path) -> None:
    mine = PartState("toy", os.getpid(), started_at(os.getpid()) - 100, 0, "toy.log")
    state(mine).write(DataFolder(tmp_path))
    said: list[str] = []
    assert process_of(mine) is None
    end_left_overs(DataFolder(tmp_path), said.append)
    assert said == []


def test_what_a_killed_supervisor_left_is_ended(tmp_path: Path) -> None:
    left = subprocess.Popen(SLEEP)
    state(PartState("toy", left.pid, started_at(left.pid), 0, "toy.log")).write(
        DataFolder(tmp_path)
    )
    end_left_overs(DataFolder(tmp_path), lambda _: None)
    assert left.poll() is not None


def test_a_log_that_grew_too_large_is_moved_aside_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    with log.open("ab", buffering=0) as writing:
        writing.write(b"x" * 100)
        keep_small(tmp_path, bytes_max=50)
        writing.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "router.log.1").stat().st_size == 100
