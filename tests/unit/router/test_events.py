"""Server-sent events come out whole, however the network cut them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.wire.events import EVENT_BYTES_MAX, EventReader, EventTooLong

STREAM = (
    'data: {"a": "æøå"}\r\n\r\n: ping\n\nevent: x\ndata: one\ndata: two\n\ndata:[DONE]\n\n'.encode()
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()

    events = [
        event
        for start, end in itertools.pairwise(edges)
        for event in reader.feed(STREAM[start:end])
    ]

    assert events == ['{"a": "æøå"}'.encode(), b"one\ntwo", b"[DONE]"]


def test_an_event_without_its_end_is_none() -> None:
    assert EventReader().feed(b"data: half\n") == []


def test_a_line_without_an_end_is_no_event_stream() -> None:
    with pytest.raises(EventTooLong):
        EventReader().feed(b"x" * (EVENT_BYTES_MAX + 1))
