"""All SQL of audit: appends entries and nodes, reads a request's entries and a tree's hashes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from services.audit.domain import Entry, Frontier, Node, Place, complete_root, stored_below
from shared.db import Transaction

_LOCK: Final = "SELECT size, frontier FROM tree_head FOR UPDATE"
_KNOWN: Final = """
SELECT clock_timestamp() AS now,
       ARRAY(SELECT event_id FROM entry WHERE event_id = ANY($1::uuid[])) AS known
"""
_ADVANCE: Final = """
WITH head AS (UPDATE tree_head SET size = $1, frontier = $2)
INSERT INTO checkpoint (tree_size, root, at) VALUES ($1, $3, $4)
"""
_OF_REQUEST: Final = """
SELECT index, event_id, type, recorded_at, leaf_hash, payload FROM entry
WHERE request_id = $1 AND type <> $2 ORDER BY index LIMIT $3
"""
_ORIGIN: Final = "SELECT tenant, app FROM entry WHERE request_id = $1 ORDER BY index LIMIT 1"
_LEAVES: Final = "SELECT index, leaf_hash AS hash FROM entry WHERE index = ANY($1::bigint[])"
_NODES: Final = "SELECT index, hash FROM node WHERE level = $2 AND index = ANY($1::bigint[])"
_ENTRY_COLUMNS: Final = (
    *("index", "event_id", "type", "class", "tenant", "app", "request_id", "user_id"),
    *("recorded_at", "salt", "payload", "leaf_hash"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as it is read back for a reply."""

    index: int
    event_id: UUID
    type: str
    recorded_at: datetime
    leaf_hash: bytes
    payload: bytes = field(repr=False)


async def locked_frontier(tx: Transaction) -> Frontier:
    """Return the tree to append to; no other transaction can append until this one has ended."""
    row = await tx.fetchrow(_LOCK)
    assert row is not None, "the migrations create the one row"
    return Frontier(row["size"], tuple(row["frontier"]))


async def known_of(tx: Transaction, event_ids: Sequence[UUID]) -> tuple[datetime, set[UUID]]:
    """Return the time, and which events are entries already. Call it with the frontier locked.

    The database's clock is the one clock of all replicas: under the lock, time follows the index.
    """
    row = await tx.fetchrow(_KNOWN, event_ids)
    assert row is not None
    return row["now"], set(row["known"])


async def append(
    tx: Transaction, entries: Sequence[Entry], nodes: Sequence[Node], frontier: Frontier
) -> None:
    """Write the entries, the nodes that became whole, and the checkpoint of the grown tree."""
    await tx.copy_records_to_table(
        "entry", columns=_ENTRY_COLUMNS, records=[_record(entry) for entry in entries]
    )
    if nodes:
        rows = [(node.level, node.index, node.hash) for node in nodes]
        await tx.copy_records_to_table("node", columns=("level", "index", "hash"), records=rows)
    await tx.execute(
        _ADVANCE, frontier.size, frontier.peaks, frontier.root, entries[-1].recorded_at
    )


async def of_request(
    tx: Transaction, request_id: UUID, *, without_type: str, limit: int
) -> list[Stored]:
    """Return the entries of one request in the order they were recorded."""
    rows = await tx.fetch(_OF_REQUEST, request_id, without_type, limit)
    return [Stored(**row) for row in rows]


async def origin_of(tx: Transaction, request_id: UUID) -> tuple[str | None, str | None]:
    """Return the tenant and app that a request came from; none if nothing is recorded of it."""
    row = await tx.fetchrow(_ORIGIN, request_id)
    return (row["tenant"], row["app"]) if row else (None, None)


async def roots_of(tx: Transaction, places: Iterable[Place]) -> Mapping[Place, bytes]:
    """Return the root of each complete subtree, from one read for each stored level."""
    below = {place: stored_below(place) for place in places}
    wanted: dict[int, set[int]] = {}
    for level, indexes in below.values():
        wanted.setdefault(level, set()).update(indexes)
    hashes = {level: await _hashes(tx, level, indexes) for level, indexes in wanted.items()}
    return {
        place: complete_root([hashes[level][index] for index in indexes])
        for place, (level, indexes) in below.items()
    }


async def _hashes(tx: Transaction, level: int, indexes: set[int]) -> dict[int, bytes]:
    rows = await (
        tx.fetch(_NODES, list(indexes), level) if level else tx.fetch(_LEAVES, list(indexes))
    )
    return {row["index"]: row["hash"] for row in rows}


def _record(entry: Entry) -> tuple[object, ...]:
    draft = entry.draft
    return (
        *(entry.index, draft.event_id, draft.type, draft.data_class),
        *(draft.tenant, draft.app, draft.request_id, draft.user),
        *(entry.recorded_at, entry.salt, draft.payload, entry.leaf_hash),
    )
