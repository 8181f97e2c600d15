"""How providers do: what changes at them, what each replica knows, and a test on demand."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Label, ModelName, Token, Version


class ProviderChange(StrEnum):
    """What changed; readers take what they do not know for `other`."""

    CIRCUIT_OPENED = "circuit_opened"
    CIRCUIT_CLOSED = "circuit_closed"
    LIMIT_LEARNED = "limit_learned"
    AGREEMENT_EXPIRING = "agreement_expiring"
    AGREEMENT_EXPIRED = "agreement_expired"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "ProviderChange | None":
        return cls.OTHER if isinstance(value, str) else None


class ProviderChanged(Event):
    """Something about a provider is not as it was; a replica saw it, or the day came."""

    kind: ClassVar[str] = "provider.changed"

    provider: Token
    model: ModelName | None = None
    change: ProviderChange
    config_version: Version
    error_class: Token | None = None
    """The last fault before a circuit opened."""
    requests_a_minute: int | None = Field(default=None, ge=0)
    tokens_a_minute: int | None = Field(default=None, ge=0)
    days_left: int | None = None
    """Until a data processing agreement ends."""


class ModelHealth(Record):
    """What one replica knows of one model."""

    model: ModelName
    provider: Token
    circuit_open: bool = False
    in_flight: int = Field(default=0, ge=0)
    waiting: int = Field(default=0, ge=0)
    """Requests that its limits have sent back to the bus."""
    calls_in_minute: int = Field(default=0, ge=0)
    faults_in_minute: int = Field(default=0, ge=0)
    requests_a_minute: int | None = Field(default=None, ge=0)
    """The limit that counts: stated, or told of in the provider's answers."""
    tokens_a_minute: int | None = Field(default=None, ge=0)
    room: float = Field(default=1.0, ge=0, le=1)
    first_token_ms: int | None = Field(default=None, ge=0)
    """Median of the last calls."""


class ReplicaHealth(Record):
    """What one replica of the router knows, as it stands in the bucket under its own name."""

    replica: Token
    at: AwareDatetime
    models: tuple[ModelHealth, ...]


class ProviderTest(Command):
    """Ask a provider, or all, whether they answer; it costs nothing there."""

    service: ClassVar[str] = "router"
    verb: ClassVar[str] = "provider-test"

    provider: Token | None = None


class ProviderState(Record):
    """One provider as the router finds it."""

    provider: Token
    wire: Token
    region: Token
    residency: Token
    local: bool
    legal_country: Label | None = None
    reachable: bool = False
    error_class: Token | None = None
    status: int | None = Field(default=None, ge=100, le=599)
    answered_ms: int | None = Field(default=None, ge=0)
    missing: Label | None = None
    """What is not set, so that the provider is off."""
    agreement_days_left: int | None = None
    """None: there is none, or it has no end; `agreement` says which."""
    agreement: bool = False
    models: tuple[ModelHealth, ...] = ()


class ProviderTestReply(Reply):
    """How each provider did; `code` is `not_found` for one that is not described."""

    providers: tuple[ProviderState, ...] = ()
