"""Amazon Bedrock's Converse, whoever made the model.

Option `access_key_id` makes the key a secret access key, and each request is signed; with short-
lived keys option `session_token` goes along, and `aws_region` where the address does not name the
region. Without `access_key_id` the key is a Bedrock API key. Converse has neither penalties nor a
seed, and no switch for parallel calls: those wishes stay here.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx2
import orjson
from pydantic import SecretStr

from services.router.faults import ErrorClass
from services.router.providers.base import (
    CallPart,
    Counted,
    Ended,
    Endpoint,
    Outgoing,
    Piece,
    ProviderError,
    Reasoning,
    Stopped,
    Text,
)
from services.router.wire import converse
from services.router.wire.connections import Headers
from services.router.wire.eventstream import Frame, FrameReader
from services.router.wire.fields import (
    array_in,
    exact_object_in,
    json_text,
    member_in,
    object_in,
    text_in,
)
from services.router.wire.http import BadAnswerError, HttpProvider, StatusError, classified
from services.router.wire.options import checked
from services.router.wire.sigv4 import Signer
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import RequestRedacted
from shared.contracts.values import now

WIRE: Final = "bedrock"
OPTIONS: Final = frozenset({"access_key_id", "session_token", "aws_region"})
_REGION: Final = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
_REASONS: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
    # malformed_model_output and malformed_tool_use say that this is no answer.
}
_STATUS: Final = {
    "throttlingexception": 429,
    "validationexception": 400,
    "modelstreamerrorexception": 424,
    "serviceunavailableexception": 503,
}
"""Of an error in mid-stream; every other one is theirs."""
_SERVER_ERROR: Final = 500
_CLASSES: Final = {
    # These come as 4xx, but the fault is the model's, not the request's.
    "modelerrorexception": ErrorClass.SERVER_ERROR,
    "modelstreamerrorexception": ErrorClass.SERVER_ERROR,
    "modelnotreadyexception": ErrorClass.OVERLOADED,
    # An account's share, which people raise; rates that are back in a minute are throttling.
    "servicequotaexceededexception": ErrorClass.QUOTA_SPENT,
}
_TYPE: Final = b"x-amzn-errortype"
_TYPE_IN_BODY: Final = re.compile(rb'"__type"\s*:\s*"([^"]*)"')
_TOO_LONG: Final = re.compile(
    rb"(?:input|prompt) is too long|too many input tokens|input tokens exceed"
    rb"|context (?:length|window)|exceeds? the (?:maximum|max) (?:number of )?(?:input )?tokens",
    re.IGNORECASE,
)
_SPENT: Final = b"tokens per day"


def connect(endpoint: Endpoint) -> "Bedrock":
    """Return a provider; raises `ValueError` for a bad address and for an unknown option."""
    return Bedrock(endpoint, Converse(checked(endpoint, OPTIONS)), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError):
        kind = _kind(error)
        if kind in _CLASSES:
            return _CLASSES[kind]
        if error.status == _STATUS["validationexception"] and _TOO_LONG.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if error.status == _STATUS["throttlingexception"] and _SPENT in error.body:
            return ErrorClass.QUOTA_SPENT
    return classified(error)


class Bedrock(HttpProvider):
    """Bedrock's runtime has no question that every key may ask; a refusal by name is a sign too."""

    async def probe(self) -> None:
        """Return if it lists, or says that this key may not.

        Whoever may only invoke models is denied the list after the key was found to be good. Any
        other 403 is about the key: unknown, expired, or a wrong signature.
        """
        try:
            await super().probe()
        except ProviderError as error:
            if not _is_known_but_not_allowed(error.__cause__):
                raise


class Converse:
    """What Converse says its own way."""

    stream_type = b"application/vnd.amazon.eventstream"

    def __init__(self, endpoint: Endpoint, clock: Callable[[], datetime] = now) -> None:
        """Raises `ValueError` for an address that is none, or an access key without its secret."""
        try:
            self._url = httpx2.URL(endpoint.base_url)
        except httpx2.InvalidURL:
            raise ValueError("its base_url is no address") from None
        key, options = endpoint.key, endpoint.options
        self._clock = clock
        self._signer: Signer | None = None
        self._auth: Headers = ()
        if access_key_id := options.get("access_key_id"):
            if key is None:
                raise ValueError("access_key_id without a key, which is its secret")
            named = _REGION.search(self._url.host)
            region = options.get("aws_region") or (named[1] if named else endpoint.region)
            token = options.get("session_token")
            session = SecretStr(token) if token else None
            self._signer = Signer(access_key_id, key, region, "bedrock", session)
        elif key is not None:
            self._auth = ((b"Authorization", b"Bearer " + key.get_secret_value().encode()),)

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a conversation."""
        body = orjson.dumps(converse.conversation_of(ask, output_tokens_max))
        # Identifiers are ARNs too: colons and slashes in them are no part of the path.
        path = f"/model/{quote(model, safe='~')}/converse{'-stream' if ask.stream else ''}"
        return Outgoing(path, body, stream=ask.stream)

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the key, or a signature over what is sent."""
        if self._signer is None:
            return self._auth
        signed = [(b"Host", self._url.netloc)]
        signed += [(b"Content-Type", b"application/json")] if body else []
        target = self._url.raw_path.rstrip(b"/") + path.encode()
        return self._signer.headers(method, target, signed, body, self._clock())

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield an answer that came in one body."""
        answer = exact_object_in(body)
        message = member_in(member_in(answer, "output"), "message")
        calls = 0
        for block in array_in(message, "content"):
            if not isinstance(block, dict):
                raise BadAnswerError("a block that is no object")
            if "toolUse" in block:
                use = member_in(block, "toolUse")
                arguments = json_text(use.get("input") or {})
                yield CallPart(calls, text_in(use, "toolUseId"), text_in(use, "name"), arguments)
                calls += 1
            else:
                yield from _said(block)
        usage = _usage(answer)
        yield from [Counted(usage)] if usage else []
        yield Stopped(_reason(answer))
        yield Ended()

    def reader(self) -> "Events":
        """Return a reader of AWS's event stream."""
        return Events()

    def probe_path(self) -> str:
        """Return the list of asynchronous invocations, mostly empty; it costs nothing."""
        return "/async-invoke?maxResults=1"


