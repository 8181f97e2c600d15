"""The page that tells how to add a recogniser, followed to the letter in a copy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-a-recogniser.md"
LINES_MAX = 40
COPIED = ("services/redactor", "shared", "tests/unit/redactor", "pyproject.toml")
PACKAGES = ("services/__init__.py", "tests/__init__.py")


def test_whoever_follows_the_page_has_added_a_recogniser(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", page)
    (kind,) = re.findall(r'^KIND = "(\w+)"$', code, re.MULTILINE)
    for place in (*COPIED, *PACKAGES):
        _copy(place, tmp_path)

    (tmp_path / f"services/redactor/recognisers/{kind}.py").write_text(code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, *command.split(), "-v"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert "AB12345" in ran.stdout
    assert len(page.splitlines()) <= LINES_MAX


def _copy(place: str, folder: Path) -> None:
    source, target = ROOT / place, folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
