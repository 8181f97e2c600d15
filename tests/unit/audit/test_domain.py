"""The audit tree against the reference vectors of Certificate Transparency, and against itself."""

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain import (
    EMPTY_ROOT,
    Draft,
    Frontier,
    Node,
    Place,
    Proof,
    append,
    commitment,
    complete_root,
    consistency_spans,
    entries,
    fold,
    inclusion_spans,
    leaf_data,
    leaf_hash,
    node_hash,
    proof,
    proves_consistency,
    proves_inclusion,
    stored_below,
    subtrees,
    without_vectors,
)

# testonly/constants.go of transparency-dev/merkle, from certificate-transparency's own tests.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
L0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
L6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
N01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = [
    (0, 1, []),
    (0, 8, [L1, N23, N47]),
    (5, 8, [L4, N67, N03]),
    (2, 3, [N01]),
    (1, 5, [L0, N23, L4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [L1, N23, N47]),
    (6, 8, [N45, N67, N03]),
    (2, 5, [N23, L4]),
    (6, 7, [N45, L6, N03]),
]

DRAFT = Draft(
    event_id=UUID("0190a000-0000-7000-8000-000000000001"),
    type="eu.stellwerk.request.redacted.v1",
    data_class="masked",
    tenant="default",
    app="letters",
    request_id=UUID("0190a000-0000-7000-8000-000000000002"),
    user="u-1",
    payload=b"{}",
)
AT = datetime(2026, 11, 24, 8, 30, 0, 123, tzinfo=UTC)
SALT = bytes(range(32))

a_tree = st.integers(1, 600)


class Tree:
    """A whole tree in memory that is read the way the store reads it: every eighth level."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = [leaf_hash(leaf) for leaf in leaves]
        self.frontier, nodes = append(Frontier(), self.leaves)
        self.nodes = {(node.level, node.index): node.hash for node in nodes}

    def root_of(self, place: Place) -> bytes:
        level, indexes = stored_below(place)
        return complete_root([self._stored(level, index) for index in indexes])

    def inclusion(self, index: int, size: int) -> Proof:
        return proof(inclusion_spans(index, size), self.root_of)

    def consistency(self, first: int, second: int) -> Proof:
        return proof(consistency_spans(first, second), self.root_of)

    def root(self, size: int) -> bytes:
        return append(Frontier(), self.leaves[:size])[0].root

    def _stored(self, level: int, index: int) -> bytes:
        return self.nodes[level, index] if level else self.leaves[index]


def numbered(size: int) -> Tree:
    return Tree([str(index).encode() for index in range(size)])


def root_by_the_rfc(leaves: Sequence[bytes]) -> bytes:
    """Return MTH(D) as section 2.1 defines it, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_by_the_rfc(leaves[:split]), root_by_the_rfc(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_root_equals_the_reference_root(size: int) -> None:
    assert Tree(LEAVES[:size]).frontier.root.hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "expected"), INCLUSION)
def test_an_inclusion_proof_equals_the_reference_proof(
    index: int, size: int, expected: list[str]
) -> None:
    tree = Tree(LEAVES)

    found = tree.inclusion(index, size)

    assert [part.hex() for part in found] == expected
    assert proves_inclusion(tree.leaves[index], index, size, found, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "expected"), CONSISTENCY)
def test_a_consistency_proof_equals_the_reference_proof(
    first: int, second: int, expected: list[str]
) -> None:
    found = Tree(LEAVES).consistency(first, second)

    assert [part.hex() for part in found] == expected
    roots = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    assert proves_consistency(first, second, found, roots)


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root == EMPTY_ROOT


@given(size=a_tree)
def test_the_root_is_the_one_that_the_rfc_defines(size: int) -> None:
    leaves = [str(index).encode() for index in range(size)]

    assert Tree(leaves).frontier.root == root_by_the_rfc(leaves)


@given(size=a_tree, data=st.data())
def test_it_does_not_matter_how_leaves_are_batched(size: int, data: st.DataObject) -> None:
    leaves = numbered(size).leaves
    cut = data.draw(st.integers(0, size))

    at_once = append(Frontier(), leaves)
    first, stored_first = append(Frontier(), leaves[:cut])
    second, stored_second = append(first, leaves[cut:])

    assert (second, stored_first + stored_second) == at_once


@given(size=a_tree, data=st.data())
def test_every_leaf_is_proved(size: int, data: st.DataObject) -> None:
    tree = numbered(size)
    index = data.draw(st.integers(0, size - 1))

    hashes = tree.inclusion(index, size)

    assert len(hashes) <= (size - 1).bit_length()
    assert proves_inclusion(tree.leaves[index], index, size, hashes, tree.root(size))


@given(size=a_tree, data=st.data())
def test_a_proof_proves_nothing_else(size: int, data: st.DataObject) -> None:
    tree = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    hashes, leaf, root = tree.inclusion(index, size), tree.leaves[index], tree.root(size)
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))

    assert not proves_inclusion(leaf_hash(b"forged"), index, size, hashes, root)
    assert not proves_inclusion(leaf, elsewhere, size, hashes, root)
    assert not proves_inclusion(leaf, index, size, (*hashes, root), root)
    assert not proves_inclusion(leaf, index, size, hashes[:-1], root)
    assert not proves_inclusion(leaf, index, size, hashes, leaf_hash(b"another tree"))


@given(size=a_tree, data=st.data())
def test_a_grown_tree_began_as_the_smaller_one(size: int, data: st.DataObject) -> None:
    tree = numbered(size)
    first = data.draw(st.integers(1, size))

    hashes = tree.consistency(first, size)

    assert proves_consistency(first, size, hashes, (tree.root(first), tree.root(size)))


