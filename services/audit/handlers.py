"""Events in, leaves out: what the bus carried becomes the record, and so does every look at it."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from services.audit import store
from services.audit.domain import (
    SALT_BYTES,
    Draft,
    Frontier,
    Proof,
    append,
    entries,
    inclusion_spans,
    proof,
    subtrees,
    without_vectors,
)
from shared.bus import Answered
from shared.contracts.access import RIGHTS, Right
from shared.contracts.catalog import OPERATOR, row_of
from shared.contracts.completions import CompletionProduced
from shared.contracts.errors import ErrorCode
from shared.contracts.event import TYPE_PREFIX, Event, RequestEvent, encode
from shared.contracts.records import AuditEntry, RecordRead, RecordReply
from shared.contracts.values import DataClass
from shared.db import Transaction

ENTRIES_MAX: Final = 64
"""A request has about eight entries; one that was replayed by hand may have a few more."""
REPLY_PAYLOAD_BYTES_MAX: Final = 768 * 1024
"""What fits into one message of the bus beside the proofs; a longer record is cut with a code."""
LOOK: Final = f"{TYPE_PREFIX}access.read.v1"


async def events_recorded(events: Sequence[Event], tx: Transaction) -> Sequence[Event]:
    """Append the events to the record; nothing follows from that."""
    await _append(tx, [_draft_of(event) for event in events])
    return ()


async def record_read(commands: Sequence[RecordRead], tx: Transaction) -> Answered:
    """Answer with the entries of each request and their proofs; the look is recorded first.

    Who has no right to look gets `forbidden` and no entries; that look is recorded as denied.
    Looks are entries of the tree like all others, but no reply lists them: they say who read about
    a request, not what became of it.
    """
    tree = await _append(tx, [await _look_of(command, tx) for command in commands])
    return Answered(replies=[await _reply_to(command, tree, tx) for command in commands], events=())


def _may_look(command: RecordRead) -> bool:
    """Return whether this asker may read the record; it fails closed.

    Without a role only the operator at the command line may: a caller that forgets to name the role
    of the person it asks for is refused, not taken for the operator.
    """
    if command.role is None:
        return command.actor == OPERATOR
    return Right.READ_AUDIT in RIGHTS[command.role]


async def _append(tx: Transaction, drafts: Sequence[Draft]) -> Frontier:
    frontier = await store.locked_frontier(tx)
    at, known = await store.known_of(tx, [draft.event_id for draft in drafts])
    # The inbox forgets after some days, an entry never does: what is recorded stays one leaf.
    fresh = {draft.event_id: draft for draft in drafts if draft.event_id not in known}
    if not fresh:
        return frontier
    salts = secrets.token_bytes(SALT_BYTES * len(fresh))
    added = entries(frontier.size, list(fresh.values()), at, salts)
    grown, nodes = append(frontier, (entry.leaf_hash for entry in added))
    await store.append(tx, added, nodes, grown)
    return grown


async def _reply_to(command: RecordRead, tree: Frontier, tx: Transaction) -> RecordReply:
    if not _may_look(command):
        return RecordReply(id=command.id, code=ErrorCode.FORBIDDEN)
    found = await store.of_request(tx, command.request_id, without_type=LOOK, limit=ENTRIES_MAX + 1)
    shown = _what_fits(found)
    proofs = await _proofs_of([entry.index for entry in shown], tree, tx)
    return RecordReply(
        id=command.id,
        code=ErrorCode.TOO_LARGE if len(shown) < len(found) else None,
        entries=tuple(_as_contract(entry, proofs[entry.index]) for entry in shown),
        tree_size=tree.size,
        root_hash=tree.root.hex(),
    )


async def _proofs_of(
    indexes: Sequence[int], tree: Frontier, tx: Transaction
) -> Mapping[int, Proof]:
    paths = {index: inclusion_spans(index, tree.size) for index in indexes}
    spans = {span for path in paths.values() for span in path}
    places = {place for span in spans for place in subtrees(span.start, span.stop)}
    roots = await store.roots_of(tx, places)
    return {index: proof(path, roots.__getitem__) for index, path in paths.items()}


def _what_fits(found: Sequence[store.Stored]) -> Sequence[store.Stored]:
    room = REPLY_PAYLOAD_BYTES_MAX
    for count, entry in enumerate(found[:ENTRIES_MAX]):
        room -= len(entry.payload)
        if room < 0:
            return found[:count]
    return found[:ENTRIES_MAX]


def _draft_of(event: Event) -> Draft:
    row = row_of(type(event))
    # The bytes that stood on the bus: a field that is unknown here is recorded with them.
    payload = event.payload or encode(event, row.senders[0])
    if isinstance(event, CompletionProduced) and event.embeddings:
        payload = without_vectors(payload)
    return Draft(
        event_id=event.id,
        type=event.type_name(),
        data_class=row.data_class,
        tenant=event.tenant,
        app=event.app,
        request_id=event.request_id if isinstance(event, RequestEvent) else None,
        user=getattr(event, "user", None),
        payload=payload,
    )


async def _look_of(command: RecordRead, tx: Transaction) -> Draft:
    tenant, app = await store.origin_of(tx, command.request_id)
    envelope = {
        "specversion": "1.0",
        "id": str(command.id),
        "source": "/stellwerk/audit",
        "type": LOOK,
        "time": command.time.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "request_id": str(command.request_id),
            "actor": command.actor,
            "role": command.role,
            "reason": command.reason,
            "denied": not _may_look(command),
        },
    }
    return Draft(
        event_id=command.id,
        type=LOOK,
        data_class=DataClass.META,
        tenant=tenant,
        app=app,
        request_id=command.request_id,
        user=command.actor,
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


def _as_contract(entry: store.Stored, hashes: Proof) -> AuditEntry:
    return AuditEntry(
        index=entry.index,
        event_id=entry.event_id,
        event_type=entry.type,
        recorded_at=entry.recorded_at,
        leaf_hash=entry.leaf_hash.hex(),
        proof=tuple(part.hex() for part in hashes),
        envelope=json.loads(entry.payload),
    )
