"""What a model answered, before and after the real values are put back."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.event import Record, RequestEvent
from shared.contracts.requests import MESSAGES_MAX, TOOLS_MAX, Operation, ToolCall, ToolName
from shared.contracts.values import Currency, Hex64, Language, ModelName, Token


class FinishReason(StrEnum):
    """Why a model stopped; a stream that broke has none and ends in an error."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"


class UsageSource(StrEnum):
    """Who counted the tokens."""

    PROVIDER = "provider"
    ESTIMATED = "estimated"


class TokenUsage(Record):
    """How many tokens one request used over all its attempts."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    source: UsageSource = UsageSource.PROVIDER
    partial: bool = False
    """A call was broken off: this is what had arrived by then."""
    cache_read_tokens: int = Field(default=0, ge=0)
    """Of the input, what the provider had read before."""
    cache_write_tokens: int = Field(default=0, ge=0)
    """Of the input, what the provider kept for the next time."""
    reasoning_tokens: int = Field(default=0, ge=0)
    """Of the output, what nobody is shown."""
    characters: int = Field(default=0, ge=0)
    """What a translation is paid by; it has no tokens."""


Vector = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
"""Little-endian 32-bit floats in base64, as OpenAI's clients ask for them."""

Embeddings = Annotated[tuple[Vector, ...], Field(max_length=MESSAGES_MAX, repr=False)]
"""One vector for each message of the request, in order."""


class CompletionProduced(RequestEvent):
    """A model answered; the answer still holds placeholders."""

    kind: ClassVar[str] = "completion.produced"

    text: str = Field(repr=False)
    finish_reason: FinishReason
    model: ModelName
    provider: Token
    usage: TokenUsage
    cost_nano: int = Field(ge=0)
    currency: Currency
    attempts: int = Field(ge=1)
    language: Language = Language.UNDETERMINED
    stream: bool = False
    chunks: int = Field(default=0, ge=0)
    redactor: Token | None = None
    user: Token | None = None
    hold_id: UUID | None = None
    tool_calls: tuple[ToolCall, ...] = Field(default=(), max_length=TOOLS_MAX, repr=False)
    operation: Operation = Operation.CHAT
    embeddings: Embeddings = ()
    translations: tuple[str, ...] = Field(default=(), repr=False)
    """One for each message, in order; `text` holds them one below the other."""


class CompletionFailed(RequestEvent):
    """Every permitted attempt failed; what was tried is in `usage.recorded`."""

    kind: ClassVar[str] = "completion.failed"

    code: ErrorCode
    attempts: int = Field(ge=0)
    language: Language = Language.UNDETERMINED
    stream: bool = False
    redactor: Token | None = None
    user: Token | None = None


class Outcome(StrEnum):
    """The three ways in which every request ends, exactly once."""

    COMPLETION = "completion"
    REFUSED = "refused"
    FAILED = "failed"


class CompletionRestored(RequestEvent):
    """The one result of a request, as its caller sees it: real values are back in the answer."""

    kind: ClassVar[str] = "completion.restored"

    outcome: Outcome
    text: str | None = Field(default=None, repr=False)
    error: ErrorDetail | None = None
    finish_reason: FinishReason | None = None
    model: ModelName | None = None
    provider: Token | None = None
    usage: TokenUsage | None = None
    cost_nano: int = Field(default=0, ge=0)
    currency: Currency = "EUR"
    language: Language = Language.UNDETERMINED
    request_sha256: Hex64 | None = None
    """SHA-256 of what was asked, so that a caller who reuses an id with another body finds out."""
    masked_count: int = Field(default=0, ge=0)
    unresolved_count: int = Field(default=0, ge=0)
    """Placeholders in the answer that stand for nothing: the model invented them."""
    tool_calls: tuple[ToolCall, ...] = Field(default=(), max_length=TOOLS_MAX, repr=False)
    masked_tools: tuple[ToolName, ...] = Field(default=(), max_length=TOOLS_MAX, repr=False)
    """Functions whose arguments keep their placeholders, because the policy does not name them."""
    operation: Operation = Operation.CHAT
    embeddings: Embeddings = ()
    translations: tuple[str, ...] = Field(default=(), repr=False)


class Chunk(RequestEvent):
    """One piece of a streamed answer; `sequence` starts at 0 and has no gaps.

    A chunk without text and without `end` is a heartbeat. The end marker holds how many chunks
    came before it and the SHA-256 of all their text, or the error that ended the stream.
    """

    sequence: int = Field(ge=0)
    text: str = Field(default="", repr=False)
    end: bool = False
    sha256: Hex64 | None = None
    code: ErrorCode | None = None


class ChunkProduced(Chunk):
    """A piece of an answer with placeholders, on its way to the replica that can restore it."""

    kind: ClassVar[str] = "chunk.produced"

    redactor: Token


class ChunkRestored(Chunk):
    """A piece of an answer with its real values, on its way to the caller."""

    kind: ClassVar[str] = "chunk.restored"
