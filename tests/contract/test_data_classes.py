"""The class of a message says what it may contain, and no repr shows any of it."""

from collections.abc import Iterator

import pytest

from shared.contracts.catalog import APP, COMMANDS, EVENTS, EventRow
from shared.contracts.documents.map import may_read
from shared.contracts.documents.schemas import all_records
from shared.contracts.errors import ErrorDetail
from shared.contracts.event import Event, Record
from shared.contracts.values import DataClass
from tests.contract.golden import STEMS, Example, examples, golden, text_leaves

CLASSES: dict[str, DataClass] = {
    **{f"{row.event.kind}.v{row.event.version}": row.data_class for row in EVENTS},
    **{
        f"{row.command.service}.{row.command.verb}.{part}": row.data_class
        for row in COMMANDS
        for part in ("command", "reply")
    },
}
META_STEMS = [stem for stem, data_class in CLASSES.items() if data_class is DataClass.META]

# The one attribute of the envelope without a pattern; the bus writes `<tenant>/<app>` into it.
ENVELOPE_TEXT = {"message.subject"}

# Sentences of ours, and an event inside a record, whose own example shows what may be in it.
OUR_TEXT = {
    "message.data.error.message",
    "message.entries[].envelope.<key>",
    "message.entries[].envelope.*",
}


@pytest.mark.parametrize("stem", META_STEMS)
def test_a_meta_message_has_no_room_for_free_text(stem: str) -> None:
    assert set(text_leaves(golden(stem))) - ENVELOPE_TEXT == set()


def test_the_search_for_free_text_finds_it() -> None:
    found = set(text_leaves(golden("request.submitted.v1")))
    assert found == ENVELOPE_TEXT | {
        "message.data.messages[].content",
        "message.data.messages[].name",
        "message.data.metadata.<key>",
        "message.data.metadata.*",
        *(f"message.data.messages[].parts[].{name}" for name in ("text", "url", "data", "name")),
        "message.data.messages[].tool_calls[].arguments",
        "message.data.tools[].description",
        "message.data.tools[].parameters.<key>",
        "message.data.tools[].parameters.*",
    }


def test_only_the_redactor_and_callers_touch_clear_text() -> None:
    for row in EVENTS:
        if row.data_class is DataClass.CLEAR:
            assert {*row.senders, *row.takers} <= {APP, "gateway", "redactor"}


def test_the_gateway_reads_what_callers_read_and_nothing_masked() -> None:
    taken = {row.event for row in EVENTS if "gateway" in row.takers}
    assert taken == {row.event for row in EVENTS if APP in row.takers}


def test_each_service_reads_no_more_than_the_design_allows() -> None:
    assert may_read("redactor") is DataClass.CLEAR
    assert may_read("router") is may_read("audit") is may_read("evals") is DataClass.MASKED
    assert may_read("billing") is may_read("watch") is DataClass.META


@pytest.mark.parametrize("row", EVENTS, ids=lambda row: row.event.kind)
def test_apps_take_clear_and_send_clear_or_meta(row: EventRow) -> None:
    if APP in row.takers:
        assert row.data_class is DataClass.CLEAR
    if APP in row.senders:
        assert row.data_class in (DataClass.CLEAR, DataClass.META)


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.file.name)
def test_the_repr_of_a_message_shows_no_text_from_people(example: Example) -> None:
    message = example.read()
    shown = f"{message!r} {message}" + " ".join(map(repr, parts(message)))
    for text in texts_from_people(example):
        assert text not in shown


@pytest.mark.parametrize("record", all_records(), ids=lambda record: record.__name__)
def test_a_field_with_free_text_is_hidden_from_repr(record: type[Record]) -> None:
    if record is ErrorDetail:
        return  # its sentence is one of ours and holds no value
    schema = record.model_json_schema()
    places = {place.split(".")[1].split("[")[0] for place in text_leaves(schema)}
    open_to_repr = {name for name in places if record.model_fields[name].repr}
    nested = {name for name in open_to_repr if holds_records(record.model_fields[name].annotation)}
    assert issubclass(record, Event) or open_to_repr - nested == set()


def parts(value: object) -> Iterator[Record]:
    """Yield every record inside a record: each may be logged by itself."""
    if isinstance(value, Record):
        yield value
        for name in type(value).model_fields:
            yield from parts(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from parts(each)


def texts_from_people(example: Example) -> set[str]:
    """Return every free text of an example, by the golden schema's word."""
    places = set(text_leaves(golden(example.stem))) - ENVELOPE_TEXT - OUR_TEXT
    return {text for place, text in strings(example.parsed, "message", places) if place in places}


def strings(value: object, place: str, free: set[str]) -> Iterator[tuple[str, str]]:
    """Yield every string in a message with its place, keys of free dictionaries included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{place}.<key>", key
            inner_place = f"{place}.*" if f"{place}.<key>" in free else f"{place}.{key}"
            yield from strings(inner, inner_place, free)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, f"{place}[]", free)
    elif isinstance(value, str) and value:
        yield place, value


def holds_records(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return True
    return any(holds_records(each) for each in getattr(annotation, "__args__", ()))


def test_some_examples_hold_text_from_people() -> None:
    kept = {example.stem for example in examples() if texts_from_people(example)}
    assert {"request.submitted.v1", "request.redacted.v1", "completion.produced.v1"} <= kept
    assert {"completion.restored.v1", "chunk.restored.v1", "chunk.produced.v1"} <= kept
    assert kept <= set(STEMS)
