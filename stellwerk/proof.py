"""Checks, with the standard library alone, that a tree holds a leaf (RFC 6962, section 2.1.1)."""

from collections.abc import Sequence
from hashlib import sha256


def tree_holds(
    leaf_hash: str, index: int, proof: Sequence[str], tree_size: int, root_hash: str
) -> bool:
    """Return whether the hashes of `proof` lead from a leaf to the root; all hashes are hex.

    It shows that this leaf is in the tree with this root. Whether the root is the one that was
    published is for the reader to compare with a checkpoint kept elsewhere.
    """
    if not 0 <= index < tree_size:
        return False
    node, last = bytes.fromhex(leaf_hash), tree_size - 1
    for sibling in map(bytes.fromhex, proof):
        if last == 0:
            return False
        if index & 1 or index == last:
            node = _parent(sibling, node)
            # Levels without a sibling are skipped: the node goes up unchanged there.
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _parent(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node.hex() == root_hash


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
