"""The architecture as data: every event, stream, consumer and command, once.

The map, docs/events.md, docs/asyncapi.yaml, the NATS accounts and permissions, provisioning and
the wiring tests are all made from this table or checked against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.contracts.access import (
    AccessChanged,
    AccessCheck,
    AccessDenied,
    AccessReply,
    AppCreate,
    AppDisable,
    AppList,
    AppListReply,
    AppReply,
    AppRotate,
)
from shared.contracts.billing import (
    BudgetExhausted,
    HoldGranted,
    HoldReply,
    HoldRequest,
    HoldSettled,
    UsagePriced,
)
from shared.contracts.commands import Command, Reply
from shared.contracts.completions import (
    ChunkProduced,
    ChunkRestored,
    CompletionFailed,
    CompletionProduced,
    CompletionRestored,
)
from shared.contracts.configuration import (
    ConfigApply,
    ConfigApplyReply,
    ConfigPublished,
    ConfigRead,
    ConfigReadReply,
)
from shared.contracts.evaluations import (
    EvaluationScored,
    ExperimentRecord,
    ExperimentReply,
    ScoresRead,
    ScoresReply,
)
from shared.contracts.event import Event, RequestEvent
from shared.contracts.incidents import (
    IncidentAck,
    IncidentAcknowledged,
    IncidentList,
    IncidentListReply,
    IncidentOpened,
    IncidentReply,
    IncidentResolve,
    IncidentResolved,
    NotificationReply,
    NotificationTest,
)
from shared.contracts.providers import ProviderChanged, ProviderTest, ProviderTestReply
from shared.contracts.records import RecordRead, RecordReply
from shared.contracts.requests import (
    LeakStopped,
    RequestCancelled,
    RequestRedacted,
    RequestRefused,
    RequestSubmitted,
)
from shared.contracts.stores import ANSWERS, INBOX, MASKED_LOG, META_LOG, Stream
from shared.contracts.traces import SpanRecorded, TraceRead, TraceReply
from shared.contracts.usage import UsageRecorded
from shared.contracts.values import DataClass
from shared.contracts.vault import (
    EraseReply,
    LookupReply,
    RotateReply,
    SubjectErase,
    SubjectErased,
    SubjectLookup,
    VaultRotate,
)

ROOT: Final = "sw"
APP: Final = "app"
"""Stands for every internal app in the columns of senders and takers."""
OPERATOR: Final = "operator"
"""Stands for the person at the command line."""
SEALED_READER: Final = "redactor"
"""The one service that is handed the sealed map from placeholders to values."""
SERVICES: Final = (
    *("gateway", "redactor", "router", "billing"),
    *("audit", "evals", "watch", "console"),
)

_GATHER_S: Final = 0.1
CLEAR, MASKED, META = DataClass.CLEAR, DataClass.MASKED, DataClass.META


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event: what it may contain, who sends it, who takes it, where it is kept.

    `stream` is None for what is live only. `per_request` adds the request's id to the subject;
    `per_replica` puts the addressed replica in place of tenant and app. `heard_by` names takers
    whose every replica hears it live, although a stream keeps it.
    """

    event: type[Event]
    data_class: DataClass
    senders: tuple[str, ...]
    takers: tuple[str, ...]
    stream: Stream | None
    per_request: bool = True
    per_replica: bool = False
    heard_by: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """Return the subject without its last tokens: `sw.masked.request.redacted`."""
        return f"{ROOT}.{self.data_class}.{self.event.kind}"

    @property
    def filter(self) -> str:
        """Return the wildcard subject that matches every event of this row."""
        return f"{self.prefix}.>"

    @property
    def live_filter(self) -> str:
        """Return the same with as many tokens as a subject has: what the bus lets takers hear."""
        return f"{self.prefix}.*.*{'.*' if self.per_request else ''}"


