"""The client and the help load no more than they need."""

import json
import subprocess
import sys

PLATFORM = (
    "services",
    "deploy",
    "shared.bus",
    "shared.db",
    "asyncpg",
    "opentelemetry",
    "sqlalchemy",
)


def loaded_by(statement: str) -> set[str]:
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules: list[str] = json.loads(ran.stdout)
    return set(modules)


def test_the_client_loads_nothing_of_the_platform() -> None:
    loaded = loaded_by("from stellwerk import Client")
    assert loaded.isdisjoint({*PLATFORM, "rich", "typer"})
    assert "stellwerk.client" in loaded


def test_the_list_of_commands_loads_neither_client_nor_platform() -> None:
    loaded = loaded_by("from stellwerk.cli import build; build()")
    assert loaded.isdisjoint({*PLATFORM, "nats", "rich.table"})
