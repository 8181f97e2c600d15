"""The base of every event and its CloudEvents 1.0 envelope."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import from_json, to_json

from shared.contracts.values import Token, Version, derived_id, new_id, now

TYPE_PREFIX: Final = "eu.stellwerk."
_ATTRIBUTES: Final = frozenset({"id", "time"})


class ContractError(ValueError):
    """A message that breaks its contract; the text names fields and rules, never a value.

    Raised when a message is decoded. The bus dead-letters such a message at once: a retry would
    meet the same bytes.
    """


class UnknownType(ContractError):
    """A well-formed event of a type or version that this reader does not know."""


class Record(BaseModel):
    """A frozen part of an event or command; unknown fields are ignored, so fields can be added."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Event(Record):
    """One fact. Frozen and self-contained; its id is the message id on the bus."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    id: UUID = Field(default_factory=new_id)
    time: AwareDatetime = Field(default_factory=now)
    tenant: Token
    app: Token
    cause: UUID | None = None

    _received_at: datetime | None = PrivateAttr(default=None)
    _sealed: str | None = PrivateAttr(default=None)
    _payload: bytes | None = PrivateAttr(default=None)

    @classmethod
    def type_name(cls) -> str:
        """Return the CloudEvents type, which carries the version: `eu.stellwerk.<kind>.v1`."""
        return f"{TYPE_PREFIX}{cls.kind}.v{cls.version}"

    @classmethod
    def following(cls, cause: "Event", **data: Any) -> Self:
        """Return the event that `cause` leads to, with an id derived from it.

        A cause that is delivered twice leads to the same events twice, so the bus can drop the
        second ones.
        """
        inherited: dict[str, Any] = {
            name: getattr(cause, name)
            for name in ("tenant", "app", "request_id", "config_version")
            if name in cls.model_fields and hasattr(cause, name)
        }
        identity: dict[str, Any] = {"id": derived_id(cause.id, cls.kind), "cause": cause.id}
        return cls(**(inherited | identity | data))

    @property
    def received_at(self) -> datetime:
        """Return when the bus accepted this event (UTC); the event's own time if it never did."""
        return self._received_at or self.time

    @property
    def sealed(self) -> str | None:
        """Return the sealed map from placeholders to values; only the redactor is handed one."""
        return self._sealed

    def with_sealed(self, sealed: str) -> Self:
        """Return this event carrying `sealed`, which the bus copies to all that follows from it."""
        copy = self.model_copy()
        copy._sealed = sealed  # noqa: SLF001  It is our own copy.
        return copy

    @property
    def payload(self) -> bytes | None:
        """Return the envelope's bytes as they stood on the bus; None if it was never there."""
        return self._payload

    def as_received(self, received_at: datetime, sealed: str | None, payload: bytes) -> Self:
        """Note where the event came from; only the bus calls this, on an event it has decoded."""
        self._received_at = received_at
        self._sealed = sealed
        self._payload = payload
        return self

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Show identifiers only: an event's repr ends up in logs, its content must not."""
        shown = ("id", "tenant", "app", "request_id")
        return [(name, str(getattr(self, name))) for name in shown if hasattr(self, name)]

    __str__ = BaseModel.__repr__


class RequestEvent(Event):
    """An event in the life of one request."""

    request_id: UUID
    config_version: Version = "0"


EventT = TypeVar("EventT", bound=Event)


def encode(event: Event, source: str) -> bytes:
    """Return the structured CloudEvents JSON of `event`, sent by the service `source`."""
    data = event.model_dump(mode="json", exclude_none=True)
    envelope = {
        "specversion": "1.0",
        "id": data.pop("id"),
        "source": f"/stellwerk/{source}",
        "type": event.type_name(),
        "subject": f"{event.tenant}/{event.app}",
        "time": data.pop("time"),
        "datacontenttype": "application/json",
        "data": data,
    }
    return to_json(envelope)


def decode(payload: bytes, known: Mapping[str, type[EventT]]) -> EventT:
    """Return the event in `payload`, of one of the types in `known` (CloudEvents type to class).

    Raises `ContractError` for anything else: broken JSON, an unknown type or version, a field that
    breaks its rule. The error names the place and the rule, never the value.
    """
    try:
        envelope = from_json(payload)
    except ValueError:
        raise ContractError("the payload is not JSON") from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), dict):
        raise ContractError("the payload is not a structured CloudEvents 1.0 envelope with data")
    event_class = known.get(str(envelope.get("type")))
    if event_class is None:
        expected = ", ".join(sorted(known))
        raise UnknownType(f"the event type is unknown here; known: {expected}")
    attributes = {name: envelope[name] for name in _ATTRIBUTES if name in envelope}
    try:
        return event_class.model_validate(envelope["data"] | attributes)
    except ValidationError as error:
        raise ContractError(broken_rules(error)) from None


def broken_rules(error: ValidationError) -> str:
    """Return which fields broke which rules, without the values that did."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{_place(fault['loc'])}: {fault['type']}" for fault in faults[:5]]
    return "the message breaks its contract at " + "; ".join(shown)


def _place(location: tuple[int | str, ...]) -> str:
    """Name a field; keys of free dictionaries are hidden, since people choose them."""
    names = [str(part) if isinstance(part, int) else part for part in location]
    return ".".join(
        "*" if index and names[index - 1] == "metadata" else name
        for index, name in enumerate(names)
    )
