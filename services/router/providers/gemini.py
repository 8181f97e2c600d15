"""Gemini's generateContent and batchEmbedContents, as Google's two addresses for it speak them.

Option `auth: bearer` sends the key as `Authorization`, as Vertex wants it; its `base_url` ends in
`/publishers/google`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import orjson

from services.router.faults import ErrorClass
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Endpoint,
    Outgoing,
    Piece,
    Reasoning,
    Stopped,
    Text,
    Vectors,
)
from services.router.wire import contents
from services.router.wire.connections import Headers
from services.router.wire.events import EventReader
from services.router.wire.fields import (
    array_in,
    counts_in,
    exact_object_in,
    json_text,
    object_in,
    text_in,
)
from services.router.wire.http import (
    BadAnswerError,
    HttpProvider,
    StatusError,
    UnaskableError,
    classified,
)
from services.router.wire.options import checked, one_of
from services.router.wire.vectors import packed
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import Operation, RequestRedacted

WIRE: Final = "gemini"
OPTIONS: Final = frozenset({"auth"})
_FILTERED: Final = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    *("MODEL_ARMOR", "ESCALATION"),
)
# What is missing here is no end of an answer: malformed and unexpected calls, a lost signature, a
# closed account, OTHER.
_REASONS: Final = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    **dict.fromkeys(_FILTERED, FinishReason.CONTENT_FILTER),
}
_STATUSES: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_REJECTED: Final = 400
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429
_CALLS: Final = b'"functionCall"'
_UNASKED: Final = frozenset(
    {"inlineData", "fileData", "executableCode", "codeExecutionResult"}
    | {"functionResponse", "toolCall", "toolResponse"}
)
_COUNTS: Final = (
    "promptTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
)
# The message says: The input token count (1200293) exceeds the maximum number of tokens allowed.
_CONTEXT: Final = re.compile(rb"token count[^\"]{0,80}exceeds the maximum")
# Both come as 400: a wrong key, and an account that may not do this at all.
_ACCOUNT: Final = re.compile(rb'"API_KEY_[A-Z_]+"|"FAILED_PRECONDITION"')
_QUOTA: Final = re.compile(rb'"quotaId"\s*:\s*"[A-Za-z-]{0,80}PerDay')


def connect(endpoint: Endpoint) -> HttpProvider:
    """Return a provider; raises `ValueError` for a bad address and for an unknown option."""
    return HttpProvider(endpoint, Gemini(checked(endpoint, OPTIONS)), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError) and error.status == _REJECTED:
        if _CONTEXT.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if _ACCOUNT.search(error.body):
            return ErrorClass.UNAUTHORISED
    if isinstance(error, StatusError) and error.status == _TOO_MANY and _QUOTA.search(error.body):
        return ErrorClass.QUOTA_SPENT
    return classified(error)


class Gemini:
    """What Gemini's wire says its own way."""

    stream_type = b"text/event-stream"

    def __init__(self, endpoint: Endpoint) -> None:
        is_bearer = one_of(endpoint, "auth", "key", "bearer") == "bearer"
        self._auth: list[tuple[bytes, bytes]] = []
        if endpoint.key is not None:
            key = endpoint.key.get_secret_value()
            self._auth = [
                (b"Authorization", f"Bearer {key}".encode())
                if is_bearer
                else (b"x-goog-api-key", key.encode())
            ]

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a chat, or an embedding of all messages."""
        path = f"/models/{quote(model, safe='')}"
        if ask.operation is Operation.EMBED:
            wanted = contents.embeddings_of(ask, model)
            return Outgoing(f"{path}:batchEmbedContents", orjson.dumps(wanted))
        if ask.operation is not Operation.CHAT:
            raise UnaskableError("neither a chat nor an embedding")
        wanted = {
            **contents.said_of(ask),
            **contents.tools_of(ask),
            **contents.settings_of(ask, output_tokens_max),
        }
        verb = "streamGenerateContent?alt=sse" if ask.stream else "generateContent"
        return Outgoing(f"{path}:{verb}", orjson.dumps(wanted), stream=ask.stream)

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the key."""
        del method, path, body
        return self._auth

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield an answer that came in one body."""
        answer = object_in(body)
        if "embeddings" in answer:
            yield from _vectors(answer)
        else:
            reader = Events()
            yield from reader.read(body)
            if not reader.is_whole:
                raise BadAnswerError("no reason why it ended")
        yield Ended()

    def reader(self) -> "Events":
        """Return a reader of server-sent events."""
        return Events()

    def probe_path(self) -> str:
        """Return the list of models; it costs nothing."""
        return "/models"


class Events:
    """Reads the events of one answer; each has the form of a whole one.

    There is no mark of the end: the answer is whole once it has said why it stopped.
    """

    def __init__(self) -> None:
        self._events = EventReader()
        self._calls = 0
        self._stopped = False

    @property
    def is_whole(self) -> bool:
        """Return whether it has said why it stopped."""
        return self._stopped

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Yield what the bytes complete."""
        for event in self._events.feed(received):
            yield from self.read(event)

    def read(self, event: bytes) -> Iterator[Piece]:
        """Yield what one event says."""
        data = exact_object_in(event) if _CALLS in event else object_in(event)
        if error := data.get("error"):
            raise StatusError(_status_in(error), event)
        candidate = next(_candidates(data), None)
        if candidate is not None:
            yield from self._said(candidate)
        usage = _usage(data)
        if usage is not None:
            yield Counted(usage)
        reason = _reason(candidate, data)
        if reason is not None:
            self._stopped = True
            yield Stopped(reason)

    def _said(self, candidate: dict[str, Any]) -> Iterator[Piece]:
        content = candidate.get("content") or {}
        if not isinstance(content, dict):
            raise BadAnswerError("content is no object")
        for part in array_in(content, "parts"):
            if not isinstance(part, dict) or part.keys() & _UNASKED:
                raise BadAnswerError("a part of a kind that nobody asked for")
            if (call := part.get("functionCall")) is not None:
                yield self._called(call)
            elif text := text_in(part, "text"):
                yield Reasoning(text) if part.get("thought") else Text(text)

    def _called(self, call: object) -> CallPart:
        if not isinstance(call, dict) or call.get("willContinue") or call.get("partialArgs"):
            raise BadAnswerError("a call that is not whole")
        self._calls += 1
        arguments = json_text(call.get("args") or {})
        return CallPart(self._calls - 1, text_in(call, "id"), text_in(call, "name"), arguments)


