"""Old readers read new bytes and new readers read old bytes."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from shared.contracts.documents.compatibility import broken_promises
from shared.contracts.documents.schemas import golden_schemas
from shared.contracts.event import Event, encode
from tests.contract.golden import (
    SCHEMAS,
    STEMS,
    Example,
    event_examples,
    examples,
    golden,
)

FIRST_HAS_NONE = {"cause"}
"""An event that nothing led to has no cause, and no example of it can show one."""


def named(example: Example) -> str:
    return example.file.name


@cache
def current() -> dict[str, dict[str, Any]]:
    return golden_schemas()


def faults(stem: str, message: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(golden(stem))
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(message)]


@pytest.mark.parametrize("stem", STEMS)
def test_every_message_has_a_golden_schema_and_an_example(stem: str) -> None:
    schema = golden(stem)
    validator_for(schema).check_schema(schema)
    assert any(example.stem == stem for example in examples()), f"no example of {stem}"


def test_no_golden_schema_and_no_example_is_an_orphan() -> None:
    assert {file.stem for file in SCHEMAS} == set(STEMS)
    assert [example.file.name for example in examples() if not example.stem] == []


@pytest.mark.parametrize("stem", STEMS)
def test_the_contract_keeps_the_promises_of_its_golden_schema(stem: str) -> None:
    assert broken_promises(golden(stem), current()[stem]) == []


@pytest.mark.parametrize("example", examples(), ids=named)
def test_a_new_reader_reads_old_bytes(example: Example) -> None:
    assert isinstance(example.read(), STEMS[example.stem])


@pytest.mark.parametrize("example", examples(), ids=named)
def test_old_bytes_fit_the_golden_schema(example: Example) -> None:
    assert faults(example.stem, example.parsed) == []


@pytest.mark.parametrize("example", event_examples(), ids=named)
def test_an_old_reader_reads_new_bytes_and_finds_what_it_knew(example: Example) -> None:
    event = example.read()
    assert isinstance(event, Event)
    sender = example.parsed["source"].rsplit("/", 1)[-1]

    sent_now = json.loads(encode(event, sender))

    assert faults(example.stem, sent_now) == []
    assert contains(sent_now, example.parsed)


@pytest.mark.parametrize("stem", STEMS)
def test_every_field_appears_in_an_example(stem: str) -> None:
    shown: set[str] = set()
    for example in examples():
        if example.stem == stem:
            shown |= set(keys(example.parsed))
    assert set(properties(golden(stem))) - shown - FIRST_HAS_NONE == set()


def contains(new: object, old: object) -> bool:
    """Return whether all that was in the old message is in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and contains(new[key], value) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(contains, new, old))
    return bool(new == old)


def keys(message: object) -> Iterator[str]:
    for part in parts(message):
        yield from part


def properties(schema: object) -> Iterator[str]:
    for part in parts(schema):
        yield from part.get("properties", {})


def parts(value: object) -> Iterator[dict[str, Any]]:
    """Yield every dictionary inside a value, itself included."""
    if isinstance(value, dict):
        yield value
        yield from parts(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from parts(each)


# --- the comparison itself is seen to fail ---------------------------------------------------

STEM = "completion.restored.v1"


def changed(
    properties: dict[str, Any] | None = None, required: list[str] | None = None, without: str = ""
) -> dict[str, Any]:
    """Return the schema of a completion with other properties or other required fields."""
    schema = deepcopy(golden(STEM))
    data = schema["$defs"]["CompletionRestored"]
    data["properties"] |= properties or {}
    data["properties"].pop(without, None)
    data["required"] = required or data["required"]
    return schema


def test_a_new_optional_field_breaks_nothing() -> None:
    new = changed(properties={"warmth": {"anyOf": [{"type": "number"}, {"type": "null"}]}})
    assert broken_promises(golden(STEM), new) == []


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (changed(without="text"), "text: was removed"),
        (changed(properties={"text": {"type": "string"}}), "text: anyOf changed"),
        (changed(properties={"cost_nano": {"type": "number", "minimum": 0}}), "type changed"),
        (changed(properties={"cost_nano": {"type": "integer", "minimum": 1}}), "minimum changed"),
        (
            changed(required=["tenant", "app", "request_id", "outcome", "model"]),
            "model: is required now",
        ),
        (changed(required=["tenant", "app", "request_id"]), "outcome: is optional now"),
    ],
)
def test_any_other_change_breaks_a_promise(new: dict[str, Any], fault: str) -> None:
    assert fault in " ".join(broken_promises(golden(STEM), new))


def test_an_enumeration_may_not_gain_a_member_that_an_old_reader_cannot_read() -> None:
    new = changed()
    new["$defs"]["FinishReason"]["enum"].append("bored")
    assert "enum changed" in " ".join(broken_promises(golden(STEM), new))


def test_error_codes_may_grow_but_never_shrink() -> None:
    grown, shrunk = changed(), changed()
    grown["$defs"]["ErrorCode"]["enum"].append("out_of_season")
    shrunk["$defs"]["ErrorCode"]["enum"].remove("conflict")
    assert broken_promises(golden(STEM), grown) == []
    assert "lost conflict" in " ".join(broken_promises(golden(STEM), shrunk))
