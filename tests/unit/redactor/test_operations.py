"""Texts to embed or to translate are masked like any others, and what comes back is restored."""

import base64
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError

from services.redactor.handlers import Redactor
from services.redactor.settings import Settings
from services.redactor.vault.scopes import Scopes
from services.redactor.vault.subjects import Subjects
from services.redactor.vault.tenants import TenantKeys
from shared.contracts.completions import (
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    TokenUsage,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import (
    DIMENSIONS_LIKELY,
    EMBEDDING_NUMBERS_MAX,
    TRANSLATED_BYTES_MAX,
    EmbeddingPurpose,
    Message,
    Operation,
    RequestRedacted,
    RequestRefused,
    RequestSubmitted,
    Role,
    texts_max,
)
from shared.contracts.values import Sensitivity
from shared.db import Database
from tests.unit.redactor.masking import masker
from tests.unit.redactor.test_handlers import FakeKeyring

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
TEXTS = (
    "Anders Hansen har skrevet til os om sin ordre.",
    "Jens ringede, og Anders Hansens nummer er 12 34 56 78.",
    "Der er intet personligt i denne sætning.",
)
VECTOR = base64.b64encode(struct.pack("<2f", 0.25, -1.0)).decode()


@pytest.fixture
def redactor(tmp_path: Path) -> Redactor:
    key_file = tmp_path / "master"
    key_file.write_text("ab" * 32)
    database = Database(SecretStr("postgresql://vault@127.0.0.1:1/none"), schema="vault")
    scopes = Scopes(database, b"m" * 32, TenantKeys(b"m" * 32), Subjects(b"m" * 32))
    settings = Settings(master_key_file=key_file, replica="r1")
    return Redactor(masker(), FakeKeyring(), scopes, settings, clock=lambda: NOW)


def _request(*texts: str, **data: Any) -> RequestSubmitted:
    messages = tuple(Message(role=Role.USER, content=text) for text in texts)
    fields: dict[str, Any] = {"request_id": UUID(int=1), "time": NOW} | data
    return RequestSubmitted(tenant="default", app="crm", messages=messages, **fields)


def _to_translate(*texts: str, into: str = "de") -> RequestSubmitted:
    return _request(*texts, operation=Operation.TRANSLATE, target_language=into)


async def _sent(redactor: Redactor, request: RequestSubmitted) -> RequestRedacted:
    (event,) = await redactor.requests_submitted([request])
    assert isinstance(event, RequestRedacted)
    return event


async def _restored(redactor: Redactor, sent: RequestRedacted, **said: Any) -> CompletionRestored:
    facts: dict[str, Any] = {
        "text": "\n".join(said.get("translations", ())),
        "finish_reason": FinishReason.STOP,
        "model": "words",
        "provider": "scripted",
        "usage": TokenUsage(input_tokens=0, output_tokens=0, characters=90),
        "cost_nano": 7,
        "currency": "EUR",
        "attempts": 1,
        "operation": sent.operation,
    }
    produced = CompletionProduced.following(sent, **(facts | said))
    produced = produced.as_received(NOW, sent.sealed, b"")
    (result,) = await redactor.completions_finished([produced])
    assert isinstance(result, CompletionRestored)
    return result


async def test_texts_to_embed_are_masked_alike_over_all_of_them(redactor: Redactor) -> None:
    asked = {"embedding_purpose": EmbeddingPurpose.QUERY, "dimensions": 256}

    sent = await _sent(redactor, _request(*TEXTS, operation=Operation.EMBED, **asked))

    assert [message.content for message in sent.messages] == [
        "Klient_001 har skrevet til os om sin ordre.",
        "Klient_002 ringede, og Klient_001s nummer er Telefon_001.",
        "Der er intet personligt i denne sætning.",
    ]
    assert sent.sensitivity is Sensitivity.PERSONAL
    assert (sent.operation, sent.embedding_purpose, sent.dimensions) == (
        Operation.EMBED,
        EmbeddingPurpose.QUERY,
        256,
    )


async def test_vectors_pass_unchanged(redactor: Redactor) -> None:
    sent = await _sent(redactor, _request(*TEXTS, operation=Operation.EMBED))

    result = await _restored(redactor, sent, embeddings=(VECTOR,) * 3)

    assert result.operation is Operation.EMBED
    assert result.embeddings == (VECTOR,) * 3
    assert (result.text, result.translations, result.unresolved_count) == ("", (), 0)


async def test_each_translation_is_restored_and_so_is_the_text(redactor: Redactor) -> None:
    sent = await _sent(redactor, _to_translate(*TEXTS))
    assert (sent.operation, sent.target_language) == (Operation.TRANSLATE, "de")

    result = await _restored(
        redactor,
        sent,
        translations=(
            "kunde_001 hat uns geschrieben.",
            "Klient_002 rief an; Klient_001s Nummer ist Telefon_001. Klient_009?",
            "Kein Wort.",
        ),
    )

    assert result.translations == (
        "Anders Hansen hat uns geschrieben.",
        "Jens rief an; Anders Hansens Nummer ist 12 34 56 78. Klient_009?",
        "Kein Wort.",
    )
    assert result.text == "\n".join(result.translations)
    assert result.unresolved_count == 1  # Klient_009, which stands for nobody.


@pytest.mark.parametrize(
    ("into", "said", "restored"),
    [
        ("en", "Kunde_001's case", "Anders Hansen's case"),
        ("en", "CLIENT 001 wrote", "Anders Hansen wrote"),
        ("es", "Cliente_001 escribió", "Anders Hansen escribió"),
        ("nl", "klant_001 schreef", "Anders Hansen schreef"),
        ("sv", "Klient_002s ärende", "Jens ärende"),
        ("nb", "Klient_002s sak", "Jens' sak"),
        ("sv-SE", "Klient_002:s ärende", "Jens ärende"),
    ],
)
async def test_a_translated_placeholder_is_restored_by_the_rules_of_its_new_language(
    redactor: Redactor, into: str, said: str, restored: str
) -> None:
    sent = await _sent(redactor, _to_translate("Anders Hansen og Jens.", into=into))

    result = await _restored(redactor, sent, translations=(said,))

    assert (result.translations, result.unresolved_count) == ((restored,), 0)


@pytest.mark.parametrize("into", ["da", "zh-Hant", "pt-BR", "es-419", "sr-Cyrl-RS"])
async def test_a_language_may_have_a_script_and_a_region(redactor: Redactor, into: str) -> None:
    assert (await _sent(redactor, _to_translate("Hej", into=into))).target_language == into


@pytest.mark.parametrize("into", ["da-Anders-Hansen", "da-Mona", "de-010190", "xx-1234567"])
async def test_nobody_hides_in_the_language_that_a_translator_is_told(
    redactor: Redactor, into: str
) -> None:
    (event,) = await redactor.requests_submitted([_to_translate("Hej", into=into)])

    assert isinstance(event, RequestRefused)
    assert event.code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(("dimensions", "count"), [(None, 40), (1024, 160), (640, 256), (8192, 20)])
async def test_what_could_not_be_answered_in_one_message_is_refused_before_it_is_paid(
    redactor: Redactor, dimensions: int | None, count: int
) -> None:
    assert texts_max(dimensions) == count
    assert count * (dimensions or DIMENSIONS_LIKELY) <= EMBEDDING_NUMBERS_MAX
    asked = {"operation": Operation.EMBED, "dimensions": dimensions}
    await _sent(redactor, _request(*["Hej"] * count, **asked))
    if count < 256:
        (event,) = await redactor.requests_submitted([_request(*["Hej"] * (count + 1), **asked)])
        assert isinstance(event, RequestRefused)
        assert event.code is ErrorCode.TOO_LARGE


async def test_a_translation_that_fits_no_message_is_refused(redactor: Redactor) -> None:
    text = "ord " * (TRANSLATED_BYTES_MAX // 8)
    await _sent(redactor, _to_translate(text, text))
    (event,) = await redactor.requests_submitted([_to_translate(text, text, "!")])

    assert isinstance(event, RequestRefused)
    assert event.code is ErrorCode.TOO_LARGE


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "   "},
        {"role": "user", "content": "", "parts": [{"kind": "text", "text": "Hej"}]},
    ],
)
def test_each_message_is_one_text(message: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="is one text"):
        RequestSubmitted.model_validate(
            {
                "tenant": "default",
                "app": "crm",
                "request_id": UUID(int=1),
                "operation": "embed",
                "messages": [message],
            }
        )
