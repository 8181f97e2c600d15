"""The first keys of the HTTP doors: admitted through the gateway, kept as files for their owner."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.errors import StartFailed
from deploy.local.files import private_folder, write_atomically
from shared.contracts.access import (
    AppCreate,
    AppReply,
    AppRotate,
    Role,
)
from shared.contracts.catalog import OPERATOR
from stellwerk.keys import Key, new_key
from stellwerk.operator import Operator
from stellwerk.platform import DEFAULT_TENANT, Platform

FOLDER: Final = "keys-http"
FIRST_KEYS: Final[Mapping[str, Role]] = {"demo": Role.READ_ONLY, "admin": Role.SUPER_ADMIN}
REASON: Final = "first-start"


def key_file(secrets: Path, tenant: str, app: str) -> Path:
    """Return where the key lies that an app sends to the HTTP doors."""
    return secrets / FOLDER / f"{tenant}.{app}.key"


async def make_first_keys(platform: Platform) -> list[Path]:
    """Make sure that each first app has a key file; return the files that were made.

    An app that somebody has rotated or disabled since is left alone.
    """
    made = []
    async with Operator(platform) as operator:
        known = {(each.tenant, each.app): each for each in await operator.apps()}
        for app, role in FIRST_KEYS.items():
            file = key_file(platform.secrets, DEFAULT_TENANT, app)
            record = known.get((DEFAULT_TENANT, app))
            if record is not None and (file.exists() or record.disabled):
                continue
            key = new_key()
            await _tell(
                operator,
                _creation(key, DEFAULT_TENANT, app, role)
                if record is None
                else _rotation(key, DEFAULT_TENANT, app),
            )
            private_folder(file.parent)
            write_atomically(file, key.text)
            made.append(file)
    return made


async def admit_over_http(
    platform: Platform, app: str, role: Role, tenant: str = DEFAULT_TENANT
) -> str:
    """Admit an app as the operator and return its key; the caller keeps it."""
    key = new_key()
    async with Operator(platform) as operator:
        await _tell(operator, _creation(key, tenant, app, role))
    return key.text


def _creation(key: Key, tenant: str, app: str, role: Role) -> AppCreate:
    return AppCreate(
        tenant=tenant,
        app=app,
        role=role,
        key_id=key.key_id,
        secret_sha256=key.secret_sha256,
        actor=OPERATOR,
        reason=REASON,
    )


def _rotation(key: Key, tenant: str, app: str) -> AppRotate:
    return AppRotate(
        tenant=tenant,
        app=app,
        key_id=key.key_id,
        secret_sha256=key.secret_sha256,
        actor=OPERATOR,
        reason=REASON,
    )


async def _tell(operator: Operator, command: AppCreate | AppRotate) -> None:
    reply = await operator.ask(command, AppReply)
    if reply.code is not None:
        raise StartFailed(f"The gateway gives {command.app} no key: {reply.code.sentence()}")