@given(size=st.integers(2, 300), data=st.data())
def test_a_rewritten_tree_did_not_begin_as_the_old_one(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, first - 1))
    honest = numbered(size)
    rewritten = Tree([b"forged" if i == changed else str(i).encode() for i in range(size)])

    hashes = rewritten.consistency(first, size)

    assert not proves_consistency(first, size, hashes, (honest.root(first), rewritten.root(size)))


def test_a_consistency_proof_of_another_length_proves_nothing() -> None:
    tree = numbered(8)
    hashes, roots = tree.consistency(3, 8), (tree.root(3), tree.root(8))

    assert proves_consistency(3, 8, hashes, roots)
    assert not proves_consistency(3, 8, (), roots)
    assert not proves_consistency(3, 8, hashes[:-1], roots)
    assert not proves_consistency(3, 8, (*hashes, roots[0]), roots)
    assert not proves_consistency(0, 8, hashes, roots)
    assert not proves_consistency(9, 8, hashes, roots)
    assert not proves_consistency(8, 8, hashes, (roots[1], roots[1]))


def test_a_leaf_beyond_the_tree_has_no_proof() -> None:
    tree = numbered(3)

    with pytest.raises(ValueError, match="a tree of 3 leaves has no leaf 3"):
        inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="never began as one of 4"):
        consistency_spans(4, 3)
    assert not proves_inclusion(tree.leaves[0], 3, 3, (), tree.root(3))


@given(start=st.integers(0, 5000), length=st.integers(1, 5000))
def test_subtrees_cover_a_span_without_gap_or_overlap(start: int, length: int) -> None:
    covered = start
    for level, index in subtrees(start, start + length):
        assert index << level == covered
        covered += 1 << level

    assert covered == start + length


def test_only_every_eighth_level_is_stored() -> None:
    tree = numbered(600)

    assert set(tree.nodes) == {(8, 0), (8, 1)}
    assert append(tree.frontier, [])[1] == []
    assert stored_below((3, 5)) == (0, range(40, 48))
    assert stored_below((8, 1)) == (8, range(1, 2))
    assert stored_below((10, 1)) == (8, range(4, 8))


def test_a_node_names_its_place() -> None:
    leaves = numbered(512).leaves
    left, right = (append(Frontier(), leaves[cut : cut + 256])[0].root for cut in (0, 256))

    assert append(Frontier(), leaves)[1] == [Node(8, 0, left), Node(8, 1, right)]
    assert fold([left, right]) == node_hash(left, right)


def test_a_leaf_can_be_read_and_hashed_by_hand() -> None:
    committed = commitment(SALT, "u-1", b"{}")

    assert committed == sha256(SALT + b"u-1\x00{}").digest()
    assert leaf_data(7, AT, DRAFT, committed).decode() == (
        "stellwerk audit leaf v1\n"
        "7 2026-11-24T08:30:00.000123+00:00\n"
        "masked eu.stellwerk.request.redacted.v1 0190a000-0000-7000-8000-000000000001\n"
        "default letters 0190a000-0000-7000-8000-000000000002\n"
        f"{committed.hex()}\n"
    )


def test_a_leaf_is_the_same_in_every_time_zone() -> None:
    there = AT.astimezone(timezone(timedelta(hours=1)))

    assert leaf_data(0, AT, DRAFT, SALT) == leaf_data(0, there, DRAFT, SALT)


def test_what_is_not_known_is_a_dash() -> None:
    bare = replace(DRAFT, tenant=None, app=None, request_id=None)

    assert leaf_data(0, AT, bare, SALT).splitlines()[3] == b"- - -"


def test_entries_follow_each_other_each_with_its_own_salt() -> None:
    other = replace(DRAFT, payload=b"[]")

    first, second = entries(5, [DRAFT, other], AT, SALT + SALT[::-1])

    assert (first.index, second.index) == (5, 6)
    assert (first.salt, second.salt) == (SALT, SALT[::-1])
    committed = commitment(second.salt, "u-1", b"[]")
    assert second.leaf_hash == leaf_hash(leaf_data(6, AT, other, committed))


def test_an_entry_shows_no_text_and_no_salt() -> None:
    (entry,) = entries(0, [replace(DRAFT, payload=b"a letter")], AT, SALT)

    assert "a letter" not in repr(entry)
    assert repr(SALT) not in repr(entry)


@given(salt=st.binary(min_size=32, max_size=32), payload=st.binary(), user=st.none() | st.just("u"))
def test_another_salt_gives_another_commitment(
    salt: bytes, payload: bytes, user: str | None
) -> None:
    flipped = bytes([salt[0] ^ 1]) + salt[1:]

    assert commitment(salt, user, payload) != commitment(flipped, user, payload)
    assert commitment(salt, user, payload) != commitment(salt, "another", payload)
    assert commitment(salt, user, payload) != commitment(salt, user, payload + b" ")


def test_vectors_are_recorded_by_their_hashes_and_everything_else_as_it_stood() -> None:
    vector = struct.pack("<2f", 0.25, -1.0)
    data = {"text": "", "operation": "embed", "new_field": "æ", "embeddings": ["AACAPgAAgL8="]}

    kept = json.loads(without_vectors(json.dumps({"id": "1", "data": data}).encode()))

    assert kept == {
        "id": "1",
        "data": {
            "text": "",
            "operation": "embed",
            "new_field": "æ",
            "embeddings_sha256": [sha256(vector).hexdigest()],
        },
    }
