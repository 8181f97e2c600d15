"""Streams: every piece in order, an honest end, and an error for whatever is not whole."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from services.redactor.labels import Naming
from services.redactor.placeholders import Mapping
from services.redactor.streaming import Streams
from shared.contracts.completions import ChunkProduced, ChunkRestored
from shared.contracts.errors import ErrorCode
from shared.contracts.masking import Style

REQUEST = UUID(int=7)


def _chunk(sequence: int, text: str = "", request_id: UUID = REQUEST, **data: Any) -> ChunkProduced:
    return ChunkProduced(
        tenant="default",
        app="crm",
        request_id=request_id,
        redactor="r1",
        sequence=sequence,
        text=text,
        **data,
    )


def _streams(streams_max: int = 8) -> Streams:
    streams = Streams(streams_max)
    mapping = Mapping("da")
    mapping.add("person", "Anders Hansen")
    streams.expect(REQUEST, mapping)
    return streams


def _all(streams: Streams, *chunks: ChunkProduced) -> list[ChunkRestored]:
    return [restored for chunk in chunks for restored in streams.restore(chunk)]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_placeholder_split_over_chunks_is_restored() -> None:
    pieces = ["Kære Kli", "ent_0", "01", "s nabo"]
    end = _chunk(4, end=True, sha256=_hash("".join(pieces)))

    out = _all(_streams(), *[_chunk(at, text) for at, text in enumerate(pieces)], end)

    assert "".join(one.text for one in out) == "Kære Anders Hansens nabo"
    assert [one.sequence for one in out] == [0, 1, 2, 3, 4]
    assert out[-1].end
    assert out[-1].sha256 == _hash("Kære Anders Hansens nabo")


def test_a_compact_placeholder_split_over_chunks_is_restored() -> None:
    streams = Streams(8)
    mapping = Mapping("da", Naming(Style.COMPACT), salt=b"a case")
    code = mapping.add("person", "Jens")
    streams.expect(REQUEST, mapping)
    pieces = [f"Se {code[:3]}", code[3:8], code[8:], "s sag"]

    out = _all(streams, *[_chunk(at, text) for at, text in enumerate(pieces)])

    assert "".join(one.text for one in out) == "Se Jens' sag"


def test_what_is_held_at_the_end_comes_before_the_end_marker() -> None:
    end = _chunk(1, end=True, sha256=_hash("til Klient_001"))

    out = _all(_streams(), _chunk(0, "til Klient_001"), end)

    assert [(one.sequence, one.text, one.end) for one in out] == [
        (0, "til ", False),
        (1, "Anders Hansen", False),
        (2, "", True),
    ]
    assert out[1].id != out[2].id


def test_a_heartbeat_goes_on() -> None:
    assert [(one.sequence, one.text) for one in _all(_streams(), _chunk(0))] == [(0, "")]


def test_a_gap_is_an_error_and_nothing_follows_it() -> None:
    out = _all(_streams(), _chunk(0, "x"), _chunk(2, "y"), _chunk(3, "z"))

    assert [(one.text, one.code) for one in out] == [
        ("x", None),
        ("", ErrorCode.STREAM_BROKEN),
        ("", ErrorCode.STREAM_BROKEN),
    ]


def test_a_wrong_hash_is_an_error() -> None:
    out = _all(_streams(), _chunk(0, "a"), _chunk(1, end=True, sha256=_hash("b")))

    assert out[-1].end
    assert out[-1].code is ErrorCode.STREAM_BROKEN


def test_the_error_that_ended_a_stream_is_passed_on() -> None:
    out = _all(_streams(), _chunk(0, end=True, code=ErrorCode.PROVIDER_UNAVAILABLE))

    assert [one.code for one in out] == [ErrorCode.PROVIDER_UNAVAILABLE]


def test_a_stream_that_nobody_expects_is_an_error() -> None:
    (out,) = _all(_streams(), _chunk(0, "a", request_id=UUID(int=9)))

    assert out.code is ErrorCode.STREAM_BROKEN
    assert out.text == ""


def test_memory_is_bounded_and_an_ended_stream_is_forgotten() -> None:
    streams = _streams(streams_max=2)
    for number in (8, 9):
        streams.expect(UUID(int=number), Mapping())

    assert len(streams) == 2
    _all(streams, _chunk(0, request_id=UUID(int=9), end=True, sha256=_hash("")))
    assert len(streams) == 1
