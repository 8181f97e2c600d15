"""Loads the fixtures: every plain module in tests/fixtures/ is a plug-in of pytest.

Nothing imports from a conftest. A folder's fixtures are found by name, so that a new one
needs no list to be kept.
"""

from pathlib import Path

import pytest

pytest_plugins = [
    f"tests.fixtures.{module.stem}"
    for module in sorted((Path(__file__).parent / "fixtures").glob("[a-z]*.py"))
]
# Marked before the first import, since one of them imports another.
pytest.register_assert_rewrite(*pytest_plugins)
