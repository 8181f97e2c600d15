"""What is declared, what is locked and what is imported are the same packages."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any, Final

import grimp
import pytest

from tests.architecture.source import ROOT

PROJECT: Final[Mapping[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: Final[Mapping[str, list[str]]] = PROJECT["optional-dependencies"]
OURS: Final = ("services", "shared", "stellwerk", "deploy", "tests")
LOCK: Final = (ROOT / "requirements.lock").read_text()
# Packages that must never come in, not even through another package.
DENIED: Final = {
    "litellm": "a supply-chain compromise in March 2026; it is an anchor in benches only",
    "pymerkle": "GPL",
    "gender-guesser": "GPL",
    "names-dataset": "built from leaked personal data",
    "torch": "hundreds of megabytes for nothing that runs here",
}


def _name(requirement: str) -> str:
    """Return the normalised name of a requirement, without version and marker."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _locked(lock: str) -> dict[str, str]:
    """Return each pinned name with the whole of its entry."""
    entries = re.findall(r"^\S+==[^\\\n]*(?:\\\n[^\\\n]*)*", lock, flags=re.MULTILINE)
    return {_name(entry): entry for entry in entries}


def _lock_faults(lock: str) -> Iterator[str]:
    """Yield what makes a lock unsafe to install from."""
    for name, entry in _locked(lock).items():
        if "--hash=sha256:" not in entry:
            yield f"{name} has no hash"
        if name in DENIED:
            yield f"{name} is denied: {DENIED[name]}"
        if re.match(r"\S+==999[.]", entry):
            yield f"{name} has a version that only squatters use"
    for line in lock.splitlines():
        if "://" in line or line.startswith("-"):
            yield f"the lock holds an address or an option: {line}"


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _graph() -> grimp.ImportGraph:
    names = [name for name in ("services", "shared") if (ROOT / name / "__init__.py").exists()]
    return grimp.build_graph(*names, include_external_packages=True, cache_dir=None)


def _imported(package: str) -> set[str]:
    """Return the outside modules that a package imports, with what it reaches in shared/."""
    graph = _graph()
    own = {package, *graph.find_descendants(package)}
    reached = own.union(*(graph.find_upstream_modules(module) for module in own))
    modules = {module.split(".")[0] for module in reached}
    return modules - {*OURS, *sys.stdlib_module_names}


def _services() -> list[str]:
    folders = (ROOT / "services").glob("*/__init__.py")
    return sorted(folder.parent.name for folder in folders)


def _undeclared(modules: set[str], extra: list[str]) -> set[str]:
    """Return the modules that neither every process nor the service's extra installs."""
    declared = {_name(requirement) for requirement in (*PROJECT["dependencies"], *extra)}
    declared.add("pydantic-core")  # a part of pydantic that carries a name of its own
    return {
        module
        for module in modules
        if declared.isdisjoint(_name(d) for d in _distributions().get(module, [module]))
    }


@pytest.mark.parametrize("service", _services())
def test_a_service_imports_only_what_its_extra_installs(service: str) -> None:
    assert not _undeclared(_imported(f"services.{service}"), EXTRAS[service])


def test_an_import_without_a_requirement_is_found() -> None:
    assert _undeclared({"stdnum", "nats"}, []) == {"stdnum"}
    assert not _undeclared({"stdnum", "nats"}, ["python-stdnum>=2.2"])
    assert _undeclared({"nowhere"}, []) == {"nowhere"}
    assert "pydantic" in _imported("shared.contracts")


def test_every_requirement_is_locked() -> None:
    requirements = [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]

    assert {_name(requirement) for requirement in requirements} <= _locked(LOCK).keys()


def test_the_lock_is_safe_to_install_from() -> None:
    assert not list(_lock_faults(LOCK))


@pytest.mark.parametrize(
    "lock",
    [
        "orjson==3.13.0\n",
        "litellm==1.0 \\\n    --hash=sha256:ab\n",
        "dacy==999.9.9 \\\n    --hash=sha256:ab\n",
        "--index" + "-url x\n",
        "orjson @ https://files.example/orjson.whl \\\n    --hash=sha256:ab\n",
    ],
)
def test_an_unsafe_lock_is_refused(lock: str) -> None:
    assert list(_lock_faults(lock))
