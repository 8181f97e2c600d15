"""Whether what came from a provider is a whole answer: decided once, whatever the wire.

An answer is whole only when the other side has said why it stopped, and that this was all.
Whatever is less, or contradicts itself, raises `BrokenAnswerError`; no reason is ever invented.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Piece,
    Reasoning,
    Stopped,
    Text,
    Vectors,
)
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import MESSAGES_MAX, TOOLS_MAX, Operation, ToolCall
from shared.contracts.values import new_id


class BrokenAnswerError(ValueError):
    """What came is no whole answer; the text says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer. `usage` is None where nobody counted, or the counts contradict each other."""

    reason: FinishReason
    usage: TokenUsage | None
    tool_calls: tuple[ToolCall, ...] = field(default=(), repr=False)
    vectors: tuple[str, ...] = field(default=(), repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)
    """One for each message, where the answer has several."""


class Answer:
    """Takes the pieces of one answer in the order in which they came."""

    def __init__(self, operation: Operation = Operation.CHAT, messages: int = 1) -> None:
        """Expect an answer to so many messages; only a chat has one answer for all of them."""
        self._operation = operation
        self._messages = messages
        self._texts: dict[int, list[str]] = {}
        self._unsaid: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._vectors: tuple[str, ...] = ()
        self._usage: TokenUsage | None = None
        self._usage_contradicts = False
        self._reason: FinishReason | None = None
        self._ended = False

    @property
    def text(self) -> str:
        """Return all text so far."""
        return "\n".join("".join(self._texts[index]) for index in sorted(self._texts))

    @property
    def written(self) -> str:
        """Return all that a model has written so far, also what nobody is shown."""
        return self.text + "".join(self._unsaid)

    @property
    def has_begun(self) -> bool:
        """Return whether anything of an answer has come."""
        return bool(self._texts or self._unsaid or self._calls or self._vectors)

    def add(self, piece: Piece) -> str:
        """Take a piece and return the text in it that a caller may see at once."""
        if self._ended:
            raise BrokenAnswerError("something after the end")
        match piece:
            case Text():
                return self._add_text(piece)
            case Reasoning(text):
                self._still_open()
                self._unsaid.append(text)
            case CallPart():
                self._add_call(piece)
            case Counted(usage):
                self._count(usage)
            case Stopped(reason):
                if self._reason not in (None, reason):
                    raise BrokenAnswerError("two reasons why it stopped")
                self._reason = reason
            case Vectors(vectors):
                self._vectors += vectors
            case Ended():
                self._ended = True
            case _:
                pass
        return ""

    def whole(self) -> Whole:
        """Return the answer; raise `BrokenAnswerError` if it is not whole."""
        if self._reason is None or not self._ended:
            raise BrokenAnswerError("it ended before the answer did")
        calls = tuple(self._call(self._calls[index]) for index in sorted(self._calls))
        reason = self._reason
        if reason is FinishReason.TOOL_CALLS and not calls:
            raise BrokenAnswerError("it stopped for calls that it does not hold")
        if calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS  # Servers that call functions may just say so.
        texts = tuple("".join(self._texts[index]) for index in sorted(self._texts))
        self._answers_all(texts)
        return Whole(reason, self._believed(), calls, self._vectors, texts)

    def _answers_all(self, texts: tuple[str, ...]) -> None:
        if self._operation is Operation.EMBED and len(self._vectors) != self._messages:
            raise BrokenAnswerError("not one vector for each text")
        if self._operation is Operation.TRANSLATE and len(texts) != self._messages:
            raise BrokenAnswerError("not one translation for each text")

    def _add_text(self, piece: Text) -> str:
        if not piece.text:
            return ""
        self._still_open()
        if not 0 <= piece.index < MESSAGES_MAX:
            raise BrokenAnswerError("a text that answers no message")
        self._texts.setdefault(piece.index, []).append(piece.text)
        return piece.text

    def _add_call(self, piece: CallPart) -> None:
        self._still_open()
        if not 0 <= piece.index < TOOLS_MAX:
            raise BrokenAnswerError("more calls than any answer has")
        call = self._calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
        for key, said in (("id", piece.id), ("name", piece.name)):
            if said and call[key] not in ("", said):
                raise BrokenAnswerError("one call with two names")
            call[key] = call[key] or said
        call["arguments"] += piece.arguments
        self._unsaid.append(piece.name + piece.arguments)

    def _still_open(self) -> None:
        if self._reason is not None:
            raise BrokenAnswerError("more of an answer after the reason why it stopped")

    def _count(self, usage: TokenUsage) -> None:
        """Take a count; one that takes back what an earlier one said makes all of them void."""
        before = self._usage
        self._usage_contradicts |= before is not None and (
            usage.input_tokens < before.input_tokens or usage.output_tokens < before.output_tokens
        )
        self._usage = usage

    def _believed(self) -> TokenUsage | None:
        usage = self._usage
        if usage is None or self._usage_contradicts:
            return None
        parts = usage.cache_read_tokens + usage.cache_write_tokens
        silent = self.written and not usage.output_tokens and not usage.characters
        nonsense = parts > usage.input_tokens or usage.reasoning_tokens > usage.output_tokens
        return None if silent or nonsense else usage

    @staticmethod
    def _call(call: dict[str, str]) -> ToolCall:
        """Return a call. Some servers give it no id, and one without arguments an empty text."""
        source = call["arguments"] or "{}"
        made: dict[str, Any] = {
            "id": call["id"] or f"call_{new_id().hex}",
            "name": call["name"],
            "arguments": source,
        }
        try:
            if not isinstance(json.loads(source), dict):
                raise BrokenAnswerError("arguments that are no object")
            return ToolCall.model_validate(made)
        except (ValidationError, ValueError, RecursionError):
            raise BrokenAnswerError("a call that is not whole") from None
