"""The pages on adding a metric and a suite, followed to the letter in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
METRIC_PAGE = ROOT / "docs/how-to/add-a-metric.md"
SUITE_PAGE = ROOT / "docs/how-to/add-a-suite.md"
LINES_MAX = 40
COPIED = ("services/__init__.py", "services/evals", "shared", "tests/__init__.py", "pyproject.toml")


def test_whoever_follows_the_page_has_added_a_metric(tmp_path: Path) -> None:
    page = METRIC_PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", page)
    (name,) = re.findall(r'^NAME = "(\w+)"$', code, re.MULTILINE)
    for place in (*COPIED, "tests/unit/__init__.py", "tests/unit/evals"):
        copy(place, tmp_path)

    (tmp_path / f"services/evals/metrics/{name}.py").write_text(code)
    ran = run(command, tmp_path)

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count(f"[{name}") > len(re.findall("Example\\(", code))
    assert len(page.splitlines()) <= LINES_MAX


def test_whoever_follows_the_page_has_added_a_suite(tmp_path: Path) -> None:
    page = SUITE_PAGE.read_text()
    (content,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", page)
    (name,) = re.findall(r"^name: (.+)$", content, re.MULTILINE)
    ids = re.findall(r"- id: (.+)$", content, re.MULTILINE)
    for place in (*COPIED, "stellwerk", "tests/unit/__init__.py", "tests/unit/evals"):
        copy(place, tmp_path)
    copy("tests/unit/stellwerk", tmp_path)

    (tmp_path / f"services/evals/suites/{name}.yaml").write_text(content)
    ran = run(command, tmp_path)

    assert ran.returncode == 0, ran.stdout
    assert all(f"[{name}-{case_id}] PASSED" in ran.stdout for case_id in ids)
    assert len(page.splitlines()) <= LINES_MAX


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command.split(), "-v"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def copy(place: str, folder: Path) -> None:
    source, target = ROOT / place, folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
