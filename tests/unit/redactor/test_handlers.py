"""The handlers: what goes out is masked or refused, what comes back is whole or an error."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.redactor.handlers import Redactor
from services.redactor.settings import Settings
from services.redactor.vault.scopes import Scopes
from services.redactor.vault.subjects import Subjects
from services.redactor.vault.tenants import TenantKeys
from shared.bus import GivenUp, Postponed
from shared.contracts.completions import (
    ChunkProduced,
    CompletionFailed,
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    Outcome,
    TokenUsage,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import (
    SAMPLING,
    LeakStopped,
    Message,
    RequestRedacted,
    RequestRefused,
    RequestSubmitted,
    Role,
    request_digest,
)
from shared.contracts.values import Language, Sensitivity
from shared.db import Database
from tests.unit.redactor.masking import masker

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
LETTER = "Kære kundeservice. Jeg hedder Anders Hansen, CPR 010190-1234. Ring på tlf. 12 34 56 78."


class FakeKeyring:
    """One key for every hour, until an hour is destroyed."""

    def __init__(self) -> None:
        self.destroyed: set[int] = set()

    async def current(self, unix_s: float) -> tuple[int, bytes]:
        return int(unix_s // 3600), b"k" * 32

    async def of(self, epochs: Iterable[int]) -> Mapping[int, bytes]:
        return {epoch: b"k" * 32 for epoch in epochs if epoch not in self.destroyed}


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


@pytest.fixture
def redactor(tmp_path: Path, keyring: FakeKeyring) -> Redactor:
    key_file = tmp_path / "master"
    key_file.write_text("ab" * 32)
    settings = Settings(master_key_file=key_file, replica="r1")
    return Redactor(masker(), keyring, _no_vault(), settings, clock=lambda: NOW)


def _no_vault() -> Scopes:
    """Return a vault whose database is away: nothing listens on port 1."""
    database = Database(SecretStr("postgresql://vault@127.0.0.1:1/none"), schema="vault")
    return Scopes(database, b"m" * 32, TenantKeys(b"m" * 32), Subjects(b"m" * 32))


def _request(*contents: str, **data: Any) -> RequestSubmitted:
    messages = tuple(Message(role=Role.USER, content=content) for content in contents)
    fields: dict[str, Any] = {"request_id": UUID(int=1), "time": NOW} | data
    return RequestSubmitted(tenant="default", app="crm", messages=messages, **fields)


async def _redacted(redactor: Redactor, request: RequestSubmitted) -> RequestRedacted:
    (event,) = await redactor.requests_submitted([request])
    assert isinstance(event, RequestRedacted)
    return event


def _answer(redacted: RequestRedacted, text: str, **data: Any) -> CompletionProduced:
    """Return an answer as it reaches the redactor: with the header that the bus has copied."""
    produced = CompletionProduced.following(
        redacted,
        text=text,
        finish_reason=FinishReason.STOP,
        model="small",
        provider="scripted",
        usage=TokenUsage(input_tokens=10, output_tokens=5),
        cost_nano=7,
        currency="EUR",
        attempts=1,
        **data,
    )
    return produced.as_received(NOW, redacted.sealed, b"")


async def _restored(redactor: Redactor, event: Event) -> CompletionRestored:
    (result,) = await redactor.completions_finished([event])  # type: ignore[list-item]
    assert isinstance(result, CompletionRestored)
    return result


async def test_a_request_goes_on_without_its_personal_data(redactor: Redactor) -> None:
    request = _request(LETTER, metadata={"kunde": "Anders Hansen"}, max_tokens=50, user="u-17")

    event = await _redacted(redactor, request)

    assert event.messages[0].content == (
        "Kære kundeservice. Jeg hedder Klient_001, CPR Id_001. Ring på tlf. Telefon_001."
    )
    assert event.metadata == {"kunde": "Klient_001"}
    assert (event.max_tokens, event.user, event.redactor) == (50, "u-17", "r1")
    assert event.language is Language.DANISH
    assert event.sensitivity is Sensitivity.SPECIAL
    assert event.deadline == NOW + timedelta(seconds=120)
    assert event.cause == request.id
    for value in ("Hansen", "010190", "12 34"):
        assert value not in event.model_dump_json()
        assert value not in (event.sealed or "")


async def test_how_a_model_draws_its_words_is_carried_on(redactor: Redactor) -> None:
    drawn = {"temperature": 0.2, "top_p": 0.9, "presence_penalty": 0.5, "seed": 17}

    event = await _redacted(redactor, _request(LETTER, **drawn, frequency_penalty=-0.5))

    found = {name: getattr(event, name) for name in SAMPLING}
    assert found == {**drawn, "frequency_penalty": -0.5}


async def test_subjects_can_be_found_by_whoever_holds_the_key(redactor: Redactor) -> None:
    first = await _redacted(redactor, _request(LETTER))
    second = await _redacted(redactor, _request("Hr. Hansen ringede."))
    other_tenant = await _redacted(redactor, _request(LETTER).model_copy(update={"tenant": "b"}))

    (person, *_) = first.subjects
    assert [subject.placeholder for subject in first.subjects] == [
        "Klient_001",
        "Id_001",
        "Telefon_001",
    ]
    assert set(second.subjects[0].hmacs) <= set(person.hmacs)
    assert not set(other_tenant.subjects[0].hmacs) & set(person.hmacs)


async def test_the_fingerprint_tells_bodies_apart_and_is_no_plain_hash(redactor: Redactor) -> None:
    request = _request(LETTER)
    same = await _redacted(redactor, request)
    other = await _redacted(redactor, _request("Hej"))
    again = await _redacted(redactor, request)

    assert again.fingerprint == same.fingerprint != other.fingerprint
    assert same.fingerprint != request_digest(request)


async def test_a_late_request_is_refused(redactor: Redactor) -> None:
    request = _request(LETTER, time=NOW - timedelta(seconds=60), timeout_ms=60_000)

    (event,) = await redactor.requests_submitted([request])

    assert isinstance(event, RequestRefused)
    assert event.code is ErrorCode.DEADLINE


async def test_a_leak_refuses_the_request(redactor: Redactor) -> None:
    # A user's token is no text and is not masked; here it equals a number that was.
    request = _request("Ring på tlf. 12345678", user="12345678")

    event, stopped = await redactor.requests_submitted([request])

    assert isinstance(event, RequestRefused)
    assert event.code is ErrorCode.LEAK_CHECK
    assert "12345678" not in repr(event)
    assert isinstance(stopped, LeakStopped)
    assert stopped.types == ("phone",)


async def test_without_the_vault_only_cases_and_conversations_wait(redactor: Redactor) -> None:
    single = _request(LETTER)
    turn = _request(LETTER, request_id=UUID(int=2), conversation_id="c-1")
    late = _request(LETTER, request_id=UUID(int=3), case_id="s-1", time=NOW - timedelta(hours=1))

    with pytest.raises(Postponed) as postponed:
        await redactor.requests_submitted([turn, single, late])

    assert postponed.value.waiting == {turn.id}
    masked, refused = postponed.value.effects
    assert isinstance(masked, RequestRedacted)
    assert masked.cause == single.id
    assert isinstance(refused, RequestRefused)
    assert (refused.cause, refused.code) == (late.id, ErrorCode.DEADLINE)


async def test_a_request_that_masking_would_blow_up_is_refused(redactor: Redactor) -> None:
    people = " ".join(
        f"Anna {letter}{other}lund." for letter in "ABCDEFGHIJKLMN" for other in "aeiouyæøå"
    )
    request = _request(*[people.replace("lund", f"lund{chr(97 + at)}") for at in range(26)])

    (event,) = await redactor.requests_submitted([request])

    assert isinstance(event, RequestRefused)
    assert event.code is ErrorCode.TOO_LARGE


async def test_an_answer_comes_back_with_real_values(redactor: Redactor) -> None:
    request = _request(LETTER)
    redacted = await _redacted(redactor, request)

    result = await _restored(redactor, _answer(redacted, "Klient_001s sag, Klient_009, Id_001"))

    assert result.outcome is Outcome.COMPLETION
    assert result.text == "Anders Hansens sag, Klient_009, 010190-1234"
    assert (result.masked_count, result.unresolved_count) == (3, 1)
    assert result.request_sha256 == request_digest(request)
    assert (result.cost_nano, result.model, result.language) == (7, "small", Language.DANISH)


async def test_another_replica_restores_what_this_one_masked(
    redactor: Redactor, tmp_path: Path, keyring: FakeKeyring
) -> None:
    redacted = await _redacted(redactor, _request(LETTER))
    settings = Settings(master_key_file=tmp_path / "master", replica="r2")
    other = Redactor(masker(), keyring, _no_vault(), settings)

    assert (await _restored(other, _answer(redacted, "Klient_001"))).text == "Anders Hansen"


async def test_an_answer_whose_key_is_destroyed_is_a_failure(
    redactor: Redactor, keyring: FakeKeyring
) -> None:
    redacted = await _redacted(redactor, _request(LETTER))
    keyring.destroyed.add(int(NOW.timestamp() // 3600))

    result = await _restored(redactor, _answer(redacted, "Klient_001"))

    assert (result.outcome, result.text) == (Outcome.FAILED, None)
    assert result.error is not None
    assert result.error.code is ErrorCode.INTERNAL


async def test_an_answer_with_another_requests_envelope_is_a_failure(redactor: Redactor) -> None:
    redacted = await _redacted(redactor, _request(LETTER))
    stolen = _answer(redacted, "Klient_001").model_copy(update={"request_id": UUID(int=2)})

    result = await _restored(redactor, stolen.as_received(NOW, redacted.sealed, b""))

    assert (result.outcome, result.text) == (Outcome.FAILED, None)


async def test_a_refusal_is_told_in_the_callers_language(redactor: Redactor) -> None:
    redacted = await _redacted(redactor, _request(LETTER))
    refused = RequestRefused.following(redacted, code=ErrorCode.BUDGET_EXHAUSTED)

    result = await _restored(redactor, refused.as_received(NOW, redacted.sealed, b""))

    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.message == ErrorCode.BUDGET_EXHAUSTED.sentence(Language.DANISH)


async def test_a_refusal_without_an_envelope_reaches_the_caller_too(redactor: Redactor) -> None:
    (refused,) = await redactor.requests_submitted(
        [_request(LETTER, timeout_ms=1, time=NOW - timedelta(1))]
    )

    result = await _restored(redactor, refused)

    assert result.outcome is Outcome.REFUSED


async def test_a_failed_completion_reaches_the_caller(redactor: Redactor) -> None:
    redacted = await _redacted(redactor, _request(LETTER))
    failed = CompletionFailed.following(redacted, code=ErrorCode.PROVIDER_UNAVAILABLE, attempts=2)

    result = await _restored(redactor, failed.as_received(NOW, redacted.sealed, b""))

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code is ErrorCode.PROVIDER_UNAVAILABLE


async def test_a_stream_is_restored_by_the_replica_that_masked_it(redactor: Redactor) -> None:
    redacted = await _redacted(redactor, _request(LETTER, stream=True))
    pieces = ["Kære Klient", "_001,"]
    chunks = [_chunk(redacted, at, text=text) for at, text in enumerate(pieces)]
    end = _chunk(redacted, 2, end=True, sha256=sha256("".join(pieces).encode()).hexdigest())

    out: Sequence[Any] = await redactor.chunks_produced([*chunks, end])

    assert "".join(one.text for one in out) == "Kære Anders Hansen,"
    assert out[-1].end
    assert out[-1].code is None


def _chunk(redacted: RequestRedacted, sequence: int, **data: Any) -> ChunkProduced:
    return ChunkProduced.following(redacted, redactor="r1", sequence=sequence, **data)


async def test_a_request_that_is_given_up_is_refused(redactor: Redactor) -> None:
    request = _request(LETTER, stream=True, user="u-17")
    letter = GivenUp("default", "crm", request.request_id, ErrorCode.INTERNAL, request, request.id)

    (event,) = redactor.request_given_up(letter)

    assert isinstance(event, RequestRefused)
    assert (event.code, event.stream, event.user) == (ErrorCode.INTERNAL, True, "u-17")


async def test_an_answer_that_is_given_up_is_a_failure(redactor: Redactor) -> None:
    letter = GivenUp("default", "crm", UUID(int=1), ErrorCode.INVALID_REQUEST, None, UUID(int=9))

    (event,) = redactor.completion_given_up(letter)

    assert isinstance(event, CompletionRestored)
    assert event.outcome is Outcome.FAILED


@pytest.mark.parametrize("text", ["", "ab" * 31, "not hex", "q6urq6urq6s="])
def test_a_master_key_of_another_length_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)

    with pytest.raises(ValueError, match="32 bytes"):
        Settings(master_key_file=tmp_path / "key").master_key()


def test_without_a_master_key_the_setting_is_named() -> None:
    with pytest.raises(ValueError, match="SW_REDACTOR_MASTER_KEY_FILE"):
        Settings().master_key()
