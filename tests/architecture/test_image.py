"""The Dockerfile passes a linter, and says what docs/sre and deploy/k8s rely on."""

import re
import subprocess
import sysconfig
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.source import ROOT

DOCKERFILE: Final = ROOT / "deploy" / "images" / "Dockerfile"
HADOLINT: Final = Path(sysconfig.get_path("scripts")) / "hadolint"


def _stages(text: str) -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, continued lines joined."""
    joined = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    stages: list[list[tuple[str, str]]] = []
    for word, rest in lines:
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((word, rest))
    return stages


def _linted(file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([HADOLINT, file], capture_output=True, text=True, check=False)


def test_a_linter_has_nothing_to_say() -> None:
    linted = _linted(DOCKERFILE)
    assert linted.returncode == 0, linted.stdout


def test_the_linter_finds_a_base_without_a_version(tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM python\nRUN pip install asyncpg\n")
    assert "DL3006" in _linted(broken).stdout


def test_the_image_runs_as_a_number_that_is_not_root_and_has_no_healthcheck() -> None:
    *_, image = _stages(DOCKERFILE.read_text())
    assert ("USER", "65532:65532") in image
    assert "HEALTHCHECK" not in {word for word, _ in image}
    assert ("ENTRYPOINT", '["start"]') in image


def test_nothing_is_installed_in_the_image_itself() -> None:
    build, image = _stages(DOCKERFILE.read_text())
    assert not [rest for word, rest in image if word == "RUN" and " install " in rest]
    assert [rest for word, rest in image if word == "COPY"] == [
        "--from=build /opt/stellwerk /opt/stellwerk"
    ]
    installs = [rest for word, rest in build if word == "RUN" for rest in rest.split("&&")]
    fetched = [one for one in installs if re.search(r"pip (install|wheel).* -r ", one)]
    assert len(fetched) == 2
    assert all("--require-hashes" in one and "--no-deps" in one for one in fetched)


@pytest.mark.parametrize("path", ["pyproject.toml", "requirements.lock", "deploy", "services"])
def test_the_builder_is_sent_what_the_dockerfile_copies(path: str) -> None:
    build, _ = _stages(DOCKERFILE.read_text())
    copied = {one for word, rest in build if word == "COPY" for one in rest.split()[:-1]}
    assert path in copied
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert sent[1] == "*"
    assert all(f"!{one}" in sent or one.startswith("deploy/") for one in copied)


def _left_behind(names: list[str], kept: list[str]) -> list[str]:
    """Return the files that an installed copy would not have."""
    return [name for name in names if not any(fnmatch(name, pattern) for pattern in kept)]


def test_every_file_that_a_service_reads_is_installed_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    kept = [*project["tool"]["setuptools"]["package-data"]["*"], "*.py", "*.md"]
    files = (
        file for top in ("services", "shared", "stellwerk") for file in (ROOT / top).rglob("*")
    )
    names = [file.name for file in files if file.is_file() and "__pycache__" not in file.parts]
    assert _left_behind(names, kept) == []
    assert _left_behind(["page.html", "logo.png"], kept) == ["logo.png"]
