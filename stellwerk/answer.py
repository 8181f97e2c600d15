"""What a caller gets back: an answer, or a ticket for one."""

import base64
import struct
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from shared.contracts.completions import CompletionRestored, FinishReason, Outcome, TokenUsage
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.money import amount_text
from shared.contracts.requests import Operation, ToolCall
from shared.contracts.values import Language
from stellwerk.errors import Conflict, Failed, Refused


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that the bus has accepted; `collect` takes it, in this process or in another.

    `wait_s` is how long a caller waits for its result.
    """

    request_id: UUID
    request_sha256: str | None = None
    wait_s: float = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion with the real values back in it, and what it took."""

    request_id: UUID
    text: str = field(repr=False)
    model: str
    provider: str
    finish_reason: FinishReason | None
    usage: TokenUsage
    cost_nano: int
    currency: str
    language: Language
    masked_count: int
    unresolved_count: int
    config_version: str = "0"
    """The configuration that it was decided under."""
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)
    """Functions that the model wants called; the text may be empty then."""
    masked_tools: tuple[str, ...] = ()
    """Functions whose arguments keep placeholders: the policy does not name them."""
    operation: Operation = Operation.CHAT
    embeddings: tuple[str, ...] = field(default=(), repr=False)
    """One vector for each text, as little-endian 32-bit floats in base64; see `vectors`."""
    translations: tuple[str, ...] = field(default=(), repr=False)
    """One for each text; `text` holds them one below the other."""

    @property
    def vectors(self) -> list[list[float]]:
        """Return the embeddings as numbers, one vector for each text in its order."""
        return [_numbers_in(one) for one in self.embeddings]

    @property
    def cost(self) -> str:
        """Return the cost for people, such as `0.00042 EUR`."""
        return amount_text(self.cost_nano, self.currency)

    @classmethod
    def of(cls, result: CompletionRestored, request_sha256: str | None) -> Self:
        """Return the answer in a result.

        Raises `Refused` or `Failed` if it holds none, and `Conflict` if it answers another body
        than the one with this digest.
        """
        asked = (request_sha256, result.request_sha256)
        if None not in asked and asked[0] != asked[1]:
            raise Conflict(request_id=result.request_id)
        if result.outcome is not Outcome.COMPLETION or result.text is None:
            detail = result.error or ErrorDetail.of(ErrorCode.INTERNAL, result.language)
            error = Refused if result.outcome is Outcome.REFUSED else Failed
            raise error(detail, request_id=result.request_id)
        return cls(
            request_id=result.request_id,
            text=result.text,
            model=result.model or "unknown",
            provider=result.provider or "unknown",
            finish_reason=result.finish_reason,
            usage=result.usage or TokenUsage(input_tokens=0, output_tokens=0),
            cost_nano=result.cost_nano,
            currency=result.currency,
            language=result.language,
            masked_count=result.masked_count,
            unresolved_count=result.unresolved_count,
            config_version=result.config_version,
            tool_calls=result.tool_calls,
            masked_tools=result.masked_tools,
            operation=result.operation,
            embeddings=result.embeddings,
            translations=result.translations,
        )


def _numbers_in(vector: str) -> list[float]:
    packed = base64.b64decode(vector)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
