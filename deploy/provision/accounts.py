"""The accounts and users of nats-server as configuration text, made from the permissions.

The services share the account CORE. Each app has an account of its own, into which it imports
nothing but its own subjects. With all apps in one account an app could have the answer to its own
question delivered on another app's live subject, by naming that as its reply subject.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.provision.permissions import (
    PROVISION,
    Permissions,
    app_imports,
    app_permissions,
    exported_services,
    exported_streams,
    operator_permissions,
    provision_permissions,
    service_permissions,
)
from shared.contracts.catalog import OPERATOR, SERVICES

CORE: Final = "CORE"
SYSTEM: Final = "SYS"
_TOKEN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
CONNECTIONS_PER_APP_MAX: Final = 256
SUBSCRIPTIONS_PER_APP_MAX: Final = 10_000


@dataclass(frozen=True, order=True, slots=True)
class App:
    """One internal app and the public NKEY of the user that it signs in as."""

    tenant: str
    app: str
    public_key: str

    def __post_init__(self) -> None:
        for token in (self.tenant, self.app):
            if not _TOKEN.fullmatch(token):
                raise ValueError(f"{token!r} is no token: use a-z, 0-9, '-' and '_'.")
        # A service's own spans carry its name where an app's carry the app's.
        if self.app in core_users():
            raise ValueError(f"{self.app!r} is reserved: a part of the platform has this name.")

    @property
    def account(self) -> str:
        # Tokens hold no dot, so two apps never share a name.
        return f"APP.{self.tenant}.{self.app}"


def core_users() -> Mapping[str, Permissions]:
    """Return every user of the services' account: the services, the operator, provisioning."""
    services = {service: service_permissions(service) for service in SERVICES}
    return services | {OPERATOR: operator_permissions(), PROVISION: provision_permissions()}


def accounts_text(keys: Mapping[str, str], apps: Iterable[App]) -> str:
    """Return the `accounts` block; `keys` holds the public key of each user of `core_users`."""
    missing = sorted(set(core_users()) - set(keys))
    if missing:
        raise ValueError(f"no public key for {', '.join(missing)}")
    lines = [f"system_account: {SYSTEM}", "accounts {", f"  {SYSTEM} {{}}", *_core(keys)]
    for app in sorted(apps):
        lines += _app(app)
    return "\n".join([*lines, "}", ""])


def _core(keys: Mapping[str, str]) -> list[str]:
    users = [_user(name, keys[name], can) for name, can in core_users().items()]
    return [
        f"  {CORE} {{",
        "    jetstream: enabled",
        *_listed("users", users),
        *_listed(
            "exports",
            [f'{{ service: "{subject}" }}' for subject in exported_services()]
            + [f'{{ stream: "{subject}" }}' for subject in exported_streams()],
        ),
        "  }",
    ]


def _app(app: App) -> list[str]:
    imports = app_imports(app.tenant, app.app)
    user = _user(f"{app.tenant}.{app.app}", app.public_key, app_permissions(app.tenant, app.app))
    limits = (
        f"max_connections: {CONNECTIONS_PER_APP_MAX}, "
        f"max_subscriptions: {SUBSCRIPTIONS_PER_APP_MAX}"
    )
    return [
        f'  "{app.account}" {{',
        f"    limits {{ {limits} }}",
        *_listed("users", [user]),
        *_listed(
            "imports",
            [_import("service", subject) for subject in imports.services]
            + [_import("stream", subject) for subject in imports.streams],
        ),
        "  }",
    ]


def _import(kind: str, subject: str) -> str:
    return f'{{ {kind}: {{ account: {CORE}, subject: "{subject}" }} }}'


def _user(name: str, public_key: str, can: Permissions) -> str:
    return (
        f"# {name}\n"
        f"      {{ nkey: {public_key}, permissions: {{\n"
        f"        publish: {{ allow: [{_quoted(can.publish)}] }}\n"
        f"        subscribe: {{ allow: [{_quoted(can.subscribe)}] }}\n"
        "      } }"
    )


def _quoted(subjects: Sequence[str]) -> str:
    return ", ".join(f'"{subject}"' for subject in subjects)


def _listed(name: str, items: Sequence[str]) -> list[str]:
    return [f"    {name}: [", *(f"      {item}" for item in items), "    ]"]
