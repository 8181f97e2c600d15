"""Reads server-sent events out of bytes, wherever the network cut them."""

from typing import Final

EVENT_BYTES_MAX: Final = 1024 * 1024


class EventTooLong(ValueError):
    """More bytes without an end than any event has: this is no event stream."""


class EventReader:
    """Takes bytes as they come and returns the data of the events that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of each event that `received` has completed.

        Comments and other fields are passed over. Raises `EventTooLong`.
        """
        *lines, self._rest = (self._rest + received).split(b"\n")
        if len(self._rest) > EVENT_BYTES_MAX:
            raise EventTooLong
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].strip())
            elif not line.rstrip(b"\r") and self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
        return events
