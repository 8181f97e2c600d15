"""What runs here, asked anew: each part with its process and whether it is ready."""

from collections.abc import Mapping
from typing import Any

from deploy.local.folder import DataFolder
from deploy.local.health import answers_well, read_json
from deploy.local.ports import is_free
from deploy.local.state import PartState, State, process_of, read_state


def running_state(folder: DataFolder) -> State | None:
    """Return what the running platform wrote down; None when none runs in this folder."""
    return read_state(folder) if folder.owner() is not None else None


def status_of(folder: DataFolder) -> Mapping[str, Any]:
    """Return every fact about the platform as plain data; the form of `status --json`."""
    state = running_state(folder)
    if state is None:
        return {"running": False, "data": str(folder.root)}
    parts = [_part(part) for part in state.parts]
    return {
        "running": True,
        "ready": all(part["ready"] for part in parts),
        "phase": state.phase.value,
        "data": str(folder.root),
        "supervisor": state.supervisor,
        "parts": parts,
        "addresses": _addresses(state),
        "credentials": state.credentials,
        "notes": state.notes,
    }


def _part(part: PartState) -> dict[str, Any]:
    process = process_of(part)
    problem = "no such process" if process is None else _problem(part)
    return {
        "name": part.name,
        "pid": part.pid,
        "ready": problem is None,
        "problem": problem,
        "restarts": part.restarts,
        "health": f"http://127.0.0.1:{part.port}{part.health_path}" if part.health_path else None,
        "log": part.log,
    }


def _problem(part: PartState) -> str | None:
    if part.port is None:
        return None
    if part.health_path is None:
        return "does not listen" if is_free(part.port) else None
    if answers_well(part.port, part.health_path):
        return None
    problems = read_json(part.port, part.health_path).get("problems")
    if isinstance(problems, dict) and problems:
        return "; ".join(f"{what}: {why}" for what, why in problems.items())
    return "does not answer"


def _addresses(state: State) -> dict[str, str]:
    models = {f"model {name}": model["url"] for name, model in state.models.items()}
    monitor = {"nats monitor": state.nats["monitor"]} if "monitor" in state.nats else {}
    servers = {"nats": state.nats["url"], "postgres": state.postgres["url"]}
    return {**state.doors, **servers, **monitor, **models}
