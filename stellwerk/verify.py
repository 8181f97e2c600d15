"""Checks the audit record against its own tree, sharing no code with the service that wrote it.

It can be read in ten minutes, which is its point: RFC 6962 hashing is about thirty lines of the
standard library, and asyncpg only fetches the bytes. What it cannot see is said in every verdict:
someone who rewrites leaves, tree and checkpoints together leaves a record that is whole in itself.
Only a checkpoint that was kept elsewhere shows that.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import sha256
from typing import Any, Final

PAGE_ROWS: Final = 256
FAULTS_MAX: Final = 20
INTACT, BROKEN, UNCHECKED = 0, 1, 2
"""Exit codes: the record holds, it does not, it could not be read."""

_LEAVES: Final = """
SELECT index, event_id, type, class, tenant, app, request_id, user_id, recorded_at,
       salt, payload, leaf_hash
FROM audit.leaf_v1 ORDER BY index
"""
_CHECKPOINTS: Final = "SELECT tree_size, root FROM audit.checkpoint_v1 ORDER BY tree_size"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was recorded; `index` is the first leaf that it may concern."""

    index: int
    what: str


@dataclass(slots=True)
class Verdict:
    """What was read and what is wrong with it."""

    leaves: int = 0
    root: str = sha256(b"").hexdigest()
    checkpoints: int = 0
    faults: list[Fault] = field(default_factory=list)
    faults_total: int = 0
    first_bad_index: int | None = None

    @property
    def intact(self) -> bool:
        return not self.faults_total

    def add(self, index: int, what: str) -> None:
        """Note a fault; the first ones are kept, all are counted."""
        self.faults_total += 1
        if self.first_bad_index is None or index < self.first_bad_index:
            self.first_bad_index = index
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(index, what))

    def names_one_in(self, span: range) -> bool:
        """Return whether a fault in this span is known, which then explains a differing root."""
        return any(fault.index in span for fault in self.faults)

    def as_json(self) -> str:
        return json.dumps(
            {
                "intact": self.intact,
                "anchored": False,
                "leaves": self.leaves,
                "root": self.root,
                "checkpoints": self.checkpoints,
                "faults": [{"index": one.index, "what": one.what} for one in self.faults],
                "faults_total": self.faults_total,
                "first_bad_index": self.first_bad_index,
            }
        )

    def as_text(self) -> str:
        read = f"{self.leaves} leaves, root {self.root}, {self.checkpoints} checkpoints"
        if self.intact:
            return (
                f"{read}: intact\n"
                "Self-attested: compare the root with one that was kept outside this database."
            )
        lines = [f"{read}: NOT intact, {self.faults_total} faults", *self._described()]
        if self.faults_total > len(self.faults):
            lines.append(f"  … and {self.faults_total - len(self.faults)} more")
        return "\n".join(lines)

    def _described(self) -> Iterator[str]:
        return (f"  at leaf {fault.index}: {fault.what}" for fault in self.faults)


class Tree:
    """The Merkle tree of RFC 6962 as far as its root needs it: complete subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, node: bytes) -> None:
        size = self.size
        while size & 1:
            node = sha256(b"\x01" + self._peaks.pop() + node).digest()
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return sha256(b"").digest()
        root = self._peaks[-1]
        for left in reversed(self._peaks[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        return root


def leaf_hash(row: Mapping[str, Any]) -> bytes:
    """Return the hash that a leaf must have, from all that is stored of it."""
    user = (row["user_id"] or "").encode()
    committed = sha256(row["salt"] + user + b"\x00" + row["payload"]).hexdigest()
    at = row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds")
    lines = (
        "stellwerk audit leaf v1",
        f"{row['index']} {at}",
        f"{row['class']} {row['type']} {row['event_id']}",
        f"{row['tenant'] or '-'} {row['app'] or '-'} {row['request_id'] or '-'}",
        committed,
    )
    text = "".join(f"{line}\n" for line in lines)
    return sha256(b"\x00" + text.encode()).digest()


async def check(
    leaves: AsyncIterator[Mapping[str, Any]], checkpoints: Mapping[int, bytes]
) -> Verdict:
    """Return the verdict on leaves in the order of their indexes and on roots by tree size."""
    verdict, tree, roots = Verdict(checkpoints=len(checkpoints)), Tree(), _Roots(checkpoints)
    expected = 0
    async for row in leaves:
        index = row["index"]
        if index != expected:
            verdict.add(expected, _missing(expected, index))
        if leaf_hash(row) != row["leaf_hash"]:
            verdict.add(index, "it is not what was recorded")
        # The stored hash goes on: then one altered leaf is one fault, and the rest still counts.
        tree.append(row["leaf_hash"])
        expected = index + 1
        if tree.size == expected:
            roots.compare(tree)
    verdict.leaves, verdict.root = tree.size, tree.root().hex()
    roots.conclude(verdict, leaves=expected)
    return verdict


class _Roots:
    """Compares checkpoints with the growing tree, and tells a changed leaf from a changed root."""

    def __init__(self, checkpoints: Mapping[int, bytes]) -> None:
        self._checkpoints = checkpoints
        self._last = max(checkpoints, default=0)
        self._good = 0
        self._bad: list[int] = []
        self._altered: list[int] = []

    def compare(self, tree: Tree) -> None:
        recorded = self._checkpoints.get(tree.size)
        if recorded is None:
            return
        if recorded != tree.root():
            self._bad.append(tree.size)
            return
        # The tree is right here, so it was right before: those roots were changed, not leaves.
        self._altered += self._bad
        self._good, self._bad = tree.size, []

    def conclude(self, verdict: Verdict, leaves: int) -> None:
        for size in self._altered:
            verdict.add(size - 1, f"the checkpoint at {size} leaves was changed")
        if self._bad and not verdict.names_one_in(range(self._good, self._bad[0])):
            what = f"it or a later one before {self._bad[0]} was replaced together with its hash"
            verdict.add(self._good, what)
        if self._last > leaves:
            what = _missing(leaves, self._last)
            verdict.add(leaves, f"{what}: the last checkpoint holds {self._last} leaves")
        elif self._last < leaves:
            verdict.add(self._last, f"no checkpoint covers the leaves from here to {leaves - 1}")


def _missing(start: int, stop: int) -> str:
    if stop <= start:
        return "it stands here twice"
    return "it is missing" if stop == start + 1 else f"it and all to {stop - 1} are missing"


async def verify(dsn: str) -> Verdict:
    """Read the whole record as it stands now and return the verdict on it.

    `dsn` signs in with a role that may read `audit.leaf_v1`: audit's own. What is appended
    meanwhile is left for the next time.
    """
    import asyncpg

    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(_CHECKPOINTS)
            checkpoints = {row["tree_size"]: row["root"] for row in rows}
            return await check(connection.cursor(_LEAVES, prefetch=PAGE_ROWS), checkpoints)
    finally:
        await connection.close()


def audit_verify(dsn: str, *, as_json: bool = False) -> int:
    """Print the verdict and return the exit code: 0 intact, 1 broken, 2 could not be read."""
    import asyncpg

    try:
        verdict = asyncio.run(verify(dsn))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"The audit record could not be read: {type(error).__name__}. Is PostgreSQL up?")
        return UNCHECKED
    print(verdict.as_json() if as_json else verdict.as_text())
    return INTACT if verdict.intact else BROKEN
