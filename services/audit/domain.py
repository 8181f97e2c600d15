"""The Merkle tree of the record (RFC 6962, section 2) and what one leaf of it commits to."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

SALT_BYTES: Final = 32
TILE_LEVELS: Final = 8
"""Every eighth level is stored: one node for 256 below it, as in C2SP's tlog-tiles."""
EMPTY_ROOT: Final = sha256(b"").digest()

Place = tuple[int, int]
"""A complete subtree: its level (0 is a leaf) and its index among the subtrees of that level."""
Proof = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be recorded, before it has a place in the tree."""

    event_id: UUID
    type: str
    data_class: str
    tenant: str | None
    app: str | None
    request_id: UUID | None
    user: str | None
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of the tree with all that it commits to."""

    index: int
    recorded_at: datetime
    draft: Draft
    salt: bytes = field(repr=False)
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """The hash of one complete subtree that is stored."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed of a tree to append to it: the roots of its complete subtrees."""

    size: int = 0
    peaks: Proof = ()
    """Left to right, largest first: one for each bit that is set in `size`."""

    @property
    def root(self) -> bytes:
        """Return the root hash of the whole tree."""
        return fold(self.peaks) if self.peaks else EMPTY_ROOT


def without_vectors(payload: bytes) -> bytes:
    """Return an envelope with the SHA-256 of each vector's bytes in place of the vectors.

    They would be a megabyte a request that says nothing to anybody who reads it; who has them can
    prove by the hashes that they are what the model answered.
    """
    envelope = json.loads(payload)
    vectors = envelope["data"].pop("embeddings")
    hashes = [sha256(base64.b64decode(vector)).hexdigest() for vector in vectors]
    envelope["data"]["embeddings_sha256"] = hashes
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, user: str | None, payload: bytes) -> bytes:
    """Return what the leaf holds in place of a person's id and text.

    The salt has a fixed length and PostgreSQL stores no text with a zero byte, so two different
    entries never give the same bytes. Without the salt nobody can test a guess against the result.
    """
    assert len(salt) == SALT_BYTES
    return sha256(b"%b%b\x00%b" % (salt, (user or "").encode(), payload)).digest()


def leaf_data(index: int, recorded_at: datetime, draft: Draft, committed: bytes) -> bytes:
    """Return the bytes of one leaf: five lines of ASCII that a person can read and hash by hand.

    What they name in clear outlives an erasure; the person and the text are in `committed` only.
    """
    at = recorded_at.astimezone(UTC).isoformat(timespec="microseconds")
    return (
        f"stellwerk audit leaf v1\n"
        f"{index} {at}\n"
        f"{draft.data_class} {draft.type} {draft.event_id}\n"
        f"{draft.tenant or '-'} {draft.app or '-'} {draft.request_id or '-'}\n"
        f"{committed.hex()}\n"
    ).encode()


def entries(
    first_index: int, drafts: Sequence[Draft], recorded_at: datetime, salts: bytes
) -> list[Entry]:
    """Return the leaves that `drafts` become; `salts` holds the salt of each, end to end."""
    assert len(salts) == SALT_BYTES * len(drafts)
    made = list[Entry]()
    for offset, draft in enumerate(drafts):
        index, salt = first_index + offset, salts[offset * SALT_BYTES : (offset + 1) * SALT_BYTES]
        committed = commitment(salt, draft.user, draft.payload)
        hashed = leaf_hash(leaf_data(index, recorded_at, draft, committed))
        made.append(Entry(index, recorded_at, draft, salt, hashed))
    return made


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; its prefix keeps a leaf from passing for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over adjacent subtrees, largest first."""
    *rest, root = hashes
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def append(frontier: Frontier, leaves: Iterable[bytes]) -> tuple[Frontier, list[Node]]:
    """Return the tree with these leaf hashes appended, and the nodes to store that became whole."""
    size, peaks, stored = frontier.size, list(frontier.peaks), list[Node]()
    for leaf in leaves:
        peak, level, index = leaf, 0, size
        while index & 1:
            peak = node_hash(peaks.pop(), peak)
            level, index = level + 1, index >> 1
            if level % TILE_LEVELS == 0:
                stored.append(Node(level, index, peak))
        peaks.append(peak)
        size += 1
    return Frontier(size, tuple(peaks)), stored


def subtrees(start: int, stop: int) -> Iterator[Place]:
    """Yield the complete subtrees that make up the leaves from `start` to before `stop`."""
    while start < stop:
        aligned = (start & -start).bit_length() - 1 if start else stop.bit_length()
        level = min(aligned, (stop - start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def stored_below(place: Place) -> tuple[int, range]:
    """Return the stored level that a subtree is folded from, and which of its nodes it takes."""
    level, index = place
    height = level % TILE_LEVELS
    return level - height, range(index << height, (index + 1) << height)


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a complete subtree from the hashes of one level below it."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]


def inclusion_spans(index: int, size: int) -> tuple[range, ...]:
    """Return the leaves under each hash of the inclusion proof, from the leaf up (2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    spans = list[range]()
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            spans.append(range(middle, stop))
            stop = middle
        else:
            spans.append(range(start, middle))
            start = middle
    return tuple(reversed(spans))


def consistency_spans(first: int, second: int) -> tuple[range, ...]:
    """Return the leaves under each hash of the proof that one tree began as the other (2.1.2)."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} leaves never began as one of {first}")
    spans = list[range]()
    start, stop = 0, second
    while stop != first:
        middle = start + _split(stop - start)
        if first <= middle:
            spans.append(range(middle, stop))
            stop = middle
        else:
            spans.append(range(start, middle))
            start = middle
    if start:
        spans.append(range(start, stop))
    return tuple(reversed(spans))


def proof(spans: Iterable[range], root_of: Callable[[Place], bytes]) -> Proof:
    """Return a proof's hashes; `root_of` reads the root of a complete subtree."""
    return tuple(
        fold([root_of(place) for place in subtrees(span.start, span.stop)]) for span in spans
    )


def proves_inclusion(leaf: bytes, index: int, size: int, hashes: Proof, root: bytes) -> bool:
    """Return whether `hashes` prove that the tree holds `leaf` at `index` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last = index, size - 1
    for sibling in hashes:
        if not last:
            return False
        if node & 1 or node == last:
            leaf = node_hash(sibling, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        node, last = node >> 1, last >> 1
    return not last and leaf == root


def proves_consistency(first: int, second: int, hashes: Proof, roots: tuple[bytes, bytes]) -> bool:
    """Return whether the tree of `second` leaves began as that of `first` (RFC 9162, 2.1.4.2)."""
    if first == second:
        return not hashes and roots[0] == roots[1]
    if not 0 < first < second:
        return False
    path = hashes if first & (first - 1) else (roots[0], *hashes)
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not path:
        return False
    old = new = path[0]
    for sibling in path[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return not last and (old, new) == roots


def _split(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 6962 divides a tree."""
    return 1 << (size - 1).bit_length() - 1
