"""Turns a model's answer, or what took its place, into the one result that its caller sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.redactor.kinds import LITERAL
from services.redactor.placeholders import Mapping
from services.redactor.policy import Rules
from services.redactor.restoring import restore, restore_json
from services.redactor.vault.sealing import Envelope
from shared.contracts.completions import (
    CompletionFailed,
    CompletionProduced,
    CompletionRestored,
    Outcome,
)
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.requests import RequestRefused, ToolCall
from shared.contracts.values import Language

Finished = CompletionProduced | CompletionFailed | RequestRefused


def result_of(event: Finished, envelope: Envelope | None, rules: Rules) -> CompletionRestored:
    """Return the result of a request; `rules` say which functions get the real values."""
    language = _language(event, envelope)
    digest = envelope.request_sha256 if envelope else None
    if isinstance(event, CompletionProduced) and envelope is not None:
        said = _restored(event, envelope, language)
        called = _called(event.tool_calls, envelope.mapping, language, rules)
        return CompletionRestored.following(
            event,
            outcome=Outcome.COMPLETION,
            text=said.text,
            finish_reason=event.finish_reason,
            model=event.model,
            provider=event.provider,
            usage=event.usage,
            cost_nano=event.cost_nano,
            currency=event.currency,
            language=language,
            request_sha256=digest,
            masked_count=len(envelope.mapping),
            unresolved_count=said.unresolved_count + called.unresolved_count,
            tool_calls=called.calls,
            masked_tools=called.masked,
            operation=event.operation,
            embeddings=event.embeddings,
            translations=said.translations,
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


@dataclass(frozen=True, slots=True)
class _Said:
    """The text with the real values back in it, and each translation of it."""

    text: str
    translations: tuple[str, ...]
    unresolved_count: int


def _restored(event: CompletionProduced, envelope: Envelope, language: Language) -> _Said:
    """Return the texts of an answer. A translation takes the genitives of its own language.

    Each translation is restored by itself, so that none ends in the middle of the next one's first
    placeholder. What stands for nothing is counted once.
    """
    mapping = envelope.mapping
    if not event.translations:
        text, unresolved = restore(event.text, mapping, language)
        return _Said(text, (), unresolved)
    target = (envelope.answer_language or language).partition("-")[0]
    restored = [restore(one, mapping, target) for one in event.translations]
    texts = tuple(text for text, _ in restored)
    return _Said("\n".join(texts), texts, sum(count for _, count in restored))


@dataclass(frozen=True, slots=True)
class _Called:
    """The calls as their app makes them, and the functions that keep placeholders."""

    calls: tuple[ToolCall, ...]
    masked: tuple[str, ...]
    unresolved_count: int


def _called(
    calls: Sequence[ToolCall], mapping: Mapping, language: Language, rules: Rules
) -> _Called:
    """Return the calls with their functions' own names, and the values for those that may know."""
    allowed = rules.policy.tools
    out: list[ToolCall] = []
    masked: dict[str, None] = {}
    unresolved = 0
    for call in calls:
        name = _own_name(call.name, mapping)
        arguments, count = restore_json(call.arguments, mapping, language)
        if allowed == "any" or name in allowed:
            unresolved += count
        else:
            if arguments != call.arguments:
                masked[name] = None
            arguments = call.arguments
        out.append(ToolCall(id=call.id, name=name, arguments=arguments))
    return _Called(tuple(out), tuple(masked), unresolved)


def _own_name(name: str, mapping: Mapping) -> str:
    """Return what the caller calls a function: a name with a person in it was replaced whole."""
    entry = mapping.get(name)
    return entry.value if entry is not None and entry.type == LITERAL else name


def _language(event: Finished, envelope: Envelope | None) -> Language:
    """Return the language of the request, which decides how names are inflected."""
    if envelope is not None and envelope.mapping.language:
        return Language(envelope.mapping.language)
    return event.language
