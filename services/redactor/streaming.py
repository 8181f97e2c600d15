"""Restores streamed answers piece by piece, each in order and none passed off as whole."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from services.redactor.placeholders import Mapping
from services.redactor.restoring import Restorer
from shared.contracts.completions import ChunkProduced, ChunkRestored
from shared.contracts.errors import ErrorCode
from shared.contracts.values import derived_id


@dataclass(slots=True, repr=False)
class _Stream:
    """What this replica knows of one streamed answer."""

    restorer: Restorer
    expected: int = 0
    taken: "Any" = field(default_factory=sha256)
    given: "Any" = field(default_factory=sha256)


class Streams:
    """The streamed answers that this replica can restore, the oldest forgotten first.

    A chunk out of order, a wrong hash, or a stream that was forgotten becomes an error at once; the
    durable completion is whole all the same.
    """

    def __init__(self, streams_max: int) -> None:
        self._streams_max = streams_max
        self._streams: OrderedDict[UUID, _Stream] = OrderedDict()

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, request_id: UUID) -> bool:
        return request_id in self._streams

    def expect(self, request_id: UUID, mapping: Mapping) -> None:
        """Remember how to restore the answer to a request that was just masked here."""
        self._streams[request_id] = _Stream(Restorer(mapping))
        while len(self._streams) > self._streams_max:
            self._streams.popitem(last=False)

    def forget(self, request_id: UUID) -> None:
        """Forget a request that has its result."""
        self._streams.pop(request_id, None)

    def restore(self, chunk: ChunkProduced) -> Iterator[ChunkRestored]:
        """Yield what one chunk becomes: text, a sign of life, or an end.

        Numbers stay those of the chunks that came in, one each; text that was held back at the end
        takes the number of the end marker.
        """
        stream = self._streams.get(chunk.request_id)
        if stream is None or chunk.sequence != stream.expected:
            self.forget(chunk.request_id)
            yield _end(chunk, chunk.sequence, code=ErrorCode.STREAM_BROKEN)
            return
        self._streams.move_to_end(chunk.request_id)
        if chunk.end:
            self.forget(chunk.request_id)
            yield from _ending(stream, chunk)
            return
        stream.expected += 1
        stream.taken.update(chunk.text.encode())
        text = stream.restorer.feed(chunk.text)
        stream.given.update(text.encode())
        yield ChunkRestored.following(chunk, sequence=chunk.sequence, text=text)


def _ending(stream: _Stream, chunk: ChunkProduced) -> Iterator[ChunkRestored]:
    if chunk.code is not None:
        yield _end(chunk, chunk.sequence, code=chunk.code)
        return
    if chunk.sha256 != stream.taken.hexdigest():
        yield _end(chunk, chunk.sequence, code=ErrorCode.STREAM_BROKEN)
        return
    number, rest = chunk.sequence, stream.restorer.finish()
    if rest:
        stream.given.update(rest.encode())
        identity = derived_id(chunk.id, "rest")
        yield ChunkRestored.following(chunk, id=identity, sequence=number, text=rest)
        number += 1
    yield _end(chunk, number, sha256=stream.given.hexdigest())


def _end(chunk: ChunkProduced, number: int, **data: Any) -> ChunkRestored:
    return ChunkRestored.following(chunk, sequence=number, end=True, **data)
