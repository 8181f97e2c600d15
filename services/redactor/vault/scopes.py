"""Remembers cases and conversations, so that one person keeps one placeholder over all turns.

Values are decrypted in memory for as long as their scope's revision stands; whatever changes or
erases one raises it, and everybody asks for it before a value is used.
"""

import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Self
from uuid import UUID

from services.redactor import store
from services.redactor.domain import Masked, Memory
from services.redactor.kinds import LITERAL, PERSON
from services.redactor.placeholders import Known
from services.redactor.vault import sealing
from services.redactor.vault.subjects import Subjects
from services.redactor.vault.tenants import Bound, TenantKeys
from shared.contracts.requests import RequestSubmitted
from shared.db import Database, Transaction

CACHED_ENTRIES_MAX: Final = 200_000
"""Some 100 MB of decrypted values; then the scopes that were not used for longest are forgotten."""
ENTRIES_MAX: Final = 10_000
"""Of one scope; each turn looks for all of them."""
RECENT_MAX: Final = 64
TURNS_MAX: Final = 16
"""So many turns of one scope are remembered, in case one is delivered again."""
EXPIRED_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class ScopeName:
    """What a request belongs to. Two apps never share a scope."""

    tenant: str
    app: str
    kind: str
    id: str

    @classmethod
    def of(cls, request: RequestSubmitted) -> Self | None:
        """Return the case of a request, or else its conversation; None for a single request."""
        if request.case_id is not None:
            return cls(request.tenant, request.app, "case", request.case_id)
        if request.conversation_id is not None:
            return cls(request.tenant, request.app, "conversation", request.conversation_id)
        return None


@dataclass(frozen=True, slots=True, repr=False)
class _Entry:
    """One value of a scope, and the turn that brought it."""

    known: Known
    turn: int


@dataclass(frozen=True, slots=True)
class _State:
    """What numbering and linking need beside the values: placeholders and ids only."""

    last: Mapping[str, int] = field(default_factory=dict)
    turn: int = 0
    recent: tuple[str, ...] = ()
    """The placeholders of persons, whoever was named last at the end."""
    turns: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """By request id: the number of each of the last turns, and what `recent` was before it."""

    @classmethod
    def load(cls, text: str) -> Self:
        stored = json.loads(text)
        if not stored:
            return cls()
        turns = {one: (number, tuple(recent)) for one, number, recent in stored["turns"]}
        return cls(stored["last"], stored["turn"], tuple(stored["recent"]), turns)

    def dump(self) -> str:
        turns = [[one, number, recent] for one, (number, recent) in self.turns.items()]
        content = {"last": self.last, "turn": self.turn, "recent": self.recent, "turns": turns}
        return json.dumps(content, separators=(",", ":"))

    def before(self, request: str) -> tuple[int, tuple[str, ...]]:
        """Return the number of a request's turn, and who had been named before it."""
        return self.turns.get(request) or (self.turn + 1, self.recent)

    def after(self, request: str, last: Mapping[str, int], named: Sequence[str]) -> "_State":
        """Return the state after a turn that names these persons, in reading order."""
        if request in self.turns:
            return replace(self, last=last)
        latest = dict.fromkeys(reversed([*self.recent, *named]))
        recent = tuple(reversed([*latest][:RECENT_MAX]))
        turns = {**self.turns, request: (self.turn + 1, self.recent)}
        kept = dict(list(turns.items())[-TURNS_MAX:])
        return _State(last, self.turn + 1, recent, kept)


@dataclass(slots=True, repr=False)
class Scope:
    """One scope in hand, locked against all other replicas."""

    id: int
    tenant: str
    salt: bytes
    revision: int
    entries: dict[str, _Entry]
    state: _State
    changed: set[str] = field(default_factory=set)
    used: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """The placeholders in each turn that was masked just now."""

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= ENTRIES_MAX

    def memory(self, request_id: UUID) -> Memory:
        """Return what a request of this scope is masked by; the same each time it is delivered."""
        number, recent = self.state.before(request_id.hex)
        return Memory(
            known=tuple(entry.known for entry in self.entries.values()),
            own=frozenset(c for c, entry in self.entries.items() if entry.turn >= number),
            recent=recent,
            last=self.state.last,
            salt=self.salt,
        )

    def learn(self, request_id: UUID, masked: Masked) -> None:
        """Remember what a turn has brought."""
        number, _ = self.state.before(request_id.hex)
        for known in (*masked.mapping.new(), *masked.mapping.changed()):
            older = self.entries.get(known.code)
            self.entries[known.code] = _Entry(known, older.turn if older else number)
            self.changed.add(known.code)
        self.used[request_id] = frozenset(code for code, _ in masked.mapping.items())
        named = [one.placeholder for found in masked.finds for one in found if one.type == PERSON]
        self.state = self.state.after(request_id.hex, dict(masked.mapping.last), named)


@dataclass(frozen=True, slots=True, repr=False)
class _Cached:
    revision: int
    entries: Mapping[str, _Entry]


