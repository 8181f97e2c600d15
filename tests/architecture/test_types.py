"""Strict mypy with pydantic's plug-in refuses the two mistakes that a plain mypy lets pass."""

from pathlib import Path

import pytest
from mypy import api

from tests.architecture.source import ROOT

# mypy reads pydantic on its first run, which takes a slow machine more than the usual limit.
pytestmark = pytest.mark.timeout(120)

LAWFUL = """
from shared.contracts.event import Record
from shared.contracts.values import Token

class Part(Record):
    tenant: Token

part = Part(tenant="default")
"""


def _check(folder: Path, text: str) -> tuple[str, int]:
    """Return what mypy prints for a module under the project's settings, and its exit code."""
    module = folder / "snippet.py"
    module.write_text(text)
    config = f"--config-file={ROOT / 'pyproject.toml'}"
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    report, errors, code = api.run([config, cache, str(module)])
    return report + errors, code


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('tenant="default"', "tenant=7", "arg-type"),
        ('tenant="default"', 'tenant="default", tenent="x"', "call-arg"),
        ("part = ", "part: int = ", "assignment"),
        ("part = ", "def f(x): return x\npart = ", "no-untyped-def"),
    ],
)
def test_a_mistake_in_types_is_refused(old: str, new: str, error: str, tmp_path: Path) -> None:
    report, code = _check(tmp_path, LAWFUL.replace(old, new))

    assert code == 1
    assert error in report


def test_lawful_code_passes(tmp_path: Path) -> None:
    report, code = _check(tmp_path, LAWFUL)

    assert code == 0, report
