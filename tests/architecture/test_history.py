"""Commit messages and changelog fragments have the form that readers rely on."""

import re
import tomllib
from collections.abc import Iterable
from typing import Final

import pytest

from tests.architecture.commit_message import faults
from tests.architecture.source import ROOT, working_tree

FRAGMENT: Final = re.compile(r"changes/\d+\.(?P<section>[a-z]+)(\.\d+)?\.md")
SECTIONS: Final = ("safety", "feature", "fix", "internal")


def _misnamed(paths: Iterable[str]) -> list[str]:
    """Return the files of changes/ that no release would pick up."""
    fragments = [p for p in paths if p.startswith("changes/") and p != "changes/README.md"]
    matches = ((path, FRAGMENT.fullmatch(path)) for path in fragments)
    return [path for path, found in matches if not found or found["section"] not in SECTIONS]


def test_every_change_is_picked_up_by_a_release() -> None:
    assert not _misnamed(file.path for file in working_tree().files)


@pytest.mark.parametrize("path", ["changes/2.feat.md", "changes/x.fix.md", "changes/2.fix.txt"])
def test_a_misnamed_change_is_refused(path: str) -> None:
    assert _misnamed([path])


def test_the_sections_are_those_of_the_release_tool() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert tuple(kind["directory"] for kind in config["tool"]["towncrier"]["type"]) == SECTIONS


@pytest.mark.parametrize(
    "message",
    [
        "router: refuse regions outside the policy",
        "docs/how-to: show a recogniser\n\nBecause nobody found the folder.\n",
        'Revert "router: refuse regions"\n\nThis reverts commit 1.\n',
        "billing: expire holds\n# Please enter the commit message\n",
    ],
)
def test_a_well_formed_message_is_accepted(message: str) -> None:
    assert not list(faults(message))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "refuse regions outside the policy",
        "Router: refuse regions",
        "router: refuse regions.",
        "router:refuse regions",
        "router: " + "x" * 70,
        "router: refuse regions\nbecause",
    ],
)
def test_a_misformed_message_is_refused(message: str) -> None:
    assert list(faults(message))
