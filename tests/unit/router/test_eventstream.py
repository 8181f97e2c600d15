"""AWS event streams are read as AWS's own library reads them, however the network cut them."""

import itertools
import struct
from collections.abc import Mapping
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from services.router.wire.eventstream import FRAME_BYTES_MAX, Frame, FrameReader
from services.router.wire.http import BadAnswerError


def _counted(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


NAMES = st.text(st.characters(codec="utf-8"), max_size=20).filter(
    lambda name: len(name.encode()) < 128
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
VALUES: st.SearchStrategy[tuple[int, bytes]] = st.one_of(
    st.sampled_from([(0, b""), (1, b"")]),
    *(
        st.tuples(st.just(kind), st.binary(min_size=size, max_size=size))
        for kind, size in {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}.items()
    ),
    st.tuples(st.just(6), st.binary(max_size=40).map(_counted)),
    st.tuples(st.just(7), TEXTS.map(lambda one: _counted(one.encode()))),
)
FRAMES = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES, max_size=4), st.binary(max_size=60)), max_size=4
)


def frame(headers: Mapping[str, tuple[int, bytes]], payload: bytes) -> bytes:
    """Return a frame as the documents describe it."""
    packed = b"".join(
        bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value
        for name, (kind, value) in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    begun = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return begun + struct.pack(">I", crc32(begun))


def event(kind: str, payload: bytes) -> bytes:
    said = {":message-type": "event", ":event-type": kind}
    return frame({name: (7, _counted(one.encode())) for name, one in said.items()}, payload)


STREAM = event("messageStart", b"{}") + event("contentBlockDelta", '{"text": "æøå"}'.encode())


def read_by_botocore(pieces: list[bytes]) -> list[Frame]:
    buffer, found = EventStreamBuffer(), []
    for piece in pieces:
        buffer.add_data(piece)
        found += [
            Frame(
                {name: one for name, one in message.headers.items() if isinstance(one, str)},
                message.payload,
            )
            for message in buffer
        ]
    return found


@given(FRAMES, st.lists(st.integers(0, 400), max_size=8))
def test_frames_are_read_as_botocore_reads_them(
    frames: list[tuple[dict[str, tuple[int, bytes]], bytes]], cuts: list[int]
) -> None:
    sent = b"".join(frame(headers, payload) for headers, payload in frames)
    edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[start:end] for start, end in itertools.pairwise(edges)]
    reader = FrameReader()

    found = [one for piece in pieces for one in reader.feed(piece)]

    assert len(found) == len(frames)
    assert found == read_by_botocore(pieces)


def test_a_cut_at_every_byte_makes_no_difference() -> None:
    whole = FrameReader().feed(STREAM)

    for cut in range(len(STREAM) + 1):
        reader = FrameReader()
        assert [*reader.feed(STREAM[:cut]), *reader.feed(STREAM[cut:])] == whole
    reader = FrameReader()
    assert [one for byte in STREAM for one in reader.feed(bytes([byte]))] == whole


def test_half_a_frame_is_none() -> None:
    assert FrameReader().feed(STREAM[:-1]) == FrameReader().feed(STREAM)[:-1]


@pytest.mark.parametrize("place", range(len(event("messageStop", b'{"stopReason": "x"}'))))
def test_no_byte_can_be_another_one_unseen(place: int) -> None:
    damaged = bytearray(event("messageStop", b'{"stopReason": "x"}'))
    damaged[place] ^= 0x20

    with pytest.raises(BadAnswerError):
        FrameReader().feed(bytes(damaged))


@pytest.mark.parametrize(
    "headers",
    [
        b"\x01a",  # no type
        b"\x09a\x07\x00\x01b",  # a name that is longer than all
        b"\x01a\x0b",  # a type that is none
        b"\x01a\x07\x00\x09b",  # a text that is longer than all
        b"\x01a\x07\x00",  # half a length
        b"\x01a\x07\x00\x01\xff",  # a text that is none
        b"\x01a\x00\x01a\x01",  # one name twice
    ],
)
def test_headers_that_cannot_be_are_refused(headers: bytes) -> None:
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    begun = prelude + struct.pack(">I", crc32(prelude)) + headers
    sent = begun + struct.pack(">I", crc32(begun))

    with pytest.raises(BadAnswerError):
        FrameReader().feed(sent)


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (20, 5), (FRAME_BYTES_MAX + 1, 0)])
def test_lengths_that_cannot_be_are_refused_at_once(total: int, headers: int) -> None:
    prelude = struct.pack(">II", total, headers)

    with pytest.raises(BadAnswerError):
        FrameReader().feed(prelude + struct.pack(">I", crc32(prelude)))


def test_a_frame_shows_nothing_of_what_it_holds() -> None:
    (one,) = FrameReader().feed(event("messageStop", b"hemmelig"))

    assert "hemmelig" not in repr(one)
