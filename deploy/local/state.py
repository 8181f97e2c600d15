"""What `stellwerk up` writes down for everyone else: processes, addresses, places of secrets."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

import psutil

from deploy.local.files import write_atomically
from deploy.local.folder import DataFolder

VERSION: Final = 1
SAME_PROCESS_S: Final = 1.0


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass
class PartState:
    """One process: `started_at` tells it from a later one that was given the same number."""

    name: str
    pid: int
    started_at: float
    restarts: int
    log: str
    port: int | None = None
    health_path: str | None = None


@dataclass
class State:
    """Addresses name no user and no password; `credentials` names files, never what they hold."""

    supervisor: int
    phase: Phase
    nats: Mapping[str, str]
    postgres: Mapping[str, str]
    doors: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    parts: list[PartState] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    version: int = VERSION

    def write(self, folder: DataFolder) -> None:
        write_atomically(folder.state, json.dumps(asdict(self), indent=1))


def read_state(folder: DataFolder) -> State | None:
    """Return what was last written, or None; the platform may have gone since."""
    try:
        found = json.loads(folder.state.read_text(encoding="utf-8"))
        parts = [PartState(**part) for part in found.pop("parts")]
        return State(**{**found, "phase": Phase(found["phase"]), "parts": parts})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def process_of(part: PartState) -> psutil.Process | None:
    """Return the part's process if it still runs, and None if its number is now another's."""
    try:
        process = psutil.Process(part.pid)
        if abs(process.create_time() - part.started_at) > SAME_PROCESS_S:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.Error:
        return None
    return process


def started_at(pid: int) -> float:
    """Return when a process began, as `process_of` compares it; 0 if it has gone already."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0
