"""What a provider is to the router: one wire format, one endpoint, one way to answer.

A module in this folder (or behind the entry point `stellwerk.providers`) is a plug-in when it has
the names of `ProviderModule`. docs/how-to/add-a-provider.md shows the shortest one.

Whatever the wire, an answer is told in the same few pieces:

    Stage      how far the request has come
    Limits     what the provider says we may still ask for
    Text       a piece of the answer
    Reasoning  a piece of what the model thought before; it is paid, and nobody is shown it
    CallPart   a piece of one tool call, by its index
    Counted    tokens, as the provider counts them so far
    Stopped    why the model stopped
    Vectors    the answer of an embedding
    Ended      the wire's own mark that nothing is missing

A wire only translates. Whether the pieces make a whole answer is decided once, in `answer.py`.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NewType, Protocol
from uuid import UUID

from pydantic import SecretStr

from services.router.faults import ErrorClass
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import RequestRedacted

PACKAGE: Final = "services.router.providers"
ENTRY_POINTS: Final = "stellwerk.providers"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider listens. `base_url` is taken as it stands; no version is glued on."""

    provider: str
    base_url: str
    connect_s_max: float
    key: SecretStr | None = field(default=None, repr=False)
    region: str = "house"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the wire needs beside address and key, with references filled in."""


class Stage(Enum):
    """How far a request has come, for wires that know; a caller that leaves pays accordingly."""

    CONNECTING = "connecting"
    """Nothing of the request has left yet."""
    SENDING = "sending"
    """From here on the other side may have it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may still be asked for. None: the provider does not say."""

    requests_a_minute: int | None = None
    requests_left: int | None = None
    requests_back_in_s: float | None = None
    """How long until requests are as many again as they can be."""
    tokens_a_minute: int | None = None
    tokens_left: int | None = None
    tokens_back_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer. With several messages, as in a translation, `index` says whose."""

    text: str = field(repr=False)
    index: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thought."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallPart:
    """A piece of a tool call. `id` and `name` come once, `arguments` in any number of pieces."""

    index: int
    id: str = ""
    name: str = field(default="", repr=False)
    arguments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the provider has counted so far. Input includes what came from its cache."""

    usage: TokenUsage


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the model stopped. Nothing of the answer may follow."""

    reason: FinishReason


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector for each text, in order, as little-endian 32-bit floats in base64."""

    vectors: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The wire has said that this was all: `[DONE]`, `message_stop`, the end of a whole body."""


Piece = Stage | Limits | Text | Reasoning | CallPart | Counted | Stopped | Vectors | Ended


class ProviderError(Exception):
    """A call that did not lead to a whole answer; `error_class` says what may be done about it.

    It holds nothing of what the provider said, since that may repeat the request.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        status: int | None = None,
        retry_after_s: float | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Keep the class, the HTTP status, and when and how much the provider will take again."""
        super().__init__(error_class.value if status is None else f"{error_class} ({status})")
        self.error_class = error_class
        self.status = status
        self.retry_after_s = retry_after_s
        self.limits = limits


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request in a provider's own words. `path` follows the endpoint's `base_url`."""

    path: str
    body: bytes = field(repr=False)
    stream: bool = False


ClearedRequest = NewType("ClearedRequest", Outgoing)
"""A request that may go to a provider. Only `outbound.cleared` makes one."""


class Provider(Protocol):
    """One endpoint that speaks one wire format."""

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return what asks `model` for an answer."""

    def call(self, request: ClearedRequest, attempt_id: UUID) -> AsyncGenerator[Piece, None]:
        """Send a request once and yield what comes, up to `Ended`.

        `attempt_id` goes along as `X-Request-Id`. Raises `ProviderError` for an error of the other
        side and for what is not its wire format. It waits for ever: the caller sets the time-outs,
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
        """Return a provider for `endpoint`; opens nothing yet. Raises `ValueError`: what lacks."""

    def classify(self, error: Exception) -> ErrorClass:
        """Return what kind of failure an exception of this wire's transport is."""
