"""Reads what the audit record holds of one request, and checks every leaf's proof here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.contracts.catalog import EVENTS, OPERATOR, known_types
from shared.contracts.event import ContractError, Event, decode
from shared.contracts.records import AuditEntry, RecordRead, RecordReply
from stellwerk.errors import NotFound
from stellwerk.operator import Operator
from stellwerk.proof import tree_holds

_KNOWN: Final = known_types(*(row.event for row in EVENTS))
EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One recorded event, and whether its proof leads to the tree's root."""

    entry: AuditEntry
    event: Event | None
    proved: bool

    @property
    def kind(self) -> str:
        """Return the event's name without prefix and version: `usage.recorded`."""
        return self.entry.event_type.removeprefix("eu.stellwerk.").rsplit(".v", 1)[0]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Everything that is recorded of one request, in order."""

    request_id: UUID
    leaves: Sequence[Leaf]
    tree_size: int
    root_hash: str
    complete: bool

    def all(self, event: type[EventT]) -> list[EventT]:
        """Return the recorded events of one kind."""
        return [leaf.event for leaf in self.leaves if isinstance(leaf.event, event)]

    def last(self, event: type[EventT]) -> EventT | None:
        """Return the latest recorded event of one kind."""
        return next(iter(reversed(self.all(event))), None)

    @property
    def proved(self) -> bool:
        return all(leaf.proved for leaf in self.leaves)


async def read_record(operator: Operator, request_id: UUID, reason: str) -> RequestRecord:
    """Ask audit for a request, which records the look; raise `NotFound` if nothing is recorded."""
    command = RecordRead(actor=OPERATOR, reason=reason, request_id=request_id)
    reply = await operator.ask(command, RecordReply)
    if not reply.entries:
        raise NotFound(
            f"Nothing is recorded under {request_id}. Compare the id with what `stellwerk ask` "
            "printed; a request that is seconds old may need another second."
        )
    root = reply.root_hash or ""
    return RequestRecord(
        request_id=request_id,
        leaves=[_leaf(entry, reply.tree_size, root) for entry in reply.entries],
        tree_size=reply.tree_size,
        root_hash=root,
        complete=reply.code is None,
    )


def _leaf(entry: AuditEntry, tree_size: int, root_hash: str) -> Leaf:
    proved = tree_holds(entry.leaf_hash, entry.index, entry.proof, tree_size, root_hash)
    return Leaf(entry, _decoded(entry.envelope), proved)


def _decoded(envelope: Mapping[str, Any]) -> Event | None:
    """Return the event in an envelope; None for one that this version does not know."""
    try:
        return decode(json.dumps(envelope).encode(), _KNOWN)
    except ContractError:
        return None
