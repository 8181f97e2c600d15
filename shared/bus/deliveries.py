"""One delivered message: decoded, placed in its trace, and acknowledged once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

import nats.errors
from nats.aio.msg import Msg
from opentelemetry.trace import Span, SpanKind

from shared.bus.publishing import MESSAGE_ID, SEALED, Outgoing
from shared.bus.pulling import Place
from shared.contracts.catalog import SEALED_READER, row_of, subject_of
from shared.contracts.errors import ErrorCode
from shared.contracts.event import (
    ContractError,
    Event,
    RequestEvent,
    UnknownType,
    decode,
    encode,
)
from shared.contracts.stores import ANSWERS
from shared.contracts.values import DataClass, derived_id
from shared.errors import Permanent
from shared.telemetry import TRACEPARENT, begin, traceparent_of

AnyEvent = TypeVar("AnyEvent", bound=Event)

DEAD_LETTER_HEADERS_BYTES_MAX: Final = 4096
"""Room that every message leaves for the headers of its dead letter."""
_APP_TOKENS: Final = slice(4, 6)
_TRACE_ID: Final = slice(3, 35)


@dataclass(slots=True)
class Delivery:
    """A message in hand. `event` is None when it broke its contract; `fault` then says how."""

    message: Msg = field(repr=False)
    place: Place
    hop: Span = field(repr=False)
    event: Event | None = None
    fault: ErrorCode | None = None

    @property
    def sealed(self) -> str | None:
        return (self.message.headers or {}).get(SEALED)

    async def acknowledge(self) -> None:
        with _link_may_be_away():
            await self.message.ack()

    async def hand_back(self, delay_s: float) -> None:
        await hand_back(self.message, delay_s)


async def hand_back(message: Msg, delay_s: float) -> None:
    """Tell JetStream to deliver a message again after a delay, to anyone."""
    with _link_may_be_away():
        await message.nak(delay=delay_s)


async def keep(message: Msg) -> None:
    """Tell JetStream that the work goes on, so that nobody else is given it."""
    with _link_may_be_away():
        await message.in_progress()


@contextmanager
def _link_may_be_away() -> Iterator[None]:
    """Let an answer go astray: the message then comes again and leads to the same events."""
    with suppress(nats.errors.Error):
        yield


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that will not be tried again, as the service's own failure rule sees it."""

    tenant: str
    app: str
    request_id: UUID | None
    code: ErrorCode
    event: Event | None
    message_id: UUID

    def following(self, event: type[AnyEvent], **data: Any) -> AnyEvent:
        """Return the event that tells of it, with an id derived from the message's own."""
        if self.event is not None:
            return event.following(self.event, **data)
        identity: dict[str, Any] = {"tenant": self.tenant, "app": self.app}
        if issubclass(event, RequestEvent):
            identity["request_id"] = self.request_id
        identity["id"] = derived_id(self.message_id, event.kind)
        return event(**(identity | data))


def open_deliveries(
    messages: Sequence[Msg], service: str, consumer: str, known: Mapping[str, type[Event]]
) -> list[Delivery]:
    """Decode messages and begin their hops' spans. Never raises: what is broken is marked so.

    Messages of one trace share one span, under the hop that caused the first of them: together
    they are one step of their request, and a span costs as much as decoding an event.
    """
    hops: dict[str, Span] = {}
    deliveries = []
    for message in messages:
        place = Place.of(message)
        event, fault = _read(message, place, service, known)
        headers = message.headers or {}
        traceparent = headers.get(TRACEPARENT) or ""
        trace = traceparent[_TRACE_ID] or headers.get(MESSAGE_ID, "")
        hop = hops.get(trace) or _hop(consumer, traceparent, event)
        if trace:
            hops[trace] = hop
        deliveries.append(Delivery(message, place, hop, event, fault))
    return deliveries


def _read(
    message: Msg, place: Place, service: str, known: Mapping[str, type[Event]]
) -> tuple[Event | None, ErrorCode | None]:
    """Return the event in a message, or why there is none."""
    headers = message.headers or {}
    try:
        event = decode(message.data, known)
    except UnknownType:
        return None, ErrorCode.UNKNOWN_VERSION
    except ContractError:
        return None, ErrorCode.INVALID_REQUEST
    if not _stands_where_it_says(event, message.subject):
        return None, ErrorCode.INVALID_REQUEST
    sealed = headers.get(SEALED) if service == SEALED_READER else None
    return event.as_received(place.received_at, sealed, message.data), None


def _hop(consumer: str, traceparent: str, event: Event | None) -> Span:
    return begin(
        f"process {consumer}",
        SpanKind.CONSUMER,
        traceparent=traceparent,
        request_id=event.request_id if isinstance(event, RequestEvent) else None,
        attributes={
            "messaging.system": "nats",
            "messaging.operation.type": "process",
            "messaging.destination.name": consumer,
        },
    )


def _stands_where_it_says(event: Event, subject: str) -> bool:
    """Check that tenant and app are those of the subject, which alone is identity."""
    tenant_and_app = subject.split(".")[_APP_TOKENS]
    return tenant_and_app == [event.tenant, event.app]


def given_up(delivery: Delivery, code: ErrorCode) -> GivenUp:
    """Return what is known of a message that is given up, also when it could not be read."""
    tokens = delivery.message.subject.split(".")
    tenant, app = (tokens[_APP_TOKENS] + ["unknown", "unknown"])[:2]
    message_id = message_id_of(delivery)
    # The subject names the request, save for a submitted one, whose id is the message's.
    request_id = getattr(delivery.event, "request_id", None) or _uuid_in(tokens[6:]) or message_id
    return GivenUp(tenant, app, request_id, code, delivery.event, message_id)


def _uuid_in(tokens: list[str]) -> UUID | None:
    with suppress(ValueError, IndexError):
        return UUID(tokens[0])
    return None


def message_id_of(delivery: Delivery) -> UUID:
    """Return the message's own id, or one derived from its place where it has none."""
    stated = _uuid_in([(delivery.message.headers or {}).get(MESSAGE_ID, "")])
    place = f"{delivery.message.subject}/{delivery.place.sequence}"
    return stated or derived_id(UUID(int=0), place)


def outgoing(effect: Event, service: str, cause: Delivery | None) -> Outgoing:
    """Return the message for an event: its subject, its trace, and its cause's sealed header.

    The header goes to masked events only: no other class needs it, and so no outbox holds it.
    Raises `Permanent` for what its stream would refuse for ever: it must surface before it is
    committed to an outbox.
    """
    headers: dict[str, str] = {}
    parent = traceparent_of(cause.hop) if cause else traceparent_of()
    if parent:
        headers[TRACEPARENT] = parent
    sealed = effect.sealed or (cause.sealed if cause else None)
    if sealed and row_of(type(effect)).data_class is DataClass.MASKED:
        headers[SEALED] = sealed
    message = Outgoing(effect.id, subject_of(effect), encode(effect, service), headers)
    stream = row_of(type(effect)).stream
    if message.size > (stream or ANSWERS).message_bytes_max - DEAD_LETTER_HEADERS_BYTES_MAX:
        raise Permanent(ErrorCode.TOO_LARGE)
    return message