EVENTS: Final = (
    EventRow(RequestSubmitted, CLEAR, (APP, "gateway"), ("redactor",), INBOX, per_request=False),
    EventRow(RequestRedacted, MASKED, ("redactor",), ("router", "audit", "evals"), MASKED_LOG),
    EventRow(RequestRefused, MASKED, ("redactor", "router"), ("redactor", "audit"), MASKED_LOG),
    EventRow(
        RequestCancelled,
        META,
        ("gateway",),
        ("router", "audit"),
        META_LOG,
        # Nobody but the replica itself knows which replica calls for a request.
        heard_by=("router",),
    ),
    EventRow(CompletionProduced, MASKED, ("router",), ("redactor", "audit", "evals"), MASKED_LOG),
    EventRow(CompletionFailed, MASKED, ("router",), ("redactor", "audit"), MASKED_LOG),
    EventRow(
        CompletionRestored, CLEAR, ("redactor",), (APP, "gateway"), ANSWERS, heard_by=("gateway",)
    ),
    EventRow(ChunkProduced, MASKED, ("router",), ("redactor",), None, per_replica=True),
    EventRow(ChunkRestored, CLEAR, ("redactor",), (APP, "gateway"), None),
    EventRow(LeakStopped, META, ("redactor",), ("audit", "watch"), META_LOG),
    EventRow(SubjectErased, META, ("redactor",), ("audit",), META_LOG, per_request=False),
    EventRow(UsageRecorded, META, ("router",), ("billing", "audit", "watch"), META_LOG),
    EventRow(ProviderChanged, META, ("router",), ("audit", "watch"), META_LOG, per_request=False),
    EventRow(HoldGranted, META, ("billing",), ("audit",), META_LOG),
    EventRow(HoldSettled, META, ("billing",), ("audit",), META_LOG),
    EventRow(UsagePriced, META, ("billing",), ("audit",), META_LOG),
    EventRow(BudgetExhausted, META, ("billing",), ("audit",), META_LOG, per_request=False),
    EventRow(EvaluationScored, META, ("evals",), ("audit",), META_LOG),
    EventRow(ConfigPublished, META, ("gateway",), ("audit",), META_LOG, per_request=False),
    EventRow(AccessChanged, META, ("gateway",), ("audit",), META_LOG, per_request=False),
    EventRow(AccessDenied, META, ("gateway", "console"), ("audit",), META_LOG, per_request=False),
    EventRow(IncidentOpened, META, ("watch",), ("audit",), META_LOG, per_request=False),
    EventRow(IncidentAcknowledged, META, ("watch",), ("audit",), META_LOG, per_request=False),
    EventRow(IncidentResolved, META, ("watch",), ("audit",), META_LOG, per_request=False),
    EventRow(SpanRecorded, META, (APP, *SERVICES), ("watch",), META_LOG, per_request=False),
)


@dataclass(frozen=True, slots=True)
class Consumer:
    """One durable consumer: `name` is also its durable name and the span's destination.

    `batch_max` messages are taken at once, or, where `slots` is true, so many run side by side.
    `gather_s` lets more messages join the first one, where nobody waits for the result: a leaf of
    the audit tree costs twenty times as much alone as in a batch of 64. `ack_wait_s` is how long
    the work of a process that was killed waits for another one; a living process says three times
    in that time that its work goes on.
    """

    name: str
    service: str
    events: tuple[type[Event], ...]
    batch_max: int
    ack_wait_s: int = 10
    slots: bool = False
    gather_s: float = 0.0

    @property
    def stream(self) -> Stream:
        """Return the stream that all its events are kept in."""
        streams = {row.stream for row in EVENTS if row.event in self.events}
        (stream,) = streams
        if stream is None:
            message = f"consumer {self.name} lists an event that no stream keeps"
            raise ValueError(message)
        return stream

    @property
    def filters(self) -> tuple[str, ...]:
        """Return the subjects it takes."""
        return tuple(row_of(event).filter for event in self.events)