# --- what is answered --------------------------------------------------------------------


def _candidates(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the first candidate; others were not asked for."""
    for candidate in array_in(data, "candidates"):
        if not isinstance(candidate, dict):
            raise BadAnswerError("a candidate that is no object")
        if candidate.get("index", 0) == 0:
            yield candidate


def _reason(candidate: dict[str, Any] | None, data: dict[str, Any]) -> FinishReason | None:
    """Return why it stopped; without a candidate, because the question was not let through."""
    if candidate is None:
        feedback = data.get("promptFeedback")
        blocked = isinstance(feedback, dict) and feedback.get("blockReason")
        return FinishReason.CONTENT_FILTER if blocked else None
    stated = candidate.get("finishReason")
    if stated is None:
        return None
    reason = _REASONS.get(stated) if isinstance(stated, str) else None
    if reason is None:
        raise BadAnswerError("a reason why it ended that is no end of an answer")
    return reason


def _status_in(error: object) -> int:
    if not isinstance(error, dict):
        return _SERVER_ERROR
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 600:  # noqa: PLR2004
        return code
    return _STATUSES.get(str(error.get("status")), _SERVER_ERROR)


def _vectors(answer: dict[str, Any]) -> Iterator[Piece]:
    found = array_in(answer, "embeddings")
    values = (one.get("values") if isinstance(one, dict) else None for one in found)
    yield Vectors(tuple(packed(vector) for vector in values))
    usage = _usage(answer)
    yield from [Counted(usage)] if usage else []
    yield Stopped(FinishReason.STOP)


def _usage(data: dict[str, Any]) -> TokenUsage | None:
    """Return what the provider counted; None if it did not, or counted nonsense.

    Here thoughts and what tools brought in are counted apart; with us they are in the sums.
    """
    stated = data.get("usageMetadata")
    if not isinstance(stated, dict) or "promptTokenCount" not in stated:
        return None
    counts = counts_in(stated, *_COUNTS)
    if counts is None:
        return None
    asked, brought, written, thought, from_cache = counts
    return TokenUsage(
        input_tokens=asked + brought,
        output_tokens=written + thought,
        cache_read_tokens=from_cache,
        reasoning_tokens=thought,
    )
