"""What an app asks for, before and after masking."""

import json
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import (
    AwareDatetime,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from shared.contracts.errors import ErrorCode
from shared.contracts.event import Record, RequestEvent
from shared.contracts.values import Hex64, Label, Language, ModelName, Sensitivity, Token

MESSAGES_MAX: Final = 256
PARTS_MAX: Final = 64
TOOLS_MAX: Final = 128
OUTPUT_TOKENS_MAX: Final = 32_768
TIMEOUT_MS_MAX: Final = 600_000
TIMEOUT_MS_DEFAULT: Final = 120_000
PAYLOAD_BYTES_MAX: Final = 512 * 1024
"""The largest request: half of NATS' default payload, so that masking can grow it and it fits."""
EMBEDDING_NUMBERS_MAX: Final = 163_840
"""Of all vectors of one answer together: 874 kB in base64, of the megabyte that a message has."""
DIMENSIONS_LIKELY: Final = 4096
"""As many numbers as the vectors of today's largest models have, where a request names none."""
TRANSLATED_BYTES_MAX: Final = 128 * 1024
"""Of texts to translate: an answer has them twice, in a script that may take three times more."""


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class PartKind(StrEnum):
    """What a part of a message is made of; whatever a reader does not know is `other`."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "PartKind | None":
        return cls.OTHER if isinstance(value, str) else None


class Part(Record):
    """One part of a message that is more than a text: `text`, or a `url`, or `data` in base64."""

    kind: PartKind
    text: str | None = Field(default=None, repr=False)
    url: str | None = Field(default=None, repr=False)
    data: str | None = Field(default=None, repr=False)
    media_type: Label | None = None
    """Such as `image/png` or `audio/wav`."""
    name: str | None = Field(default=None, repr=False, max_length=256)


ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
"""The name of a function that a model may call."""

CallId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""What a model calls one of its tool calls, so that the result can name it."""


class ToolCall(Record):
    """A model wants a function called. `arguments` is JSON source text, as the model wrote it."""

    id: CallId
    name: ToolName = Field(repr=False)
    arguments: str = Field(repr=False)


class Tool(Record):
    """A function that a model may ask for; `parameters` is the JSON Schema of its arguments."""

    name: ToolName = Field(repr=False)
    description: str | None = Field(default=None, repr=False)
    parameters: dict[str, JsonValue] | None = Field(default=None, repr=False)
    strict: bool | None = None


class Message(Record):
    """One turn of a conversation. Where there are `parts`, they are all of it, in order."""

    role: Role
    content: str = Field(repr=False)
    name: str | None = Field(default=None, repr=False, max_length=256)
    parts: tuple[Part, ...] = Field(default=(), max_length=PARTS_MAX, repr=False)
    tool_calls: tuple[ToolCall, ...] = Field(default=(), max_length=TOOLS_MAX, repr=False)
    tool_call_id: CallId | None = None
    """Which call a message in the role `tool` answers."""


class Operation(StrEnum):
    """What is wanted of a model; whatever a reader does not know is `other`, and no model does it.

    `embed` turns each message into one vector. `translate` turns each into `target_language`.
    """

    CHAT = "chat"
    EMBED = "embed"
    TRANSLATE = "translate"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Operation | None":
        return cls.OTHER if isinstance(value, str) else None


class EmbeddingPurpose(StrEnum):
    """What vectors are for; some models make other ones for questions than for answers."""

    DOCUMENT = "document"
    QUERY = "query"
    CLASSIFICATION = "classification"
    CLUSTERING = "clustering"


LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language as BCP 47 writes it, such as `da` or `zh-Hant`."""


class Ask(RequestEvent):
    """The fields that a request has both before and after masking."""

    operation: Operation = Operation.CHAT
    target_language: LanguageTag | None = None
    """Into which language to translate."""
    embedding_purpose: EmbeddingPurpose = EmbeddingPurpose.DOCUMENT
    dimensions: int | None = Field(default=None, ge=1, le=8192)
    """How many numbers each vector has; what the model makes by itself if left out."""
    messages: tuple[Message, ...] = Field(min_length=1, max_length=MESSAGES_MAX, repr=False)
    model: ModelName = "auto"
    task: Token | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=OUTPUT_TOKENS_MAX)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stream: bool = False
    user: Token | None = None
    use_case: Token = "default"
    case_id: Token | None = None
    conversation_id: Token | None = None
    metadata: dict[str, str] = Field(default_factory=dict, max_length=16, repr=False)
    tools: tuple[Tool, ...] = Field(default=(), max_length=TOOLS_MAX, repr=False)
    tool_choice: ToolName | None = Field(default=None, repr=False)
    """`auto`, `none`, `required`, or the name of the one function to call."""
    parallel_tool_calls: bool | None = None


class RequestSubmitted(Ask):
    """An app asked for a completion."""

    kind: ClassVar[str] = "request.submitted"

    sensitivity: Sensitivity | None = None
    timeout_ms: int = Field(default=TIMEOUT_MS_DEFAULT, ge=1, le=TIMEOUT_MS_MAX)

    @field_validator("sensitivity", mode="before")
    @classmethod
    def _level_is_known(cls, value: object) -> object:
        # Readers take a level that they do not know for the strictest; a caller is told.
        if isinstance(value, str) and value not in set(Sensitivity):
            raise ValueError(f"the levels are {', '.join(Sensitivity)}")
        return value

    @model_validator(mode="after")
    def _operation_is_whole(self) -> Self:
        if self.operation is Operation.OTHER:
            known = ", ".join(one for one in Operation if one is not Operation.OTHER)
            raise ValueError(f"the operations are {known}")
        if (self.operation is Operation.TRANSLATE) != (self.target_language is not None):
            raise ValueError("target_language goes with the operation translate, and only with it")
        if self.operation is Operation.CHAT:
            return self
        if self.stream or self.tools:
            raise ValueError("only the operation chat has streams and tools")
        for one in self.messages:
            if one.parts or one.tool_calls or not one.content.strip():
                raise ValueError("each message to embed or translate is one text, not an empty one")
        return self


def texts_max(dimensions: int | None) -> int:
    """Return how many texts one request may have embedded, so that its answer fits on the bus."""
    fitting = EMBEDDING_NUMBERS_MAX // (dimensions or DIMENSIONS_LIKELY)
    return min(MESSAGES_MAX, fitting)


def answer_fits(asked: Ask) -> bool:
    """Return whether what is asked for can come back in one message; else it is `too_large`."""
    match asked.operation:
        case Operation.EMBED:
            return len(asked.messages) <= texts_max(asked.dimensions)
        case Operation.TRANSLATE:
            size = sum(len(one.content.encode(errors="surrogatepass")) for one in asked.messages)
            return size <= TRANSLATED_BYTES_MAX
        case _:
            return True


class MaskedSubject(Record):
    """One thing that was masked, without its value.

    `hmacs` are keyed hashes of the normalised value and its parts: whoever holds the key can find
    all records of one person, and nobody else can test a guess.
    """

    placeholder: Label
    type: Token
    hmacs: tuple[Hex64, ...] = ()


class Classification(Record):
    """How a text came to its sensitivity. The caller may raise it; only the policy lowers it."""

    detected: Sensitivity
    stated: Sensitivity | None = None
    reasons: tuple[Token, ...] = ()
    """What was found, such as `person`, `cpr`, `health`, `image`; never the value."""
    override: Token | None = None
    """The reason of the override in the policy that lowered it, if one did."""


class RequestRedacted(Ask):
    """A request whose personal data has been replaced by placeholders."""

    kind: ClassVar[str] = "request.redacted"

    language: Language = Language.UNDETERMINED
    sensitivity: Sensitivity
    classification: Classification | None = None
    subjects: tuple[MaskedSubject, ...] = ()
    fingerprint: Hex64
    """A keyed hash of the request as it came: the same id with another one is a conflict."""
    deadline: AwareDatetime
    redactor: Token
    """The replica that holds the map, to which the chunks of a stream are sent."""


class RequestRefused(RequestEvent):
    """The platform decided against a request; nothing was sent to a model."""

    kind: ClassVar[str] = "request.refused"

    code: ErrorCode
    language: Language = Language.UNDETERMINED
    stream: bool = False
    redactor: Token | None = None
    user: Token | None = None


class LeakStopped(RequestEvent):
    """A masked value was seen again in what was about to leave; nothing was sent."""

    kind: ClassVar[str] = "leak.stopped"

    types: tuple[Token, ...] = Field(min_length=1)
    """What kind of values they were."""


class RequestCancelled(RequestEvent):
    """The caller has left: what is not begun need not begin, and what runs is broken off."""

    kind: ClassVar[str] = "request.cancelled"

    actor: Token
    reason: Token


SAMPLING: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed")
"""How a model draws its words; numbers that every dialect has and no text is in."""

_DIGESTED: Final = frozenset(
    {"messages", "model", "task", "max_tokens", *SAMPLING}
    | {"metadata", "sensitivity", "use_case"}
    | {"tools", "tool_choice", "parallel_tool_calls"}
    | {"operation", "target_language", "embedding_purpose", "dimensions"}
)
_LEFT_OUT_WHEN_EMPTY: Final = ("parts", "tool_calls", "tools")
_LEFT_OUT_AS: Final = {"operation": Operation.CHAT, "embedding_purpose": EmbeddingPurpose.DOCUMENT}
"""Younger than the digest: without them, or as they are by themselves, it is what it was."""


def request_digest(request: RequestSubmitted) -> str:
    """Return the SHA-256 of what a request asks for, in hex: the same for the same body only.

    How the answer is delivered (`stream`, `timeout_ms`) is no part of the body, so that a caller
    may fetch by a plain request what an interrupted stream began.
    """
    body: dict[str, Any] = request.model_dump(
        mode="json", include=set(_DIGESTED), exclude_none=True
    )
    body = {name: said for name, said in body.items() if _LEFT_OUT_AS.get(name) != said}
    for part in (body, *body["messages"]):
        for name in _LEFT_OUT_WHEN_EMPTY:
            if not part.get(name, True):
                del part[name]
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()
