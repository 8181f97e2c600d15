"""The page that tells how to add a rule, followed to the letter in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-a-rule.md"
LINES_MAX = 40
COPIED = (
    *("services/__init__.py", "services/watch", "shared", "tests/__init__.py", "pyproject.toml"),
    *("tests/unit/__init__.py", "tests/unit/watch"),
)


def test_whoever_follows_the_page_has_added_a_rule(tmp_path: Path) -> None:
    page = PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", page)
    (name,) = re.findall(r'^NAME = "(\w+)"$', code, re.MULTILINE)
    for place in COPIED:
        copy(place, tmp_path)

    (tmp_path / f"services/watch/rules/{name}.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, *command.split(), "-v"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count(f"[{name}") > len(re.findall("Example\\(", code))
    assert len(page.splitlines()) < LINES_MAX


def copy(place: str, folder: Path) -> None:
    source, target = ROOT / place, folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
