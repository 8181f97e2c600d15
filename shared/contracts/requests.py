"""What an app asks for, before and after masking."""

import json
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from shared.contracts.errors import ErrorCode
from shared.contracts.event import Record, RequestEvent
from shared.contracts.values import Hex64, Label, Language, ModelName, Sensitivity, Token

MESSAGES_MAX: Final = 256
OUTPUT_TOKENS_MAX: Final = 32_768
TIMEOUT_MS_MAX: Final = 600_000
TIMEOUT_MS_DEFAULT: Final = 120_000
PAYLOAD_BYTES_MAX: Final = 512 * 1024
"""The largest request: half of NATS' default payload, so that masking can grow it and it fits."""


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Message(Record):
    """One turn of a conversation."""

    role: Role
    content: str = Field(repr=False)
    name: str | None = Field(default=None, repr=False, max_length=256)


class Ask(RequestEvent):
    """The fields that a request has both before and after masking."""

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


class RequestSubmitted(Ask):
    """An app asked for a completion."""

    kind: ClassVar[str] = "request.submitted"

    sensitivity: Sensitivity | None = None
    timeout_ms: int = Field(default=TIMEOUT_MS_DEFAULT, ge=1, le=TIMEOUT_MS_MAX)


class MaskedSubject(Record):
    """One thing that was masked, without its value.

    `hmacs` are keyed hashes of the normalised value and its parts: whoever holds the key can find
    all records of one person, and nobody else can test a guess.
    """

    placeholder: Label
    type: Token
    hmacs: tuple[Hex64, ...] = ()


class RequestRedacted(Ask):
    """A request whose personal data has been replaced by placeholders."""

    kind: ClassVar[str] = "request.redacted"

    language: Language = Language.UNDETERMINED
    sensitivity: Sensitivity
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


class RequestCancelled(RequestEvent):
    """The caller has left: what is not begun need not begin, and what runs is broken off."""

    kind: ClassVar[str] = "request.cancelled"

    actor: Token
    reason: Token


SAMPLING: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed")
"""How a model draws its words; numbers that every dialect has and no text is in."""

_DIGESTED: Final = frozenset(
    {"messages", "model", "task", "max_tokens", *SAMPLING} | {"metadata", "sensitivity", "use_case"}
)


def request_digest(request: RequestSubmitted) -> str:
    """Return the SHA-256 of what a request asks for, in hex: the same for the same body only.

    How the answer is delivered (`stream`, `timeout_ms`) is no part of the body, so that a caller
    may fetch by a plain request what an interrupted stream began.
    """
    body = request.model_dump(mode="json", include=set(_DIGESTED), exclude_none=True)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()
