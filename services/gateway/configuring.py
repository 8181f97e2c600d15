"""The configuration: which version is in force, kept in PostgreSQL and shown to all in a bucket.

PostgreSQL is the truth. The bucket is brought to it again and again, so neither a bus that was
restored empty nor a crash between the two writes leaves services with another version.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

import yaml
from pydantic import ValidationError

from services.gateway import store
from services.gateway.settings import Settings
from services.gateway.store import AppliedVersion
from shared.bus import Answered, Service
from shared.bus.buckets import IN_FORCE, Entry, read, replace
from shared.configuration import ConfigError, parse_yaml, read_text
from shared.contracts.catalog import subject_of
from shared.contracts.configuration import (
    DOCUMENT_BYTES_MAX,
    ConfigApply,
    ConfigApplyReply,
    ConfigPublished,
    ConfigRead,
    ConfigReadReply,
    ConfigurationVersion,
    Document,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, encode
from shared.contracts.routing import Section
from shared.contracts.stated import (
    BudgetsDocument,
    ModelsDocument,
    PolicyDocument,
    problems,
    version_of,
)
from shared.contracts.stores import CONFIG
from shared.contracts.values import derived_id, new_id, now
from shared.db import Database, OutboxMessage, Transaction, put_in_outbox
from shared.errors import DependencyDown

_log = logging.getLogger(__name__)

SERVICE: Final = "gateway"
TENANT: Final = "default"
SEED: Final = "seed"
FIRST_START: Final = "first-start"
LOOK_EVERY_S: Final = 3.0
HURRY_EVERY_S: Final = 0.1
HURRY_S_MAX: Final = 2.0
"""How long after a command its commit is waited for; it comes within milliseconds, or never."""
NOTE: Final = "configuration"
DEPTH_MAX: Final = 32
_SAFE: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Shape = TypeVar("Shape", bound=Section)


class Configuring:
    """Answers for the configuration; several replicas may do so at once."""

    def __init__(self, database: Database, service: Service, settings: Settings) -> None:
        """Keep the bucket by what the database says, from the service's start to its end."""
        self._database = database
        self._service = service
        self._folder = settings.config_folder
        self._hurry_until = 0.0
        self._rest_until = 0.0
        service.on_start(self._begin)
        service.every(HURRY_EVERY_S, self._keep)

    async def config_applied(self, commands: Sequence[ConfigApply], tx: Transaction) -> Answered:
        """Put documents in force, one command after the other, or say why not."""
        await store.lock_versions(tx)
        replies: list[ConfigApplyReply] = []
        events: list[Event] = []
        for command in commands:
            before = await store.answered(tx, command.id)
            if before is not None:
                replies.append(ConfigApplyReply.model_validate_json(before))
                continue
            reply, event = await _apply(command, tx)
            await store.keep_answer(tx, reply)
            replies.append(reply)
            events += [event] if event is not None else []
        self._hurry_until = time.monotonic() + HURRY_S_MAX
        return Answered(replies=replies, events=events)

    async def config_read(self, commands: Sequence[ConfigRead], tx: Transaction) -> Answered:
        """Show a version with its documents, and who put it in force, when and why."""
        return Answered(replies=[await _read(command, tx) for command in commands])

    async def _begin(self) -> None:
        with suppress(DependencyDown):
            await self._look()
            await self._look()  # Shows what the first look may just have put in force.

    async def _keep(self) -> None:
        at = time.monotonic()
        if at >= self._rest_until or at < self._hurry_until:
            self._rest_until = at + LOOK_EVERY_S
            await self._look()

    async def _look(self) -> None:
        """Bring the bucket to what PostgreSQL says; if that is nothing, begin with the folder."""
        # The bucket is read first. Whoever writes it has committed before, so a version that is
        # read after it is no older than what the bucket held: it never goes back by accident.
        client = self._service.connection.client
        entry = await read(client, CONFIG, IN_FORCE)
        async with self._database.transaction() as tx:
            applied = await store.version_in_force(tx)
        if applied is None:
            await self._seed()
        elif not _shows(entry, applied.version):
            value = _shown(applied.version)
            shown = Entry(value, entry.revision if entry is not None else 0)
            if await replace(client, CONFIG, IN_FORCE, shown):
                facts = {"version": applied.version.version, "number": applied.version.number}
                _log.info("configuration in force", extra={"facts": facts})
        if applied is not None:
            self._service.notes.pop(NOTE, None)

    async def _seed(self) -> None:
        """Put the folder's documents in force; of several replicas that try, one does."""
        try:
            documents = {one: read_text(self._folder / one) for one in Document}
        except ConfigError as error:
            self._service.notes[NOTE] = f"no version is in force, and {error}"
            return
        found = problems_in(documents)
        if found:
            self._service.notes[NOTE] = f"no version is in force, and {found[0]}"
            return
        self._hurry_until = time.monotonic() + HURRY_S_MAX
        async with self._database.transaction() as tx:
            await store.lock_versions(tx)
            if await store.version_in_force(tx) is not None:
                return
            event = await _put_in_force(tx, documents, None, (SEED, FIRST_START), new_id())
            message = OutboxMessage(event.id, subject_of(event), encode(event, SERVICE))
            await put_in_outbox(tx, [message])


