"""Puts the chunks of a stream together and proves that nothing is missing."""

from hashlib import sha256

from shared.contracts.completions import ChunkRestored


class Gap(Exception):
    """A chunk is missing, or the end does not match what came before it."""


class Assembly:
    """What has arrived of one streamed answer."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False
        self._next = 0
        self._digest = sha256()
        self._texts: list[str] = []

    def add(self, chunk: ChunkRestored) -> str:
        """Return the new text of a chunk; empty for a heartbeat, an end and a repetition.

        Every chunk has a number of its own, heartbeats too. Raises `Gap` when a chunk before this
        one is missing, or when the end marker counts or hashes something else than what arrived.
        """
        self.begun = True
        if chunk.end:
            self._end(chunk)
            return ""
        if chunk.sequence < self._next:
            return ""
        if chunk.sequence > self._next:
            raise Gap
        self._next += 1
        self._texts.append(chunk.text)
        self._digest.update(chunk.text.encode())
        return chunk.text

    def rest_of(self, text: str) -> str:
        """Return what a whole answer adds; raise `Gap` if it begins otherwise."""
        received = "".join(self._texts)
        if not text.startswith(received):
            raise Gap
        return text[len(received) :]

    def _end(self, chunk: ChunkRestored) -> None:
        if chunk.code is not None:
            return
        if chunk.sequence != self._next or chunk.sha256 != self._digest.hexdigest():
            raise Gap
        self.ended = True
