"""What the front pages promise is there: every link leads somewhere, every command exists."""

import re
from pathlib import Path

import pytest
import typer

from stellwerk.cli import build

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "docs" / "map.md",
    ROOT / "docs" / "events.md",
    *sorted((ROOT / "docs" / "app-developers").glob("*.md")),
    *sorted((ROOT / "docs" / "data-protection").glob("*.md")),
    ROOT / "config" / "dictionaries" / "README.md",
)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_is_named_exists(page: Path) -> None:
    named_here = re.findall(r"`stellwerk ([a-z]+)(?: ([a-z]+))?", page.read_text(encoding="utf-8"))
    root = typer.main.get_group(build())
    groups = {name: getattr(command, "commands", {}) for name, command in root.commands.items()}
    for command, subcommand in named_here:
        assert command in groups, f"stellwerk {command}"
        if groups[command]:
            assert subcommand in groups[command], f"stellwerk {command} {subcommand}"


def test_every_make_target_that_is_named_exists() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b(?=[`\n])", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
