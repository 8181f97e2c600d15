"""Looks people up in the vault, and destroys the keys of what it holds of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from services.redactor import store
from services.redactor.vault.subjects import Subjects
from shared.bus import Answered
from shared.contracts.event import Event
from shared.contracts.values import derived_id
from shared.contracts.vault import (
    HASHES_MAX,
    EraseReply,
    LookupReply,
    SubjectErase,
    SubjectErased,
    SubjectLookup,
)
from shared.db import Database

ANNOUNCE_EVERY_S: Final = 1.0
ANNOUNCED_MAX: Final = 100
_APP: Final = "redactor"

Publish = Callable[[Sequence[Event]], Awaitable[None]]


class Erasing:
    """Answers the commands about one person, and tells the record what was erased."""

    def __init__(self, database: Database, subjects: Subjects, publish: Publish) -> None:
        self._database = database
        self._subjects = subjects
        self._publish = publish

    async def subjects_lookup(self, commands: Sequence[SubjectLookup]) -> Answered:
        """Say under which hashes a person is recorded, and what the vault holds under them."""
        replies = []
        for command in commands:
            hmacs = self._subjects.wanted(command.tenant, command.values)
            async with self._database.transaction() as tx:
                entries, scopes = await store.held(tx, command.tenant, hmacs)
            told = hmacs[:HASHES_MAX]
            replies.append(LookupReply(id=command.id, hmacs=told, entries=entries, scopes=scopes))
        return Answered(replies)

    async def subjects_erase(self, commands: Sequence[SubjectErase]) -> Answered:
        """Destroy what the vault holds of a person; the same command destroys it once."""
        return Answered([await self._erased(command) for command in commands])

    async def _erased(self, command: SubjectErase) -> EraseReply:
        hmacs = self._subjects.wanted(command.tenant, command.values)
        async with self._database.transaction() as tx:
            counts = await store.erased(tx, command.id)
            if counts is None:
                counts = await store.erase(
                    tx, command.tenant, hmacs, whole_scopes=command.whole_scopes
                )
                who = (command.tenant, command.actor, command.reason)
                await store.note_erasure(tx, command.id, who, counts, hmacs)
        return EraseReply(id=command.id, entries=counts[0], scopes=counts[1])

    async def announce(self) -> None:
        """Publish what was erased, also by a process that died before it could say so.

        Two replicas may publish the same event; its id is derived, so the bus keeps one.
        """
        async with self._database.transaction() as tx:
            rows = await store.unannounced(tx, ANNOUNCED_MAX)
        if not rows:
            return
        await self._publish(
            [
                SubjectErased(
                    id=derived_id(row["command_id"], SubjectErased.kind),
                    cause=row["command_id"],
                    time=row["erased_at"],
                    tenant=row["tenant"],
                    app=_APP,
                    actor=row["actor"],
                    reason=row["reason"],
                    entries=row["entries"],
                    scopes=row["scopes"],
                    hmacs=row["hmacs"][:HASHES_MAX],
                )
                for row in rows
            ]
        )
        async with self._database.transaction() as tx:
            await store.note_announced(tx, [row["command_id"] for row in rows])
