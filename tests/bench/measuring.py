"""CPU time and memory of processes, read from the kernel, and percentiles of latencies."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Use:
    """What a group of processes has used: CPU in seconds, memory in bytes."""

    cpu_s: float
    memory_bytes: int


def use_of(pids: Sequence[int]) -> Use:
    """Return the sum over `pids` and all their descendants that live now."""
    everyone = _family(pids)
    return Use(
        cpu_s=sum(_cpu_s(pid) for pid in everyone),
        memory_bytes=sum(_memory_bytes(pid) for pid in everyone),
    )


def spent(before: Mapping[str, Use], after: Mapping[str, Use]) -> dict[str, float]:
    """Return the CPU seconds that each named group spent between two readings."""
    return {name: after[name].cpu_s - before[name].cpu_s for name in after}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _family(pids: Sequence[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    family, left = set(pids), list(pids)
    while left:
        for child in children.get(left.pop(), []):
            if child not in family:
                family.add(child)
                left.append(child)
    return family


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on, or nothing if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rsplit(") ", 1)[1].split()


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    # User, system, and both of children that were waited for.
    return sum(int(field) for field in fields[11:15]) * _TICK_S if fields else 0.0


def _memory_bytes(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * _PAGE_BYTES if fields else 0
