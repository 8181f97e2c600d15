"""What is generated is up to date, well formed, and refuses to break a promise."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.contracts import generate
from shared.contracts.catalog import COMMANDS, CONSUMERS, EVENTS
from shared.contracts.documents.asyncapi import asyncapi
from shared.contracts.documents.events import events_page
from shared.contracts.documents.map import mermaid
from shared.contracts.documents.yaml import yaml_text
from shared.contracts.errors import ErrorCode
from shared.contracts.stores import STREAMS
from tests.contract.golden import event_examples


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with every generated document as it is checked in."""
    for path in generate.documents(generate.REPOSITORY):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(generate.REPOSITORY / path, tmp_path / path)
    return tmp_path


def test_every_document_is_up_to_date() -> None:
    stale = [str(path) for path in generate.stale_documents(generate.REPOSITORY)]
    assert stale == [], "run `make map` and commit what it writes"


def test_a_stale_document_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "REPOSITORY", copy)
    (copy / "docs/events.md").write_text("old")
    (copy / generate.GOLDEN_FOLDER / "gone.v1.json").write_text("{}")

    assert generate.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "docs/events.md is stale" in said
    assert "gone.v1.json is stale" in said

    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_a_breaking_change_is_refused_even_when_asked_to_write(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "REPOSITORY", copy)
    file = copy / generate.GOLDEN_FOLDER / "chunk.restored.v1.json"
    golden = json.loads(file.read_text("utf-8"))
    golden["$defs"]["ChunkRestored"]["properties"]["colour"] = {"type": "string"}
    file.write_text(json.dumps(golden))

    assert generate.main([]) == 1
    assert "colour: was removed" in capsys.readouterr().err


def test_the_map_in_the_readme_is_replaced_between_its_marks(copy: Path) -> None:
    page = "# x\n<!-- map: made by `make map` -->\nold\n<!-- /map -->\nend\n"
    (copy / generate.README).write_text(page)
    made = generate.documents(copy)[generate.README]
    assert made == page.replace("old", mermaid())


def test_the_asyncapi_document_is_the_catalogue() -> None:
    text = (generate.REPOSITORY / "docs/asyncapi.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    assert document == asyncapi()
    kinds = {row.event.kind for row in EVENTS}
    commands = {f"{row.command.service}.{row.command.verb}" for row in COMMANDS}
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == kinds | commands | {f"{name}.reply" for name in commands}
    assert set(document["components"]["messages"]) == set(document["channels"])


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_example_fits_its_payload_in_the_asyncapi_document() -> None:
    document = asyncapi()
    for example in event_examples():
        kind = example.parsed["type"].removeprefix("eu.stellwerk.").rsplit(".", 1)[0]
        payload = document["components"]["messages"][kind]["payload"]
        validator = Draft202012Validator({**payload, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(example.parsed)] == []


def test_the_events_page_names_everything_and_its_links_lead_somewhere() -> None:
    page = events_page()
    names = [f"### {row.event.kind}" for row in EVENTS] + [row.subject for row in COMMANDS]
    names += [stream.name for stream in STREAMS] + [each.name for each in CONSUMERS]
    names += [f"`{code}`" for code in ErrorCode]
    assert [name for name in names if name not in page] == []

    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#(.*?)\)", page)) <= anchors


def test_yaml_reads_back_as_what_was_written() -> None:
    data = {
        "a b": ["- x", "yes", "1", "", "null", 'say "hi": now', "æ # no comment", [], {}],
        "nested": [{"x": [1, 2.5, None, True]}, {"y": {"z": "1.0"}}],
    }
    assert yaml.safe_load(yaml_text(data)) == data


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)
