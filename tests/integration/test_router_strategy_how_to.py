"""docs/how-to/add-a-strategy.md, followed to the letter in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from shared.contracts.configuration import Document
from shared.contracts.stated import PolicyDocument
from tests.fixtures.configuration import shipped

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-a-strategy.md"
LINES_MAX = 40
COPIED = (
    *("services/__init__.py", "services/router", "shared", "pyproject.toml"),
    *("tests/__init__.py", "tests/unit/__init__.py", "tests/unit/router"),
)


def test_whoever_follows_the_page_has_added_a_strategy(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (path,) = re.findall(r"Write `(services/router/strategies/\w+\.py)`", page)
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", page)
    (name,) = re.findall(r'^NAME = "(\w+)"$', code, re.MULTILINE)
    for place in COPIED:
        copy(place, tmp_path)

    (tmp_path / path).write_text(code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, *command.split(), "-v"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert f"[{name}]" in ran.stdout
    assert len(page.splitlines()) < LINES_MAX


def test_the_policy_of_the_page_switches_it_on_for_one_use_case() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    policy = yaml.safe_load(shipped()[Document.POLICY])
    policy["use_cases"] = (policy.get("use_cases") or {}) | yaml.safe_load(text)["use_cases"]

    stated = PolicyDocument.model_validate(policy)

    others = [route.strategy for route in stated.routes() if route.reason != "on-trial"]
    assert set(others) == {"task"}
    assert stated.use_cases["mail"].strategy == "thrifty"


def copy(place: str, folder: Path) -> None:
    source, target = ROOT / place, folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