CONSUMERS: Final = (
    Consumer("redactor-requests", "redactor", (RequestSubmitted,), batch_max=64),
    Consumer(
        "redactor-completions",
        "redactor",
        (CompletionProduced, CompletionFailed, RequestRefused),
        batch_max=64,
    ),
    Consumer("router-requests", "router", (RequestRedacted,), batch_max=256, slots=True),
    Consumer("billing-usage", "billing", (UsageRecorded,), batch_max=256, gather_s=_GATHER_S),
    Consumer(
        "audit-masked",
        "audit",
        (RequestRedacted, RequestRefused, CompletionProduced, CompletionFailed),
        batch_max=256,
        gather_s=_GATHER_S,
    ),
    Consumer(
        "audit-meta",
        "audit",
        (
            *(RequestCancelled, UsageRecorded, HoldGranted, HoldSettled, UsagePriced),
            *(BudgetExhausted, EvaluationScored, ConfigPublished, AccessChanged, AccessDenied),
            *(IncidentOpened, IncidentAcknowledged, IncidentResolved, LeakStopped, SubjectErased),
            ProviderChanged,
        ),
        batch_max=256,
        gather_s=_GATHER_S,
    ),
    Consumer(
        "evals-completions",
        "evals",
        (RequestRedacted, CompletionProduced),
        batch_max=128,
        gather_s=_GATHER_S,
    ),
    Consumer("watch-usage", "watch", (UsageRecorded,), batch_max=256, gather_s=_GATHER_S),
    Consumer("watch-leaks", "watch", (LeakStopped,), batch_max=64),
    Consumer("watch-providers", "watch", (ProviderChanged,), batch_max=64),
    Consumer("watch-spans", "watch", (SpanRecorded,), batch_max=64, gather_s=_GATHER_S),
)


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command: who may send it, and what it answers."""

    command: type[Command]
    reply: type[Reply]
    data_class: DataClass
    callers: tuple[str, ...]

    @property
    def subject(self) -> str:
        """Return the subject that the service listens on, as one queue group."""
        return f"{ROOT}.{self.data_class}.cmd.{self.command.service}.{self.command.verb}"


_PEOPLE: Final = (OPERATOR, "console")
COMMANDS: Final = (
    CommandRow(HoldRequest, HoldReply, META, ("router",)),
    CommandRow(ProviderTest, ProviderTestReply, META, (OPERATOR,)),
    CommandRow(AccessCheck, AccessReply, META, ("console",)),
    CommandRow(AppCreate, AppReply, META, (OPERATOR,)),
    CommandRow(AppList, AppListReply, META, (OPERATOR,)),
    CommandRow(AppRotate, AppReply, META, (OPERATOR,)),
    CommandRow(AppDisable, AppReply, META, (OPERATOR,)),
    # People write these documents, and may write a name into a comment.
    CommandRow(ConfigApply, ConfigApplyReply, CLEAR, (OPERATOR,)),
    CommandRow(ConfigRead, ConfigReadReply, CLEAR, (OPERATOR,)),
    CommandRow(SubjectLookup, LookupReply, CLEAR, (OPERATOR,)),
    CommandRow(SubjectErase, EraseReply, CLEAR, (OPERATOR,)),
    CommandRow(VaultRotate, RotateReply, META, (OPERATOR,)),
    CommandRow(TraceRead, TraceReply, META, _PEOPLE),
    CommandRow(IncidentList, IncidentListReply, META, _PEOPLE),
    CommandRow(IncidentAck, IncidentReply, META, _PEOPLE),
    CommandRow(IncidentResolve, IncidentReply, META, _PEOPLE),
    CommandRow(NotificationTest, NotificationReply, META, (OPERATOR,)),
    CommandRow(ScoresRead, ScoresReply, META, (OPERATOR,)),
    CommandRow(ExperimentRecord, ExperimentReply, META, (OPERATOR,)),
    CommandRow(RecordRead, RecordReply, MASKED, _PEOPLE),
)


_ROWS: Final[Mapping[type[Event], EventRow]] = {row.event: row for row in EVENTS}
_COMMAND_ROWS: Final[Mapping[type[Command], CommandRow]] = {row.command: row for row in COMMANDS}


def row_of(event: type[Event]) -> EventRow:
    """Return the catalogue's row of an event."""
    return _ROWS[event]


def command_row_of(command: type[Command]) -> CommandRow:
    """Return the catalogue's row of a command."""
    return _COMMAND_ROWS[command]


def consumer_named(name: str) -> Consumer:
    """Return the consumer with this name; `KeyError` names what exists."""
    for consumer in CONSUMERS:
        if consumer.name == name:
            return consumer
    raise KeyError(f"no consumer {name}; known: {', '.join(c.name for c in CONSUMERS)}")


def known_types(*events: type[Event]) -> dict[str, type[Event]]:
    """Return what `decode` needs to read these events: CloudEvents type to class."""
    return {event.type_name(): event for event in events}


def subject_of(event: Event) -> str:
    """Return the subject that an event is published on."""
    row = _ROWS[type(event)]
    tokens = [row.prefix]
    tokens += [event.redactor] if isinstance(event, ChunkProduced) else [event.tenant, event.app]
    if row.per_request and isinstance(event, RequestEvent):
        tokens.append(str(event.request_id))
    return ".".join(tokens)


def dead_subject(data_class: DataClass, service: str) -> str:
    """Return where a message that a service gave up is kept, with its class's retention."""
    return f"{ROOT}.{data_class}.dead.{service}"


def stream_subjects(stream: Stream) -> tuple[str, ...]:
    """Return the subjects a stream is made of: its events', and its class's dead letters."""
    filters = [
        f"{row.prefix}.*.*" if stream is INBOX else row.filter
        for row in EVENTS
        if row.stream is stream
    ]
    dead = {ANSWERS: CLEAR, MASKED_LOG: MASKED, META_LOG: META}
    if stream in dead:
        filters.append(f"{ROOT}.{dead[stream]}.dead.>")
    return tuple(filters)