class Events:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._calls: dict[object, int] = {}
        """Which call a block is: blocks of text are counted too."""
        self._has_stopped = False

    @property
    def is_whole(self) -> bool:
        """Return whether the model has stopped: what may follow are only the counts."""
        return self._has_stopped

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Yield what the bytes complete."""
        for frame in self._frames.feed(received):
            if frame.headers.get(":message-type") != "event":
                raise _error_in(frame)
            data = object_in(frame.payload)
            match frame.headers.get(":event-type"):
                case "contentBlockStart":
                    yield from self._begun(data)
                case "contentBlockDelta":
                    yield from self._continued(data)
                case "messageStop":
                    yield Stopped(_reason(data))
                    self._has_stopped = True
                case "metadata":
                    usage = _usage(data)
                    yield from [Counted(usage)] if usage else []
                    yield Ended()
                case _:
                    pass

    def _begun(self, data: dict[str, Any]) -> Iterator[Piece]:
        start, block = member_in(data, "start"), data.get("contentBlockIndex")
        if "toolUse" not in start:
            return
        if block in self._calls:
            raise BadAnswerError("one block with two calls")
        self._calls[block] = len(self._calls)
        use = member_in(start, "toolUse")
        yield CallPart(self._calls[block], text_in(use, "toolUseId"), text_in(use, "name"))

    def _continued(self, data: dict[str, Any]) -> Iterator[Piece]:
        delta = member_in(data, "delta")
        if "toolUse" not in delta:
            yield from _said(delta)
            return
        call = self._calls.get(data.get("contentBlockIndex"))
        if call is None:
            raise BadAnswerError("a piece of a call that never began")
        yield CallPart(call, arguments=text_in(member_in(delta, "toolUse"), "input"))


# --- what is answered --------------------------------------------------------------------


def _said(block: dict[str, Any]) -> Iterator[Piece]:
    """Yield the text of a block or a delta, or what the model thought."""
    if "text" in block:
        yield Text(text_in(block, "text"))
    elif "reasoningContent" in block:
        thought = member_in(block, "reasoningContent")
        thought = member_in(thought, "reasoningText") if "reasoningText" in thought else thought
        yield Reasoning(text_in(thought, "text"))  # A signature or encrypted thoughts have none.
    elif "citation" not in block:
        raise BadAnswerError("a block of a kind that was not asked for")


def _reason(data: dict[str, Any]) -> FinishReason:
    reason = _REASONS.get(text_in(data, "stopReason"))
    if reason is None:
        raise BadAnswerError("no reason why it ended, or one that is no answer's")
    return reason


def _usage(data: dict[str, Any]) -> TokenUsage | None:
    """Return what was counted; None if nothing was, or nonsense.

    Bedrock's `inputTokens` are those that came from no cache and went into none; the total is the
    sum: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    stated = data.get("usage")
    if not isinstance(stated, dict) or "inputTokens" not in stated or "outputTokens" not in stated:
        return None
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    counts = [stated.get(name) or 0 for name in names]
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        return None
    fresh, written, cache_read, cache_write = counts
    return TokenUsage(
        input_tokens=fresh + cache_read + cache_write,
        output_tokens=written,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
    )


# --- what goes wrong ---------------------------------------------------------------------


def _error_in(frame: Frame) -> StatusError:
    """Return the error that a frame is: one of the five exceptions, or one without a model."""
    kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code") or ""
    status = _STATUS.get(kind.lower(), _SERVER_ERROR)
    return StatusError(status, frame.payload, ((_TYPE, kind.encode()),))


def _kind(error: StatusError) -> str:
    """Return the name of an error, in lower case, out of its header or its body."""
    stated = next((value for name, value in error.headers if name.lower() == _TYPE), b"")
    if not stated and (found := _TYPE_IN_BODY.search(error.body)):
        stated = found[1].rpartition(b"#")[2]
    return stated.partition(b":")[0].decode("latin-1").lower()


def _is_known_but_not_allowed(error: BaseException | None) -> bool:
    if not isinstance(error, StatusError):
        return False
    # A Bedrock API key that is none is an AccessDeniedException too, in other words.
    return _kind(error) == "accessdeniedexception" and b"not authorized to perform" in error.body
