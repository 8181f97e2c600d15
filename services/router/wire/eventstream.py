"""Reads AWS event streams out of bytes, wherever the network cut them.

A frame is four big-endian parts: total length, length of the headers and a CRC-32 of both; the
headers; the payload; and a CRC-32 of everything before it.
"""

import struct
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from services.router.wire.http import BadAnswerError

FRAME_BYTES_MAX: Final = 1024 * 1024
_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_TEXT: Final = 7
_WITH_LENGTH: Final = (6, _TEXT)
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a value by its type: booleans, integers, a moment, a UUID. Others say their own."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. Of its headers those that are texts; the others say nothing here."""

    headers: dict[str, str] = field(repr=False)
    payload: bytes = field(repr=False)


class FrameReader:
    """Takes bytes as they come and returns the frames that are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[Frame]:
        """Return each frame that `received` has completed. Raises `BadAnswerError`."""
        data, at, frames = self._rest + received, 0, []
        while (length := _length_of(data, at)) is not None and at + length <= len(data):
            frames.append(_frame(memoryview(data)[at : at + length]))
            at += length
        self._rest = data[at:]
        return frames


def _length_of(data: bytes, at: int) -> int | None:
    """Return how long the frame at a place is; None while its prelude is not all there."""
    if len(data) < at + _PRELUDE.size:
        return None
    total, headers, checksum = _PRELUDE.unpack_from(data, at)
    if crc32(memoryview(data)[at : at + _PRELUDE.size - _CRC.size]) != checksum:
        raise BadAnswerError("a frame whose length does not match its checksum")
    if total > FRAME_BYTES_MAX or headers + _PRELUDE.size + _CRC.size > total:
        raise BadAnswerError("a frame longer than any, or shorter than its headers")
    return int(total)


def _frame(data: memoryview) -> Frame:
    end = len(data) - _CRC.size
    if (crc32(data[:end]),) != _CRC.unpack_from(data, end):
        raise BadAnswerError("a frame that does not match its checksum")
    begin = _PRELUDE.size + _PRELUDE.unpack_from(data)[1]
    try:
        headers = _headers(data[_PRELUDE.size : begin])
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise BadAnswerError("headers of a frame that cannot be read") from None
    return Frame(headers, bytes(data[begin:end]))


def _headers(data: memoryview) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[bytes] = set()
    at = 0
    while at < len(data):
        name = bytes(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
        kind = data[at]
        at += 1
        size = _SIZES.get(kind)
        if kind in _WITH_LENGTH:
            (size,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
        if size is None or at + size > len(data) or name in seen:
            raise BadAnswerError("headers of a frame that contradict each other")
        seen.add(name)
        if kind == _TEXT:
            found[name.decode()] = bytes(data[at : at + size]).decode()
        at += size
    return found
