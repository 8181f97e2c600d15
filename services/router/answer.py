"""Whether what came from a provider is a whole answer: decided once, whatever the wire.

An answer is whole only when the other side has said why it stopped, and that this was all.
Whatever is less, or contradicts itself, raises `BrokenAnswerError`; no reason is ever invented.

What may be empty: a chat, since a model may have nothing to say, may be stopped before it has said
it, or may have spent all its tokens on thinking; then the reason is all that it said. A translation
of nothing is nothing. A vector is never empty, and a stop for calls never comes without one.
"""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final

import orjson
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
from shared.contracts.requests import PAYLOAD_BYTES_MAX, TOOLS_MAX, Operation, ToolCall
from shared.contracts.values import new_id

SAID_BYTES_MAX: Final = PAYLOAD_BYTES_MAX
"""Three times what the most tokens of an answer come to. A stream without end stops here, before a
burst of it fits no message and its request is given up unpaid."""
TOKENS_BELIEVED_MAX: Final = 10_000_000
"""No model reads or writes more at once. A count beyond it is an error of the other side, and would
fit neither a bill nor a column; what is merely more than was held is believed, and billed."""
_NUMBER_BYTES: Final = 4


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


@dataclass(slots=True)
class _Call:
    """What has come of one tool call."""

    id: str = ""
    name: str = field(default="", repr=False)
    arguments: list[str] = field(default_factory=list, repr=False)

    def add(self, piece: CallPart) -> None:
        """Take a piece; a second id or name would be a second call."""
        if (piece.id and self.id not in ("", piece.id)) or (
            piece.name and self.name not in ("", piece.name)
        ):
            raise BrokenAnswerError("one call with two names")
        self.id, self.name = self.id or piece.id, self.name or piece.name
        self.arguments.append(piece.arguments)

    def whole(self) -> ToolCall:
        """Return the call. Some servers give it no id, and one without arguments an empty text."""
        source = "".join(self.arguments) or "{}"
        try:
            if not isinstance(orjson.loads(source), dict):
                raise BrokenAnswerError("arguments that are no object")
            call_id = self.id or f"call_{new_id().hex}"
            return ToolCall(id=call_id, name=self.name, arguments=source)
        except (ValidationError, orjson.JSONDecodeError):
            raise BrokenAnswerError("a call that is not whole") from None


class Answer:
    """Takes the pieces of one answer in the order in which they came."""

    def __init__(self, operation: Operation = Operation.CHAT, messages: int = 1) -> None:
        """Expect an answer to so many messages; a chat has one answer for all of them."""
        self._operation = operation
        self._messages = messages
        self._texts_max = {Operation.CHAT: 1, Operation.TRANSLATE: messages}.get(operation, 0)
        self._texts: dict[int, list[str]] = {}
        self._unsaid: list[str] = []
        self._said_bytes = 0
        self._calls: dict[int, _Call] = {}
        self._vectors: list[str] = []
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
                self._add_unsaid(text)
            case CallPart():
                self._add_call(piece)
            case Counted(usage):
                self._count(usage)
            case Stopped(reason):
                if self._reason not in (None, reason):
                    raise BrokenAnswerError("two reasons why it stopped")
                self._reason = reason
            case Vectors(vectors):
                self._add_vectors(vectors)
            case Ended():
                self._ended = True
            case _:
                pass
        return ""

    def whole(self) -> Whole:
        """Return the answer; raise `BrokenAnswerError` if it is not whole."""
        if self._reason is None or not self._ended:
            raise BrokenAnswerError("it ended before the answer did")
        calls = tuple(self._calls[index].whole() for index in sorted(self._calls))
        if len({call.id for call in calls}) < len(calls):
            raise BrokenAnswerError("two calls that nobody can tell apart")
        reason = self._reason
        if reason is FinishReason.TOOL_CALLS and not calls:
            raise BrokenAnswerError("it stopped for calls that it does not hold")
        if calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS  # Servers that call functions may just say so.
        texts = tuple("".join(self._texts[index]) for index in sorted(self._texts))
        self._answers_all(texts)
        return Whole(reason, self._believed(), calls, tuple(self._vectors), texts)

    def _answers_all(self, texts: tuple[str, ...]) -> None:
        if self._operation is Operation.EMBED and len(self._vectors) != self._messages:
            raise BrokenAnswerError("not one vector for each text")
        if self._operation is Operation.TRANSLATE and len(texts) != self._messages:
            raise BrokenAnswerError("not one translation for each text")
        if len({len(vector) for vector in self._vectors}) > 1:
            raise BrokenAnswerError("vectors of different lengths")

    def _add_text(self, piece: Text) -> str:
        text = piece.text
        if not text and (self._operation is Operation.CHAT or self._reason is not None):
            return ""  # Wires begin and end with nothing; only a translation may be nothing.
        if not 0 <= piece.index < self._texts_max:
            raise BrokenAnswerError("a text that answers no message")
        self._take(text)
        self._texts.setdefault(piece.index, []).append(text)
        return text

    def _add_unsaid(self, text: str) -> None:
        if text:
            self._take(text)
            self._unsaid.append(text)

    def _add_call(self, piece: CallPart) -> None:
        if self._operation is not Operation.CHAT:
            raise BrokenAnswerError("a call that nobody asked for")
        if not 0 <= piece.index < TOOLS_MAX:
            raise BrokenAnswerError("more calls than any answer has")
        said = piece.name + piece.arguments
        self._take(said)
        self._calls.setdefault(piece.index, _Call()).add(piece)
        self._unsaid.append(said)

    def _add_vectors(self, vectors: tuple[str, ...]) -> None:
        expected = self._messages if self._operation is Operation.EMBED else 0
        if len(self._vectors) + len(vectors) > expected:
            raise BrokenAnswerError("more vectors than texts")
        for vector in vectors:
            _check_vector(vector)
        self._take("")
        self._vectors += vectors

    def _take(self, said: str) -> None:
        """Let something into the answer if it is still open, and can be written down at all."""
        if self._reason is not None:
            raise BrokenAnswerError("more of an answer after the reason why it stopped")
        try:
            self._said_bytes += len(said) if said.isascii() else len(said.encode())
        except UnicodeEncodeError:
            raise BrokenAnswerError("half a character") from None
        if self._said_bytes > SAID_BYTES_MAX:
            raise BrokenAnswerError("more than any answer says")

    def _count(self, usage: TokenUsage) -> None:
        """Take a count; one that takes back what an earlier one said makes all of them void."""
        before = self._usage
        self._usage_contradicts |= before is not None and (
            usage.input_tokens < before.input_tokens or usage.output_tokens < before.output_tokens
        )
        self._usage = usage

    def _believed(self) -> TokenUsage | None:
        """Return what was counted; None where that cannot be so, and an estimate is better.

        Every answer has cost something to read, so a count of nothing is none.
        """
        usage = self._usage
        if usage is None or self._usage_contradicts:
            return None
        unread = not usage.input_tokens and not usage.characters
        silent = self.written and not usage.output_tokens and not usage.characters
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        nonsense = cached > usage.input_tokens or usage.reasoning_tokens > usage.output_tokens
        most = max(usage.input_tokens, usage.output_tokens, usage.characters)
        if unread or silent or nonsense or most > TOKENS_BELIEVED_MAX:
            return None
        return usage


def _check_vector(vector: str) -> None:
    try:
        size = len(b64decode(vector, validate=True))
    except ValueError:
        raise BrokenAnswerError("a vector that cannot be read") from None
    if not size or size % _NUMBER_BYTES:
        raise BrokenAnswerError("a vector that is cut")