class Scopes:
    """The scopes of the vault, and the decrypted values of those that were used last."""

    def __init__(
        self, database: Database, master: bytes, keys: TenantKeys, subjects: Subjects
    ) -> None:
        self._database = database
        self._master = master
        self._keys = keys
        self._subjects = subjects
        self._hash_keys: dict[str, bytes] = {}
        self._cache: OrderedDict[int, _Cached] = OrderedDict()
        self._cached_entries = 0

    @asynccontextmanager
    async def in_hand(
        self, names: Iterable[ScopeName], expires_on: date
    ) -> AsyncIterator[Mapping[ScopeName, Scope]]:
        """Lock scopes while the block runs; what they have learned is stored at its end.

        Raises `DependencyDown`: then nothing of the block has been stored, and nothing of it may
        leave.
        """
        hashes = {(name.tenant, self._hash(name)): name for name in names}
        async with self._database.transaction() as tx:
            rows = await store.touch(tx, list(hashes), expires_on)
            known = await self._loaded(tx, {row["id"]: row["revision"] for row in rows})
            scopes = {
                hashes[row["tenant"], row["hash"]]: Scope(
                    id=row["id"],
                    tenant=row["tenant"],
                    salt=row["hash"],
                    revision=row["revision"],
                    entries=dict(known[row["id"]]),
                    state=_State.load(row["state"]),
                )
                for row in rows
            }
            yield scopes
            await self._store(tx, list(scopes.values()))
        for scope in scopes.values():
            self._remember(scope.id, _Cached(scope.revision + bool(scope.changed), scope.entries))

    async def values(self, scopes: Iterable[int]) -> Mapping[int, Mapping[str, Known]]:
        """Return what these scopes hold now, by placeholder. Erased values are not among them."""
        async with self._database.transaction() as tx:
            revisions = await store.revisions(tx, set(scopes))
            known = await self._loaded(tx, revisions)
        return {
            scope: {code: entry.known for code, entry in known[scope].items()}
            for scope in revisions
        }

    async def tidy(self, today: date) -> None:
        """Delete scopes that nobody has used for too long; forget keys that may be destroyed."""
        self._keys.forget()
        count = EXPIRED_MAX
        while count == EXPIRED_MAX:
            async with self._database.transaction() as tx:
                count = await store.expire(tx, today, EXPIRED_MAX)

    # --- values in memory ------------------------------------------------------------------------

    async def _loaded(
        self, tx: Transaction, revisions: Mapping[int, int]
    ) -> Mapping[int, Mapping[str, _Entry]]:
        found: dict[int, Mapping[str, _Entry]] = {}
        for scope, revision in revisions.items():
            cached = self._cache.get(scope)
            if cached is not None and cached.revision == revision:
                self._cache.move_to_end(scope)
                found[scope] = cached.entries
        missing = revisions.keys() - found.keys()
        # A scope of revision 0 has never had an entry.
        stored = [scope for scope in missing if revisions[scope]]
        opened: dict[int, dict[str, _Entry]] = {scope: {} for scope in missing}
        for row in await store.entries(tx, stored) if stored else ():
            opened[row["scope"]][row["code"]] = self._opened(row)
        for scope, entries in opened.items():
            self._remember(scope, _Cached(revisions[scope], entries))
        return found | opened

    def _opened(self, row: store.Row) -> _Entry:
        key = self._keys.opened(row["tenant"], row["key_version"], row["tenant_wrapped"])
        bound = Bound(row["scope"], row["code"], row["type"])
        value, form = json.loads(key.open(bound, row["wrapped"], row["sealed"]))
        return _Entry(Known(row["code"], row["type"], value, form), row["turn"])

    def _remember(self, scope: int, cached: _Cached) -> None:
        older = self._cache.pop(scope, None)
        self._cached_entries += len(cached.entries) - (len(older.entries) if older else 0)
        self._cache[scope] = cached
        while self._cached_entries > CACHED_ENTRIES_MAX and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached_entries -= len(oldest.entries)

    # --- values in the database ------------------------------------------------------------------

    async def _store(self, tx: Transaction, scopes: Sequence[Scope]) -> None:
        tenants = sorted({scope.tenant for scope in scopes if scope.changed})
        keys = {tenant: await self._keys.newest(tx, tenant) for tenant in tenants}
        rows = []
        for scope in scopes:
            # The older first: a fuller name makes room for whoever has the short one now.
            for code in sorted(scope.changed, key=lambda code: (scope.entries[code].turn, code)):
                entry = scope.entries[code]
                known = entry.known
                value = json.dumps([known.value, known.form], ensure_ascii=False).encode()
                key = keys[scope.tenant]
                wrapped, sealed = key.seal(Bound(scope.id, code, known.type), value)
                rows.append(
                    store.EntryRow(
                        scope=scope.id,
                        code=code,
                        type=known.type,
                        identity=self._identity(scope, known),
                        lookups=" ".join(self._lookups(scope.tenant, known)),
                        turn=entry.turn,
                        tenant=scope.tenant,
                        key_version=key.version,
                        wrapped=wrapped,
                        sealed=sealed,
                    )
                )
        await store.put_entries(tx, rows)
        states = [(scope.id, scope.state.dump(), int(bool(scope.changed))) for scope in scopes]
        await store.put_states(tx, states)

    def _identity(self, scope: Scope, known: Known) -> bytes:
        text = f"{scope.id}|{'|'.join(known.identity)}"
        return hmac.digest(self._hash_key(scope.tenant), text.encode(), hashlib.sha256)

    def _lookups(self, tenant: str, known: Known) -> tuple[str, ...]:
        if known.type == LITERAL:
            return ()
        return self._subjects.hashes(tenant, known.type, known.value)

    def _hash(self, name: ScopeName) -> bytes:
        text = f"{name.app}|{name.kind}|{name.id}"
        return hmac.digest(self._hash_key(name.tenant), text.encode(), hashlib.sha256)

    def _hash_key(self, tenant: str) -> bytes:
        key = self._hash_keys.get(tenant)
        if key is None:
            key = self._hash_keys[tenant] = sealing.derived_key(self._master, f"scopes/{tenant}")
        return key
