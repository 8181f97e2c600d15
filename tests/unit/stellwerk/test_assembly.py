"""Chunks become text only when it is certain that nothing is missing."""

from hashlib import sha256

import pytest

from shared.contracts.completions import ChunkRestored
from shared.contracts.values import new_id
from stellwerk.assembly import Assembly, Gap

REQUEST = new_id()


def chunk(sequence: int, text: str = "") -> ChunkRestored:
    return ChunkRestored(
        tenant="default", app="crm", request_id=REQUEST, sequence=sequence, text=text
    )


def end(count: int, text: str) -> ChunkRestored:
    digest = sha256(text.encode()).hexdigest()
    return ChunkRestored(
        tenant="default", app="crm", request_id=REQUEST, sequence=count, end=True, sha256=digest
    )


def test_chunks_in_order_are_whole_once_the_end_marker_agrees() -> None:
    assembly = Assembly()
    assert assembly.add(chunk(0, "Kære ")) == "Kære "
    assert assembly.add(chunk(1, "Karla")) == "Karla"
    assert not assembly.ended
    assert assembly.add(end(2, "Kære Karla")) == ""
    assert assembly.ended


def test_an_empty_answer_is_whole() -> None:
    assembly = Assembly()
    assembly.add(end(0, ""))
    assert assembly.ended


def test_a_missing_chunk_is_a_gap() -> None:
    assembly = Assembly()
    assembly.add(chunk(0, "a"))
    with pytest.raises(Gap):
        assembly.add(chunk(2, "c"))


def test_a_missing_last_chunk_is_found_by_the_count() -> None:
    assembly = Assembly()
    assembly.add(chunk(0, "a"))
    with pytest.raises(Gap):
        assembly.add(end(2, "ab"))


def test_a_changed_text_is_found_by_the_hash() -> None:
    assembly = Assembly()
    assembly.add(chunk(0, "a"))
    with pytest.raises(Gap):
        assembly.add(end(1, "b"))


def test_a_chunk_that_comes_twice_counts_once() -> None:
    assembly = Assembly()
    assert [assembly.add(chunk(0, "a")), assembly.add(chunk(0, "a"))] == ["a", ""]
    assembly.add(end(1, "a"))
    assert assembly.ended


def test_a_heartbeat_has_a_number_and_no_text() -> None:
    assembly = Assembly()
    texts = [assembly.add(chunk(number, text)) for number, text in enumerate(("a", "", "b", ""))]
    assembly.add(end(4, "ab"))
    assert texts == ["a", "", "b", ""]
    assert assembly.ended


def test_a_whole_answer_adds_what_is_missing() -> None:
    assembly = Assembly()
    assembly.add(chunk(0, "Kære "))
    assert assembly.rest_of("Kære Karla") == "Karla"


def test_a_whole_answer_that_begins_otherwise_cannot_heal() -> None:
    assembly = Assembly()
    assembly.add(chunk(0, "Kære "))
    with pytest.raises(Gap):
        assembly.rest_of("Hej Karla")
