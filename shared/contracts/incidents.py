"""What went wrong, from the first fact to the end, and who was told."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Label, ModelName, Token


class Severity(StrEnum):
    """How urgent it is."""

    WARNING = "warning"
    CRITICAL = "critical"


class IncidentState(StrEnum):
    """Where an incident stands; it never goes back."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Incident(Record):
    """One episode of trouble: what is counted again in the same episode is the same incident."""

    incident_id: UUID
    rule: Token
    severity: Severity
    about: ModelName
    """What is in trouble: a provider, a model, an app as `tenant/app`, or `platform`."""
    state: IncidentState = IncidentState.OPEN
    opened_at: AwareDatetime
    last_seen_at: AwareDatetime
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: Token | None = None
    resolved_at: AwareDatetime | None = None
    resolved_by: Token | None = None
    """`watch` when the facts themselves ended it."""
    count: int = Field(default=1, ge=1)
    """How many times it was seen in this episode."""
    facts: dict[Token, int | float | Label] = Field(default_factory=dict, max_length=16)


class _IncidentEvent(Event):
    incident: Incident


class IncidentOpened(_IncidentEvent):
    """A rule found trouble that was not known yet."""

    kind: ClassVar[str] = "incident.opened"


class IncidentAcknowledged(_IncidentEvent):
    """Somebody takes care of it."""

    kind: ClassVar[str] = "incident.acknowledged"


class IncidentResolved(_IncidentEvent):
    """The trouble is over, or somebody says so."""

    kind: ClassVar[str] = "incident.resolved"


class IncidentList(Command):
    """Ask for incidents, the latest first; resolved ones only if asked for."""

    service: ClassVar[str] = "watch"
    verb: ClassVar[str] = "incident-list"

    resolved_too: bool = False
    limit: int = Field(default=50, ge=1, le=500)


class IncidentListReply(Reply):
    """The incidents."""

    incidents: tuple[Incident, ...] = ()


class IncidentAck(Command):
    """Say that somebody takes care of an incident."""

    service: ClassVar[str] = "watch"
    verb: ClassVar[str] = "incident-ack"

    incident_id: UUID


class IncidentResolve(Command):
    """Say that an incident is over."""

    service: ClassVar[str] = "watch"
    verb: ClassVar[str] = "incident-resolve"

    incident_id: UUID


class IncidentReply(Reply):
    """The incident as it is now; `not_found` if there is none."""

    incident: Incident | None = None


class NotificationTest(Command):
    """Send a test message through every notification channel."""

    service: ClassVar[str] = "watch"
    verb: ClassVar[str] = "notification-test"


class NotificationReply(Reply):
    """How many channels took the message, and how many did not."""

    delivered: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
