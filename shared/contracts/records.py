"""Reading the audit record."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from shared.contracts.access import Role
from shared.contracts.commands import Command, Reply
from shared.contracts.event import Record
from shared.contracts.values import Hex64, Label


class AuditEntry(Record):
    """One leaf of the audit tree, with the proof that the tree holds it (RFC 6962, 2.1.1)."""

    index: int = Field(ge=0)
    event_id: UUID
    event_type: Label
    recorded_at: AwareDatetime
    leaf_hash: Hex64
    proof: tuple[Hex64, ...] = ()
    envelope: dict[str, JsonValue] = Field(repr=False)
    """The event as it stood on the bus: masked or meta, never clear."""


class RecordRead(Command):
    """Ask for everything that is recorded of one request; the look itself is recorded too."""

    service: ClassVar[str] = "audit"
    verb: ClassVar[str] = "record-read"

    request_id: UUID
    role: Role | None = None
    """The role of who looks, as the gateway found it; the operator at the command line has none."""


class RecordReply(Reply):
    """The entries in the order they were recorded, and the tree they are proved against."""

    entries: tuple[AuditEntry, ...] = ()
    tree_size: int = Field(default=0, ge=0)
    root_hash: Hex64 | None = None
