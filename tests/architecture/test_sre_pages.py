"""What docs/sre says of commands, metrics, files and scaling is so."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import typer.main

from stellwerk.cli import build
from tests.architecture.source import ROOT
from tests.fixtures.cluster import Object, rendered

PAGES: Final = {file.name: file.read_text() for file in (ROOT / "docs" / "sre").glob("*.md")}
METRIC: Final = re.compile(r"stellwerk_[a-z_]+(?:_total|_seconds|_in_hand|_reachable)\b")
FILE: Final = re.compile(r"(?:deploy|config)/[\w./-]*\w")
CODE: Final = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND: Final = re.compile(r"(?:^|=\S+ )stellwerk ((?:[a-z]+ ?)+)((?: ?--?[a-z-]+[^|>#\n]*)?)")
# Said to be missing, on the page that is about it.
NOT_YET: Final = {"backup"}


def _commands(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words and the options of each command of ours in a page's code."""
    for block, inline in CODE.findall(text):
        for line in (block or inline).replace("\\\n", " ").splitlines():
            if found := COMMAND.search(line):
                yield found[1].split(), re.findall(r"--[a-z-]+", found[2])


def _faults(words: list[str], options: list[str]) -> Iterator[str]:
    """Yield what the command line does not know of a command."""
    command: Any = typer.main.get_command(build())
    for word in words:
        known = getattr(command, "commands", None)
        if known is None:
            break  # An argument of the command.
        if word not in known:
            yield f"there is no command {' '.join(words)}"
            return
        command = known[word]
    known_options = {one for parameter in command.params for one in parameter.opts}
    yield from (f"{' '.join(words)} has no {one}" for one in options if one not in known_options)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_command_exists_with_its_options(page: str) -> None:
    for words, options in _commands(PAGES[page]):
        if words[0] not in NOT_YET:
            assert not list(_faults(words, options))


def test_a_command_and_an_option_that_are_missing_are_found() -> None:
    page = "Run `stellwerk provison`.\n```sh\nstellwerk provision --replica 3 --diff\n```\n"
    found = [list(_faults(words, options)) for words, options in _commands(page)]
    assert found == [["there is no command provison"], ["provision has no --replica"]]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_metric_is_one_that_the_code_has(page: str) -> None:
    code = "".join(
        file.read_text()
        for folder in ("services", "shared")
        for file in (ROOT / folder).rglob("*.py")
    )
    for metric in METRIC.findall(PAGES[page]):
        assert f'"{metric}"' in code, metric


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_file_of_the_repository_that_is_named_exists(page: str) -> None:
    for path in FILE.findall(PAGES[page]):
        assert (ROOT / path.replace("overlays/mine", "overlays/example")).exists(), path


def test_the_table_of_scaling_is_what_the_manifests_say() -> None:
    stated = re.findall(
        r"^\| `([\w-]+)` \| (\w+) \| `(\w+)` \| (\d+) \| (\d+)–(\d+) \|",
        PAGES["scale.md"],
        re.MULTILINE,
    )
    base = rendered("base")
    limits: dict[str, Object] = {
        one["metadata"]["name"]: one["spec"] for one in base.of_kind("ScaledObject")
    }
    expected = {
        (
            trigger["metadata"]["consumer"],
            service,
            trigger["metadata"]["stream"],
            trigger["metadata"]["lagThreshold"],
            str(limits[service]["minReplicaCount"]),
            str(limits[service]["maxReplicaCount"]),
        )
        for service, trigger in base.triggers()
    }
    assert set(stated) == expected
