"""Makes a request out of what a caller passes, or says which field breaks which rule."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from pydantic import ValidationError

from shared.contracts.catalog import APP
from shared.contracts.event import broken_rules, encode
from shared.contracts.requests import (
    PAYLOAD_BYTES_MAX,
    TIMEOUT_MS_DEFAULT,
    TRANSLATED_BYTES_MAX,
    Message,
    Operation,
    RequestSubmitted,
    Tool,
    answer_fits,
    request_digest,
    texts_max,
)
from shared.contracts.values import keyed_request_id, new_id, now
from stellwerk.answer import Ticket
from stellwerk.errors import InvalidRequest, TooLarge

GRACE_S: Final = 5.0
"""How much longer than the platform's deadline a caller waits: its refusal has to travel."""

Messages = str | Sequence[Message | Mapping[str, Any]]
"""One text from the user, or a whole conversation as `{"role", "content"}` with parts and calls."""


class Options(TypedDict, total=False):
    """What a caller may add to a request; docs/events.md says what each field allows.

    `operation` is `chat` unless said otherwise; `Client.embed` and `Client.translate` say it.
    `idempotency_key` makes asking twice the same request. `traceparent` continues the caller's
    own trace.
    """

    operation: str
    target_language: str
    embedding_purpose: str
    dimensions: int
    model: str
    task: str
    max_tokens: int
    temperature: float
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    seed: int
    user: str
    use_case: str
    case_id: str
    conversation_id: str
    metadata: Mapping[str, str]
    tools: Sequence[Tool | Mapping[str, Any]]
    tool_choice: str
    parallel_tool_calls: bool
    sensitivity: str
    timeout_s: float
    idempotency_key: str
    traceparent: str


def request_of(
    messages: Messages, tenant: str, app: str, *, stream: bool, **options: Unpack[Options]
) -> RequestSubmitted:
    """Return the request; raise `InvalidRequest` naming fields and rules, never values."""
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise InvalidRequest(f"There is no option {', '.join(sorted(unknown))}.")
    fields = {name: value for name, value in options.items() if value is not None}
    key = fields.pop("idempotency_key", None)
    fields.pop("traceparent", None)
    timeout_s = fields.pop("timeout_s", TIMEOUT_MS_DEFAULT / 1000)
    request_id = keyed_request_id(tenant, app, str(key)) if key is not None else new_id()
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    try:
        request = RequestSubmitted.model_validate(
            {
                **fields,
                # The request's id is the message id: the bus drops a second one.
                "id": request_id,
                "request_id": request_id,
                "time": now(),
                "tenant": tenant,
                "app": app,
                "messages": tuple(messages),
                "stream": stream,
                "timeout_ms": _milliseconds(timeout_s),
            }
        )
    except ValidationError as error:
        raise InvalidRequest(f"The request was not sent: {broken_rules(error)}.") from None
    if (sentence := too_much_for_one_answer(request)) is not None:
        raise TooLarge(sentence)
    return request


def too_much_for_one_answer(request: RequestSubmitted) -> str | None:
    """Return what to do about a request whose answer would fit no message; None if it fits."""
    if answer_fits(request):
        return None
    if request.operation is Operation.TRANSLATE:
        return (
            f"One request may hold {TRANSLATED_BYTES_MAX:,} bytes of text to translate, so that "
            "its answer fits on the bus. Split it."
        )
    dimensions = request.dimensions
    each = f"with {dimensions:,} dimensions each" if dimensions else "without stated dimensions"
    return (
        f"One request may hold {texts_max(dimensions)} texts to embed {each}, so that its answer "
        "fits on the bus. Send fewer at once, or ask for fewer dimensions."
    )


def ticket_of(request: RequestSubmitted) -> Ticket:
    """Return the ticket of a request; raise `InvalidRequest` if its text cannot be written."""
    try:
        digest = request_digest(request)
    except UnicodeError:
        raise InvalidRequest(
            "The request was not sent: its text is not valid Unicode. Decode it as UTF-8 first."
        ) from None
    return Ticket(request.request_id, digest, request.timeout_ms / 1000 + GRACE_S)


def payload_of(request: RequestSubmitted, source: str = APP) -> bytes:
    """Return the bytes of a request; raise `TooLarge` if they are over the limit."""
    payload = encode(request, source=source)
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise TooLarge(
            f"The request is {len(payload):,} bytes and the limit is {PAYLOAD_BYTES_MAX:,}. "
            "Shorten it or split it."
        )
    return payload


def _milliseconds(timeout_s: object) -> object:
    return round(timeout_s * 1000) if isinstance(timeout_s, int | float) else timeout_s
