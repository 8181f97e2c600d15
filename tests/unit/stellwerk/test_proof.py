"""A proof holds for the leaf, the place and the tree that it was made for, and for no other."""

from hashlib import sha256

import pytest

from stellwerk.proof import tree_holds


def leaf(number: int) -> bytes:
    return sha256(b"\x00" + str(number).encode()).digest()


def split(size: int) -> int:
    """Return the largest power of two below a size, as RFC 6962 cuts a tree."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    at = split(len(leaves))
    return sha256(b"\x01" + root(leaves[:at]) + root(leaves[at:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return [*path(index, leaves[:at]), root(leaves[at:])]
    return [*path(index - at, leaves[at:]), root(leaves[:at])]


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_a_tree_is_proved(size: int) -> None:
    leaves = [leaf(number) for number in range(size)]
    for index, each in enumerate(leaves):
        proof = [part.hex() for part in path(index, leaves)]
        assert tree_holds(each.hex(), index, proof, size, root(leaves).hex())


def test_another_leaf_place_size_root_or_path_is_not_proved() -> None:
    leaves = [leaf(number) for number in range(7)]
    good, proof = root(leaves).hex(), [part.hex() for part in path(5, leaves)]
    assert tree_holds(leaves[5].hex(), 5, proof, 7, good)
    assert not tree_holds(leaves[4].hex(), 5, proof, 7, good)
    assert not tree_holds(leaves[5].hex(), 4, proof, 7, good)
    assert not tree_holds(leaves[5].hex(), 7, proof, 7, good)
    assert not tree_holds(leaves[5].hex(), 5, proof, 16, good)
    assert not tree_holds(leaves[5].hex(), 5, proof, 7, leaf(9).hex())
    assert not tree_holds(leaves[5].hex(), 5, proof[:-1], 7, good)
    assert not tree_holds(leaves[5].hex(), 5, [*proof, good], 7, good)
    assert not tree_holds(leaves[5].hex(), 5, proof[::-1], 7, good)
