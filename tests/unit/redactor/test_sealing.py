"""The sealed envelope opens for its own request, with its hour's key, and for nobody else."""

import base64
from uuid import UUID

import pytest

from services.redactor.placeholders import Mapping
from services.redactor.vault.sealing import (
    Envelope,
    SealError,
    derived_key,
    epoch_in,
    epoch_of,
    folded,
    seal,
    subject_hashes,
    unseal,
    unwrap,
    wrap,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NONCE = b"n" * 12
REQUEST, OTHER_REQUEST = UUID(int=1), UUID(int=2)
EPOCH = 498_700
SHA256 = "ab" * 32


def _envelope() -> Envelope:
    mapping = Mapping("da")
    mapping.add("person", "Søren Hansen")
    return Envelope(mapping, SHA256)


def _sealed() -> str:
    return seal(KEY, EPOCH, NONCE, REQUEST, _envelope())


def test_an_envelope_opens_again() -> None:
    envelope = unseal({EPOCH: KEY}, _sealed(), REQUEST)

    entry = envelope.mapping.get("Klient_001")
    assert entry is not None
    assert (entry.value, envelope.mapping.language) == ("Søren Hansen", "da")
    assert envelope.request_sha256 == SHA256


def test_the_hour_stands_in_clear_and_the_value_does_not() -> None:
    sealed = _sealed()

    assert epoch_in(sealed) == EPOCH
    assert b"Hansen" not in base64.b64decode(sealed)


@pytest.mark.parametrize(
    ("keys", "sealed", "request_id"),
    [
        ({EPOCH: OTHER_KEY}, _sealed(), REQUEST),
        ({EPOCH: KEY}, _sealed(), OTHER_REQUEST),
        ({EPOCH + 1: KEY}, _sealed(), REQUEST),
        ({}, _sealed(), REQUEST),
        ({EPOCH: KEY}, "not base64!", REQUEST),
        ({EPOCH: KEY}, "", REQUEST),
        ({EPOCH: KEY}, base64.b64encode(b"\x02" + bytes(40)).decode(), REQUEST),
        ({EPOCH: KEY}, base64.b64encode(b"\x01\x00").decode(), REQUEST),
        ({EPOCH: KEY}, _sealed()[:-8] + "AAAAAAA=", REQUEST),
    ],
)
def test_nothing_else_opens_it(keys: dict[int, bytes], sealed: str, request_id: UUID) -> None:
    with pytest.raises(SealError):
        unseal(keys, sealed, request_id)


def test_another_hour_cannot_be_written_on_it() -> None:
    blob = bytearray(base64.b64decode(_sealed()))
    blob[4] ^= 1

    with pytest.raises(SealError):
        unseal({EPOCH ^ 1: KEY}, base64.b64encode(blob).decode(), REQUEST)


def test_an_hour_is_an_hour() -> None:
    assert epoch_of(3599.9) == 0
    assert epoch_of(3600) == 1


def test_a_wrapped_key_opens_with_its_master_and_its_hour_only() -> None:
    wrapped = wrap(KEY, EPOCH, NONCE, OTHER_KEY)

    assert unwrap(KEY, EPOCH, wrapped) == OTHER_KEY
    for master, epoch in ((OTHER_KEY, EPOCH), (KEY, EPOCH + 1)):
        with pytest.raises(SealError):
            unwrap(master, epoch, wrapped)


def test_every_purpose_has_a_key_of_its_own() -> None:
    keys = {derived_key(KEY, purpose) for purpose in ("fingerprint", "subjects/a", "subjects/b")}

    assert len(keys) == 3
    assert KEY not in keys


def test_a_person_is_found_by_all_forms_of_the_name() -> None:
    full = set(subject_hashes(KEY, "person", "Anders Bo Hansen"))

    assert set(subject_hashes(KEY, "person", "ANDERS HANSEN")) <= full
    assert set(subject_hashes(KEY, "person", "Hansen, Anders")) <= full
    assert set(subject_hashes(KEY, "person", "hansen")) <= full
    assert not full & set(subject_hashes(KEY, "person", "Karen Holm"))


def test_hashes_differ_by_key_and_by_type() -> None:
    first = set(subject_hashes(KEY, "phone", "12345678"))

    assert not first & set(subject_hashes(OTHER_KEY, "phone", "12345678"))
    assert not first & set(subject_hashes(KEY, "cpr", "12345678"))


def test_folding_takes_case_and_accents() -> None:
    assert folded("  Jürgen  O'BRIEN-Lund ") == "jurgen o brien lund"
