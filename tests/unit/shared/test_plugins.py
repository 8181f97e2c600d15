"""Plug-ins: one file each, found by its folder, and refused when something is missing."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from shared.plugins import PluginError, load


class Greeting(Protocol):
    WORD: str

    @staticmethod
    def greet(name: str) -> str: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    package = tmp_path / "greetings_for_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "base.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


def test_every_module_but_base_is_found_in_order(folder: Path) -> None:
    for word in ("servus", "hej"):
        (folder / f"{word}.py").write_text(f"WORD = {word!r}\ndef greet(name): return name\n")

    assert [one.WORD for one in load(folder.name, Greeting)] == ["hej", "servus"]


def test_half_a_plugin_is_refused_by_name(folder: Path) -> None:
    (folder / "hej.py").write_text("WORD = 'hej'\n")

    with pytest.raises(PluginError, match=r"greetings_for_a_test\.hej has no greet"):
        load(folder.name, Greeting)


def test_nobody_has_to_offer_more(folder: Path) -> None:
    assert load(folder.name, Greeting, "stellwerk.nothing_of_this_name") == []
