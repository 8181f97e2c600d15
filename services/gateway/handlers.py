"""Commands about apps and their keys in; answers and what the audit record must know of them out.

Each command has one effect and one answer, however often it comes: what was answered is kept in
the same transaction.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from prometheus_client import Counter

from services.gateway import store
from services.gateway.domain import RESERVED, Denials, KnownKey, denial
from shared.bus import Answered
from shared.contracts.access import (
    AccessChange,
    AccessChanged,
    AccessCheck,
    AccessReply,
    AppCreate,
    AppDisable,
    AppList,
    AppListReply,
    AppRecord,
    AppReply,
    AppRotate,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.values import derived_id, now
from shared.db import Database, Transaction
from shared.errors import DependencyDown

CHANGES = Counter(
    "stellwerk_gateway_access_changes_total",
    "Apps created, rotated or disabled. More than people did: look who holds the operator's seed.",
    ["change"],
)

PAGE_BYTES_MAX: Final = 512 * 1024
"""Half of what the bus takes as one message."""

AppCommand = TypeVar("AppCommand", AppCreate, AppRotate, AppDisable)
Made = tuple[AppReply, AccessChanged | None]


async def apps_created(commands: Sequence[AppCreate], tx: Transaction) -> Answered:
    """Admit apps with their first keys."""
    return await _each(commands, tx, _create)


async def apps_rotated(commands: Sequence[AppRotate], tx: Transaction) -> Answered:
    """Give apps new keys; the old ones end after the overlap."""
    return await _each(commands, tx, _rotate)


async def apps_disabled(commands: Sequence[AppDisable], tx: Transaction) -> Answered:
    """Refuse apps from now on."""
    return await _each(commands, tx, _disable)


async def apps_listed(commands: Sequence[AppList], tx: Transaction) -> Answered:
    """Show apps and the public part of their keys, as many as fit into a message."""
    apps = await store.read_apps(tx)
    return Answered(replies=[_page(command, apps) for command in commands])


async def access_checked(
    commands: Sequence[AccessCheck], tx: Transaction, *, denials: Denials
) -> Answered:
    """Say whose key it is that somebody showed at another door."""
    return Answered(replies=[await _check(command, tx, denials) for command in commands])


async def forget_answers(database: Database, kept_s: float) -> Sequence[Event]:
    """Forget the answers that nobody asks for again."""
    async with database.transaction() as tx:
        await store.forget_answers(tx, kept_s)
    return ()


async def doors_stayed_shut(
    denials: Denials, publish: Callable[[Sequence[Event]], Awaitable[None]]
) -> None:
    """Tell the audit record whom the doors kept out; while the bus is away, later."""
    while events := denials.take():
        try:
            await publish(events)
        except DependencyDown:
            denials.put_back(events)
            return


async def _each(
    commands: Sequence[AppCommand],
    tx: Transaction,
    make: Callable[[AppCommand, Transaction], Awaitable[Made]],
) -> Answered:
    replies: list[AppReply] = []
    events: list[Event] = []
    for command in commands:
        before = await store.answered(tx, command.id)
        if before is not None:
            replies.append(AppReply.model_validate_json(before))
            continue
        reply, event = await make(command, tx)
        await store.keep_answer(tx, reply)
        replies.append(reply)
        if event is not None:
            events.append(event)
            CHANGES.labels(event.change.value).inc()
    return Answered(replies=replies, events=events)


async def _create(command: AppCreate, tx: Transaction) -> Made:
    if command.app in RESERVED:
        return _refused(command, ErrorCode.FORBIDDEN), None
    if await store.read_key(tx, command.key_id) is not None:
        return _refused(command, ErrorCode.CONFLICT), None
    if not await store.add_app(tx, command.tenant, command.app, command.role):
        return _refused(command, ErrorCode.CONFLICT), None
    key = KnownKey(
        key_id=command.key_id,
        tenant=command.tenant,
        app=command.app,
        role=command.role,
        secret_sha256=bytes.fromhex(command.secret_sha256),
        expires_at=command.expires_at,
    )
    added = await store.add_key(tx, key)
    assert added, "another transaction has used this key's id since"
    return await _done(command, tx, AccessChange.CREATED, key.key_id)


async def _rotate(command: AppRotate, tx: Transaction) -> Made:
    app = await store.lock_app(tx, command.tenant, command.app)
    if app is None:
        return _refused(command, ErrorCode.NOT_FOUND), None
    if app.disabled:
        return _refused(command, ErrorCode.FORBIDDEN), None
    key = KnownKey(
        key_id=command.key_id,
        tenant=command.tenant,
        app=command.app,
        role=app.role,
        secret_sha256=bytes.fromhex(command.secret_sha256),
        expires_at=command.expires_at,
    )
    if not await store.add_key(tx, key):
        return _refused(command, ErrorCode.CONFLICT), None
    await store.end_other_keys(tx, key, command.overlap_s)
    return await _done(command, tx, AccessChange.ROTATED, key.key_id)


async def _disable(command: AppDisable, tx: Transaction) -> Made:
    app = await store.lock_app(tx, command.tenant, command.app)
    if app is None:
        return _refused(command, ErrorCode.NOT_FOUND), None
    await store.disable_app(tx, command.tenant, command.app)
    return await _done(command, tx, AccessChange.DISABLED, None)


async def _done(
    command: AppCommand, tx: Transaction, change: AccessChange, key_id: str | None
) -> Made:
    found = await store.read_app(tx, command.tenant, command.app)
    assert found is not None
    event = AccessChanged(
        id=derived_id(command.id, AccessChanged.kind),
        cause=command.id,
        tenant=command.tenant,
        app=command.app,
        change=change,
        role=found.role,
        key_id=key_id,
        actor=command.actor,
        reason=command.reason,
    )
    return AppReply(id=command.id, found=found), event


def _refused(command: AppCommand, code: ErrorCode) -> AppReply:
    return AppReply(id=command.id, code=code)


def _page(command: AppList, apps: Sequence[AppRecord]) -> AppListReply:
    after = (command.after_tenant or "", command.after_app or "")
    left = [app for app in apps if (app.tenant, app.app) > after]
    count, size = 0, 0
    for app in left:
        size += len(app.model_dump_json())
        if size > PAGE_BYTES_MAX:
            break
        count += 1
    if left and count == 0:
        return AppListReply(id=command.id, code=ErrorCode.TOO_LARGE)
    return AppListReply(id=command.id, apps=tuple(left[:count]), more=count < len(left))


async def _check(command: AccessCheck, tx: Transaction, denials: Denials) -> AccessReply:
    known = await store.read_key(tx, command.key_id)
    why = denial(known, bytes.fromhex(command.secret_sha256), now())
    if why is not None or known is None:
        if why is not None:
            denials.note(command.actor, why, known)
        return AccessReply(id=command.id, code=ErrorCode.UNAUTHENTICATED)
    return AccessReply(id=command.id, tenant=known.tenant, app=known.app, role=known.role)
