"""Turns a model's answer, or what took its place, into the one result that its caller sees."""

from services.redactor.restoring import restore
from services.redactor.vault.sealing import Envelope
from shared.contracts.completions import (
    CompletionFailed,
    CompletionProduced,
    CompletionRestored,
    Outcome,
)
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.requests import RequestRefused
from shared.contracts.values import Language

Finished = CompletionProduced | CompletionFailed | RequestRefused


def result_of(event: Finished, envelope: Envelope | None) -> CompletionRestored:
    language = _language(event, envelope)
    digest = envelope.request_sha256 if envelope else None
    if isinstance(event, CompletionProduced) and envelope is not None:
        text, unresolved = restore(event.text, envelope.mapping, language)
        return CompletionRestored.following(
            event,
            outcome=Outcome.COMPLETION,
            text=text,
            finish_reason=event.finish_reason,
            model=event.model,
            provider=event.provider,
            usage=event.usage,
            cost_nano=event.cost_nano,
            currency=event.currency,
            language=language,
            request_sha256=digest,
            masked_count=len(envelope.mapping),
            unresolved_count=unresolved,
        )
    # An answer without its envelope stays masked for ever: no half answer is passed off as whole.
    code = ErrorCode.INTERNAL if isinstance(event, CompletionProduced) else event.code
    refused = isinstance(event, RequestRefused)
    return CompletionRestored.following(
        event,
        outcome=Outcome.REFUSED if refused else Outcome.FAILED,
        error=ErrorDetail.of(code, language),
        language=language,
        request_sha256=digest,
        masked_count=len(envelope.mapping) if envelope else 0,
    )


def _language(event: Finished, envelope: Envelope | None) -> Language:
    """Return the language of the request, which decides how names are inflected."""
    if envelope is not None and envelope.mapping.language:
        return Language(envelope.mapping.language)
    return event.language
