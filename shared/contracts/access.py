"""Who may use the platform: apps, their keys, the four roles, and what was refused to whom."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Hex64, Token

OVERLAP_S_MAX = 90 * 24 * 3600

KeyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{12}$")]
"""The public part of a key `sw-<id>-<secret>`; it may stand in logs and events."""


class Role(StrEnum):
    """What a key's holder may do; nobody has the rights of another role by being above it."""

    READ_ONLY = "read_only"
    """Ask questions, change nothing."""
    POWER_USER = "power_user"
    """Adapt prompts, keep workflows of their own."""
    ADMINISTRATOR = "administrator"
    """Configure everything; neither grant rights nor read the audit record."""
    SUPER_ADMIN = "super_admin"
    """Grant rights, read the audit record."""


class Right(StrEnum):
    """One thing that a role allows."""

    ASK = "ask"
    ADAPT_PROMPTS = "adapt_prompts"
    CONFIGURE = "configure"
    SEE_OPERATIONS = "see_operations"
    ACT_ON_INCIDENTS = "act_on_incidents"
    GRANT_RIGHTS = "grant_rights"
    READ_AUDIT = "read_audit"


_ASKING = frozenset({Right.ASK})
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.READ_ONLY: _ASKING,
    Role.POWER_USER: _ASKING | {Right.ADAPT_PROMPTS},
    Role.ADMINISTRATOR: _ASKING
    | {Right.ADAPT_PROMPTS, Right.CONFIGURE, Right.SEE_OPERATIONS, Right.ACT_ON_INCIDENTS},
    Role.SUPER_ADMIN: _ASKING | {Right.SEE_OPERATIONS, Right.GRANT_RIGHTS, Right.READ_AUDIT},
}


class KeyRecord(Record):
    """One key of an app, without anything that opens a door."""

    key_id: KeyId
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class AppRecord(Record):
    """One app as the gateway knows it."""

    tenant: Token
    app: Token
    role: Role
    created_at: AwareDatetime
    disabled: bool = False
    keys: tuple[KeyRecord, ...] = ()


class _KeyGiven(Command):
    """The asker makes the key and keeps its secret: only the SHA-256 of the secret is sent."""

    tenant: Token = "default"
    app: Token
    key_id: KeyId
    secret_sha256: Hex64 = Field(repr=False)
    expires_at: AwareDatetime | None = None


class AppCreate(_KeyGiven):
    """Admit an app with its first key; `conflict` if the name is taken."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "app-create"

    role: Role = Role.READ_ONLY


class AppRotate(_KeyGiven):
    """Give an app a new key; its older ones end after `overlap_s` seconds."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "app-rotate"

    overlap_s: int = Field(default=24 * 3600, ge=0, le=OVERLAP_S_MAX)


class AppDisable(Command):
    """Refuse an app from now on; its keys and its past stay known."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "app-disable"

    tenant: Token = "default"
    app: Token


class AppReply(Reply):
    """The app as it is now."""

    found: AppRecord | None = None


class AppList(Command):
    """Ask for apps, by tenant and name: the first ones, or those after one."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "app-list"

    after_tenant: Token | None = None
    after_app: Token | None = None


class AppListReply(Reply):
    """Apps, by tenant and name; `more` says that others come after the last one.

    `too_large` if the next one alone does not fit into a message.
    """

    apps: tuple[AppRecord, ...] = ()
    more: bool = False


class AccessCheck(Command):
    """Ask whether a key opens a door, and with which role."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "access-check"

    key_id: KeyId
    secret_sha256: Hex64 = Field(repr=False)


class AccessReply(Reply):
    """Whose key it is; `unauthenticated` for an unknown, expired or disabled one."""

    tenant: Token = "default"
    app: Token | None = None
    role: Role | None = None


class AccessChange(StrEnum):
    """What happened to an app's access."""

    CREATED = "created"
    ROTATED = "rotated"
    DISABLED = "disabled"


class AccessChanged(Event):
    """Somebody changed who may use the platform."""

    kind: ClassVar[str] = "access.changed"

    change: AccessChange
    role: Role
    key_id: KeyId | None = None
    actor: Token
    reason: Token


class Denial(StrEnum):
    """Why a door stayed shut."""

    UNKNOWN_KEY = "unknown_key"
    WRONG_SECRET = "wrong_secret"  # noqa: S105  It names a reason.
    EXPIRED = "expired"
    DISABLED = "disabled"
    ROLE = "role"


class AccessDenied(Event):
    """A door stayed shut `count` times in a row, for one key at one door."""

    kind: ClassVar[str] = "access.denied"

    door: Token
    why: Denial
    key_id: KeyId | None = None
    right: Right | None = None
    count: int = Field(default=1, ge=1)