def problems_in(documents: Mapping[Document, str]) -> list[str]:
    """Return a sentence for each reason why documents cannot be in force; none if they can."""
    found: list[str] = []
    models = _document(documents, Document.MODELS, ModelsDocument, found)
    policy = _document(documents, Document.POLICY, PolicyDocument, found)
    budgets = _document(documents, Document.BUDGETS, BudgetsDocument, found)
    if models is not None and policy is not None and budgets is not None:
        found += problems(models, policy, budgets)
        if not found and len(_shown(_version(documents, 1))) > CONFIG.value_bytes_max:
            found.append("The documents together are too large: leave comments out.")
    return found


def _document(
    documents: Mapping[Document, str], document: Document, shape: type[Shape], found: list[str]
) -> Shape | None:
    text = documents.get(document)
    if text is None:
        found.append(f"{document} is missing and no version is in force: send it too.")
    elif len(text.encode()) > DOCUMENT_BYTES_MAX:
        found.append(f"{document} has more than {DOCUMENT_BYTES_MAX // 1024} KiB: shorten it.")
    elif _is_deep(text):
        found.append(f"{document} is nested more than {DEPTH_MAX} deep: flatten it.")
    else:
        try:
            return parse_yaml(text, shape, document)
        except ConfigError as error:
            reason = str(error).removesuffix(".")
            found.append(f"{reason}; compare it with config/{document} as it is shipped.")
    return None


def _is_deep(text: str) -> bool:
    """Return whether reading a document would go deeper than any of ours is.

    libyaml builds what it reads by calling itself, and overruns the stack of the whole process.
    """
    depth = 0
    with suppress(yaml.YAMLError):  # That is told by whoever reads it.
        for event in yaml.parse(text, Loader=_SAFE):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_MAX:
                return True
    return False


async def _apply(
    command: ConfigApply, tx: Transaction
) -> tuple[ConfigApplyReply, ConfigPublished | None]:
    applied = await store.version_in_force(tx)
    before = applied.version if applied is not None else None
    if command.expected is not None and (before is None or before.version != command.expected):
        return _reply(command.id, before, ErrorCode.CONFLICT), None
    documents = {**(before.documents if before is not None else {}), **command.documents}
    found = problems_in(documents)
    if found:
        return _reply(command.id, before, ErrorCode.INVALID_REQUEST, found), None
    if before is not None and before.version == version_of(documents):
        return _reply(command.id, before), None
    why = (command.actor, command.reason)
    event = await _put_in_force(tx, documents, before, why, command.id)
    return _reply(command.id, _version(documents, event.number)), event


async def _put_in_force(
    tx: Transaction,
    documents: Mapping[Document, str],
    before: ConfigurationVersion | None,
    why: tuple[str, str],
    cause: UUID,
) -> ConfigPublished:
    version = _version(documents, before.number + 1 if before is not None else 1)
    replaced = before.version if before is not None else None
    actor, reason = why
    await store.add_version(tx, AppliedVersion(version, now(), actor, reason), replaced)
    earlier = before.documents if before is not None else {}
    return ConfigPublished(
        id=derived_id(cause, ConfigPublished.kind),
        cause=cause,
        tenant=TENANT,
        app=SERVICE,
        config_version=version.version,
        number=version.number,
        replaces=replaced,
        changed=tuple(one for one in Document if documents[one] != earlier.get(one)),
        actor=actor,
        reason=reason,
    )


async def _read(command: ConfigRead, tx: Transaction) -> ConfigReadReply:
    if command.version is None:
        applied = await store.version_in_force(tx)
    else:
        applied = await store.version_named(tx, command.version)
    if applied is None:
        return ConfigReadReply(id=command.id, code=ErrorCode.NOT_FOUND)
    return ConfigReadReply(
        id=command.id,
        found=applied.version,
        applied_at=applied.applied_at,
        actor=applied.actor,
        applied_for=applied.reason,
    )


def _version(documents: Mapping[Document, str], number: int) -> ConfigurationVersion:
    whole = {one: documents[one] for one in Document}
    return ConfigurationVersion(version=version_of(whole), number=number, documents=whole)


def _shown(version: ConfigurationVersion) -> bytes:
    return version.model_dump_json().encode()


def _reply(
    command_id: UUID,
    version: ConfigurationVersion | None,
    code: ErrorCode | None = None,
    found: Sequence[str] = (),
) -> ConfigApplyReply:
    return ConfigApplyReply(
        id=command_id,
        code=code,
        version=version.version if version is not None else None,
        number=version.number if version is not None else 0,
        problems=tuple(found),
    )


def _shows(entry: Entry | None, version: ConfigurationVersion) -> bool:
    if entry is None:
        return False
    try:
        return ConfigurationVersion.model_validate_json(entry.value) == version
    except ValidationError:
        return False
