"""What a provider is to the router: one wire format, one endpoint, one way to answer.

A module in this folder (or behind the entry point `stellwerk.providers`) is a plug-in when it has
the names of `ProviderModule`. docs/how-to/add-a-provider.md shows the shortest one.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol
from uuid import UUID

from pydantic import SecretStr

from services.router.domain import ErrorClass
from services.router.outbound import ClearedBody
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import RequestRedacted, ToolCall

PACKAGE: Final = "services.router.providers"
ENTRY_POINTS: Final = "stellwerk.providers"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider listens. `base_url` is taken as it stands; no version is glued on."""

    provider: str
    base_url: str
    connect_s_max: float
    key: SecretStr | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text, and of its tool calls, which are passed on when whole."""

    text: str = field(repr=False)
    unsaid: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole. `usage` is None when the provider did not count."""

    reason: FinishReason
    usage: TokenUsage | None
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)


class Stage(Enum):
    """How far a request has come, for wires that know; a caller that leaves pays accordingly."""

    CONNECTING = "connecting"
    """Nothing of the request has left yet."""
    SENDING = "sending"
    """From here on the other side may have it."""


Piece = Stage | Delta | Finished


class ProviderError(Exception):
    """A call that did not lead to a whole answer; `error_class` says what may be done about it.

    It holds nothing of what the provider said, since that may repeat the request.
    """

    def __init__(self, error_class: ErrorClass, status: int | None = None) -> None:
        """Keep the class, and the HTTP status if there was one."""
        super().__init__(error_class.value if status is None else f"{error_class} ({status})")
        self.error_class = error_class
        self.status = status


class Provider(Protocol):
    """One endpoint that speaks one wire format."""

    def body(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> bytes:
        """Return the bytes that ask `model` for an answer."""

    def call(
        self, body: ClearedBody, attempt_id: UUID, *, stream: bool
    ) -> AsyncGenerator[Piece, None]:
        """Send `body` once and yield the answer: any number of deltas, then one `Finished`.

        `attempt_id` goes along as `X-Request-Id`. Raises `ProviderError` for whatever is no whole
        answer; a stream that just ends is one. It waits for ever: the caller sets the time-outs,
        and closing the generator ends the call. A wire that connects by itself may yield
        `Stage.CONNECTING` first and `Stage.SENDING` when it has a connection; without them, a call
        counts as sent from its beginning.
        """

    async def probe(self) -> None:
        """Return if the endpoint answers; else raise `ProviderError`. Costs nothing there."""

    async def close(self) -> None:
        """Close its connections; a call that is in hand ends as it would, then closes its own."""


class ProviderModule(Protocol):
    """The names that a plug-in module has."""

    WIRE: str

    def connect(self, endpoint: Endpoint) -> Provider:
        """Return a provider for `endpoint`; opens nothing yet."""

    def classify(self, error: Exception) -> ErrorClass:
        """Return what kind of failure an exception of this wire's transport is."""
