"""What is looser here than it would be in production, with its risk; and what is wrong."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.folder import DataFolder
from deploy.local.http_keys import FIRST_KEYS, key_file
from deploy.local.launch import NAMESPACE, SAME
from deploy.local.model import MODELS, is_verified
from deploy.local.nats import find_server
from deploy.local.options import Options
from deploy.local.ports import Ports
from deploy.local.postgres import find_binaries
from deploy.local.program import unprivileged_user
from deploy.local.secrets import Secrets
from deploy.local.status import running_state
from stellwerk.platform import DEFAULT_TENANT

DISK_FREE_BYTES_MIN: Final = 5 * 1024**3
GROUP_AND_OTHERS: Final = 0o077


class Kind(StrEnum):
    GOOD = "good"
    RELAXED = "relaxed"  # chosen so, with a risk that must be known
    WRONG = "wrong"  # must be changed


@dataclass(frozen=True)
class Finding:
    """One setting: what it is, what could come of it, and what to do about it."""

    kind: Kind
    setting: str
    risk: str = ""
    cure: str = ""


def examine(options: Options) -> list[Finding]:
    """Return every finding; reads only, and works whether or not a platform runs."""
    folder = DataFolder(options.data)
    found: list[Finding] = []
    for check in (_programs, _permissions, _network, _durability, _models, _disk, _ports):
        found += check(folder, options)
    return found


def _programs(_folder: DataFolder, options: Options) -> Iterator[Finding]:
    for name, find, replaced in (
        ("nats-server", find_server, options.nats_url),
        ("PostgreSQL", find_binaries, options.database_url),
    ):
        if replaced:
            continue
        try:
            yield Finding(Kind.GOOD, f"{name} is {find()}")
        except LocalError as error:
            yield Finding(Kind.WRONG, str(error))
    if options.database_url or unprivileged_user() == SAME:
        return
    if unprivileged_user() == NAMESPACE:
        yield Finding(Kind.GOOD, "PostgreSQL leaves root by a user namespace")
    else:
        yield Finding(
            Kind.RELAXED,
            "PostgreSQL runs as uid 65534, because user namespaces are not allowed here",
            "other programs that run as this user could read its files",
            "start the platform as an ordinary user",
        )


def _permissions(folder: DataFolder, _options: Options) -> Iterator[Finding]:
    if not folder.root.exists():
        yield Finding(Kind.GOOD, f"{folder.root} does not exist yet; the first start makes it")
        return
    if folder.root.stat().st_mode & GROUP_AND_OTHERS:
        yield Finding(
            Kind.WRONG,
            f"{folder.root} can be entered by other users",
            "logs and addresses are readable for them",
            f"chmod 700 {folder.root}",
        )
    open_files = Secrets(folder.secrets).readable_by_others()
    for path in open_files:
        yield Finding(
            Kind.WRONG,
            f"{path} can be read by other users",
            "whoever reads it can act as its owner on the platform",
            f"chmod go-rwx {path}",
        )
    if not open_files:
        yield Finding(Kind.GOOD, "every secret is readable by its owner only")
    first_keys = [key_file(folder.secrets, DEFAULT_TENANT, app) for app in FIRST_KEYS]
    if any(file.exists() for file in first_keys):
        yield Finding(
            Kind.RELAXED,
            "the first keys of the HTTP doors, the super_admin's too, lie as files and do not end",
            "whoever reads them can grant rights and read the audit record",
            "make keys of your own with `stellwerk app create`, then disable the apps of the first",
        )
    yield Finding(
        Kind.RELAXED,
        f"secrets lie as files in {folder.secrets}",
        "a backup of this folder holds every key, those of the vault included",
        "back the folder up encrypted; in production mount secrets from a key store",
    )


def _network(_folder: DataFolder, options: Options) -> Iterator[Finding]:
    for name, address in (("NATS", options.nats_url), ("PostgreSQL", options.database_url)):
        if address is None:
            yield Finding(
                Kind.RELAXED,
                f"{name} listens on loopback without TLS",
                "whoever is root on this machine can read what passes, clear text included",
                "none needed on one machine; never make it listen on another address like this",
            )
        elif not address.startswith("tls://") and "sslmode" not in address:
            yield Finding(
                Kind.RELAXED,
                f"{name} is reached at an address of yours without TLS",
                "what passes can be read on the network between, clear text included",
                "use tls:// for NATS and sslmode=verify-full for PostgreSQL",
            )
    yield Finding(
        Kind.RELAXED,
        "the doors, gateway and console, speak HTTP without TLS on loopback",
        "whoever is root on this machine can read keys, prompts and answers as they pass",
        "none needed on one machine; elsewhere put a proxy that ends TLS in front of them",
    )
    if options.nats_url is None:
        yield Finding(
            Kind.RELAXED,
            "the monitoring port of NATS has no sign-in",
            "other users of this machine see who is connected and how much passes, never content",
            "do not run other people's programs on this machine",
        )


def _durability(_folder: DataFolder, options: Options) -> Iterator[Finding]:
    if options.nats_url is None:
        yield Finding(
            Kind.RELAXED,
            "one NATS server holds one copy of each stream (R1)",
            "a broken disk loses requests in flight; a power cut does not (sync_interval: always)",
            "a cluster of three with R3 streams",
        )
    if options.database_url is None:
        yield Finding(
            Kind.RELAXED,
            "one PostgreSQL without a replica and without a backup plan",
            "a broken disk loses the ledger and the audit record",
            "set STELLWERK_DATABASE_URL to a server with high availability, and back it up",
        )


def _models(folder: DataFolder, options: Options) -> Iterator[Finding]:
    for name in options.models:
        file = folder.models / MODELS[name].file_name
        if is_verified(MODELS[name], file):
            yield Finding(Kind.GOOD, f"{name} is the official {MODELS[name].title}")
        else:
            yield Finding(Kind.RELAXED, f"{name} is not here yet", "", "the next start fetches it")
    if options.models:
        yield Finding(
            Kind.RELAXED,
            "the embedded models are small and made for code",
            "their answers are not fit to be sent to a customer",
            "add a provider to models.yaml",
        )


def _disk(folder: DataFolder, _options: Options) -> Iterator[Finding]:
    free = shutil.disk_usage(_existing(folder.root)).free
    if free < DISK_FREE_BYTES_MIN:
        yield Finding(
            Kind.WRONG,
            f"{free // 1_000_000} MB of disk are free",
            "a full disk stops the bus and the database",
            "free some, or name a folder on another disk with --data",
        )
    else:
        yield Finding(Kind.GOOD, f"{free // 1_000_000_000} GB of disk are free")


def _ports(folder: DataFolder, _options: Options) -> Iterator[Finding]:
    if running_state(folder) is not None:
        return
    for name, port in Ports(folder.ports).taken_by_others().items():
        yield Finding(
            Kind.WRONG,
            f"port {port} of {name} is in use by another program",
            "the next start fails",
            f"stop that program, or remove {name!r} from {folder.ports}",
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path if os.access(path, os.R_OK) else path.parent
