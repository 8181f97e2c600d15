"""What docs/data-protection says is so: its examples are run, and no kind or reason is left out."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
import yaml
from typer.testing import CliRunner

from services.redactor.dictionaries import LISTS
from services.redactor.kinds import KINDS, LITERAL
from services.redactor.topics import TOPICS
from shared.contracts.masking import MaskingPolicy
from shared.contracts.requests import PartKind
from shared.contracts.values import Sensitivity
from stellwerk.cli import build
from tests.architecture.source import ROOT

PAGE: Final = (ROOT / "docs" / "data-protection" / "masking.md").read_text(encoding="utf-8")
LISTS_PAGE: Final = (ROOT / "config" / "dictionaries" / "README.md").read_text(encoding="utf-8")
EXAMPLES: Final = re.findall(r"```console\n\$ (stellwerk [^\n]+)\n(.*?)```", PAGE, re.DOTALL)


def run(command: str) -> str:
    ran = CliRunner().invoke(build(), shlex.split(command)[1:])
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(command: str, shown: str) -> None:
    assert run(command) == shown


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {LITERAL}))
def test_every_kind_that_is_found_is_named(kind: str) -> None:
    assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("reason", sorted({*Sensitivity, *TOPICS, *PartKind} - {"text", "other"}))
def test_every_level_and_reason_is_named(reason: str) -> None:
    assert f"`{reason}`" in PAGE


def test_the_example_of_an_override_is_a_policy() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    policy = MaskingPolicy.model_validate(yaml.safe_load(block)["masking"])
    assert policy.overrides[0].app == "training"


def test_the_lists_are_written_and_tried_as_their_page_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```text\n(.*?)```", LISTS_PAGE, re.DOTALL)
    (command,) = re.findall(r"```sh\n(.*?)```", LISTS_PAGE, re.DOTALL)
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "projects.txt").write_text(example, encoding="utf-8")

    shown = run(command.replace("config/dictionaries", str(tmp_path)))

    assert '"masked": "Hvad er status på Projekt_001?"' in shown
    assert '"sensitivity": "confidential"' in shown
    assert all(f"`{name}`" in LISTS_PAGE for name in LISTS)
