"""The catalogue is complete and says nothing twice."""

from collections import Counter
from collections.abc import Iterator

import pytest

from shared.contracts import (
    access,
    billing,
    completions,
    configuration,
    evaluations,
    incidents,
    records,
    requests,
    traces,
    usage,
)
from shared.contracts.catalog import (
    APP,
    COMMANDS,
    CONSUMERS,
    EVENTS,
    OPERATOR,
    SERVICES,
    Consumer,
    EventRow,
    stream_subjects,
    subject_of,
)
from shared.contracts.commands import Command
from shared.contracts.event import Event, Record
from shared.contracts.stores import STREAMS, Stream
from tests.contract.golden import Example, event_examples

MODULES = (
    *(access, billing, completions, configuration, evaluations),
    *(incidents, records, requests, traces, usage),
)


def named(row: EventRow) -> str:
    return row.event.kind


def concrete(base: type[Record], mark: str) -> Iterator[type[Record]]:
    """Yield each class below `base` that a message can be made of."""
    for child in base.__subclasses__():
        if mark in vars(child):
            yield child
        yield from concrete(child, mark)


def matches(subject: str, pattern: str) -> bool:
    tokens, wanted = subject.split("."), pattern.split(".")
    if wanted[-1] == ">":
        tokens, wanted = tokens[: len(wanted) - 1], wanted[:-1]
    pairs = zip(tokens, wanted, strict=False)
    return len(tokens) == len(wanted) and all(b in ("*", a) for a, b in pairs)


def test_every_event_class_has_exactly_one_row() -> None:
    rows = Counter(row.event for row in EVENTS)
    assert rows == Counter(set(concrete(Event, "kind")))


def test_every_command_class_has_exactly_one_row() -> None:
    rows = Counter(row.command for row in COMMANDS)
    assert rows == Counter(set(concrete(Command, "verb")))


def test_no_two_events_share_a_type_or_a_subject() -> None:
    assert len({row.event.type_name() for row in EVENTS}) == len(EVENTS)
    assert len({row.prefix for row in EVENTS}) == len(EVENTS)
    assert len({row.subject for row in COMMANDS}) == len(COMMANDS)


@pytest.mark.parametrize("row", EVENTS, ids=named)
def test_senders_and_takers_exist(row: EventRow) -> None:
    assert row.senders
    assert row.takers
    assert {*row.senders, *row.takers} <= {APP, *SERVICES}


def test_commands_go_from_somebody_to_a_service() -> None:
    for row in COMMANDS:
        assert row.command.service in SERVICES
        assert row.callers
        assert set(row.callers) <= {APP, OPERATOR, *SERVICES}


@pytest.mark.parametrize("row", EVENTS, ids=named)
def test_each_taker_has_one_consumer_for_what_a_stream_keeps(row: EventRow) -> None:
    consumers = Counter(each.service for each in CONSUMERS if row.event in each.events)
    durable = [taker for taker in row.takers if taker not in (APP, *row.heard_by)]
    expected = durable if row.stream else []
    assert consumers == Counter(expected)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda each: each.name)
def test_a_consumer_reads_one_stream_and_is_named_after_its_service(consumer: Consumer) -> None:
    assert consumer.stream in STREAMS
    assert consumer.name.startswith(f"{consumer.service}-")
    assert consumer.batch_max > 0


def test_consumer_names_are_unique() -> None:
    assert len({consumer.name for consumer in CONSUMERS}) == len(CONSUMERS)


@pytest.mark.parametrize("example", event_examples(), ids=lambda each: each.file.name)
def test_an_event_is_kept_by_its_own_stream_only(example: Example) -> None:
    event = example.read()
    assert isinstance(event, Event)
    subject = subject_of(event)
    row = next(row for row in EVENTS if row.event is type(event))

    kept_by = [
        stream
        for stream in STREAMS
        if any(matches(subject, pattern) for pattern in stream_subjects(stream))
    ]

    assert subject.startswith(f"sw.{row.data_class}.")
    assert kept_by == ([row.stream] if row.stream else [])


@pytest.mark.parametrize("stream", STREAMS, ids=lambda each: each.name)
def test_a_stream_holds_one_class_and_every_limit_is_set(stream: Stream) -> None:
    assert len({subject.split(".")[1] for subject in stream_subjects(stream)}) == 1
    assert stream.max_age_s > 0
    assert stream.bytes_max > 0
    assert stream.message_bytes_max > 0
