"""Every import contract has been seen to fail, on a copy of the packages with nothing in them."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# One import for each contract that breaks it, by the contract's name.
BREAKS = {
    "The services never import each other": (
        "services/billing/handlers.py",
        "import services.router.domain",
    ),
    "shared.contracts imports only pydantic and the standard library": (
        "shared/contracts/event.py",
        "import orjson",
    ),
    "Only services.router imports an HTTP client": (
        "services/billing/store.py",
        "import httpx2",
    ),
    "shared imports no service, no command and no way of running": (
        "shared/db.py",
        "import stellwerk",
    ),
    "stellwerk and deploy start services as processes and never import them": (
        "deploy/local/__init__.py",
        "import services.billing",
    ),
    "domain.py imports no bus and no database": (
        "services/router/domain.py",
        "import shared.bus",
    ),
}
# Lawful imports, so that a contract is not kept merely because nothing imports anything.
LAWFUL = {
    "services/router/handlers.py": "import httpx2\nimport services.router.domain",
    "services/audit/domain.py": "import hashlib\nimport shared.contracts.event",
    "shared/contracts/values.py": "import pydantic\nimport enum",
    "stellwerk/redact.py": "import services.redactor.domain",
    "services/redactor/domain.py": "",
}
PACKAGES = (
    "services/router",
    "services/redactor",
    "services/billing",
    "services/audit",
    "shared/contracts",
    "shared/bus",
    "stellwerk",
    "deploy/local",
)


def _lint(folder: Path, imports: dict[str, str]) -> str:
    """Return what lint-imports prints for packages that hold these imports."""
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "tests/architecture", folder / "tests/architecture")
    shutil.copy(ROOT / "pyproject.toml", folder)
    paths = {f"{parent}/__init__.py" for p in PACKAGES for parent in (p, p.partition("/")[0])}
    for path in sorted(paths | imports.keys() | {"shared/db.py"}):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(imports.get(path, "") + "\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_every_contract_has_an_import_that_breaks_it() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]

    assert {contract["name"] for contract in contracts} == BREAKS.keys()


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_an_import_over_a_boundary_breaks_its_contract(name: str, tmp_path: Path) -> None:
    path, line = BREAKS[name]

    report = _lint(tmp_path, LAWFUL | {path: line})

    assert f"{name} BROKEN" in report, report
    assert f"{len(BREAKS) - 1} kept, 1 broken" in report, report


def test_lawful_imports_keep_every_contract(tmp_path: Path) -> None:
    report = _lint(tmp_path, LAWFUL)

    assert f"{len(BREAKS)} kept, 0 broken" in report, report
