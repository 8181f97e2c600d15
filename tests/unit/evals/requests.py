"""Requests and completions as evals is given them, with invented people only."""

from datetime import UTC, datetime
from uuid import UUID

from shared.contracts.completions import CompletionProduced, FinishReason, TokenUsage
from shared.contracts.requests import Message, RequestRedacted, Role
from shared.contracts.values import Language, Sensitivity, new_id


def request_for(
    prompt: str,
    language: Language = Language.UNDETERMINED,
    *,
    system: str | None = None,
    request_id: UUID | None = None,
) -> RequestRedacted:
    """Return a masked request with one turn of the user."""
    first = (Message(role=Role.SYSTEM, content=system),) if system else ()
    return RequestRedacted(
        tenant="default",
        app="letters",
        request_id=request_id or new_id(),
        messages=(*first, Message(role=Role.USER, content=prompt)),
        language=language,
        sensitivity=Sensitivity.PUBLIC,
        fingerprint="0" * 64,
        deadline=datetime(2026, 11, 24, 9, tzinfo=UTC),
        redactor="r1",
    )


def completion_of(request: RequestRedacted, answer: str) -> CompletionProduced:
    """Return the completion of a request."""
    return CompletionProduced.following(
        request,
        text=answer,
        finish_reason=FinishReason.STOP,
        model="local-default",
        provider="local",
        usage=TokenUsage(input_tokens=20, output_tokens=40),
        cost_nano=0,
        currency="EUR",
        attempts=1,
        language=request.language,
    )
