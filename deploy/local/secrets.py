"""The secrets of one data directory: made on the first start, one file each, for the owner only."""

import base64
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import nkeys

from deploy.local.files import OWNER_ONLY_FILE, private_folder, write_atomically
from deploy.provision.accounts import App, core_users

KEY_BYTES: Final = 32
GROUP_AND_OTHERS: Final = 0o077


class Secrets:
    """Makes each secret when it is first asked for; after that it never changes by itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    # --- the bus: NKEY seeds; the server is told the public half only ---------------------------

    def seed_file(self, user: str) -> Path:
        """Return the file with the NKEY seed of a service, the operator or provisioning."""
        return self._kept(f"bus/{user}.seed", _new_seed)

    def app_seed_file(self, tenant: str, app: str) -> Path:
        """Return the file with the NKEY seed that an internal app signs in with."""
        return self._kept(f"apps/{tenant}.{app}.seed", _new_seed)

    def bus_keys(self) -> dict[str, str]:
        """Return the public key of every user of the services' account."""
        return {user: public_key(self.seed_file(user)) for user in core_users()}

    def apps(self) -> list[App]:
        """Return every app that has a seed here."""
        found = []
        for file in sorted((self._folder / "apps").glob("*.seed")):
            tenant, app = file.stem.split(".", 1)
            found.append(App(tenant, app, public_key(file)))
        return found

    # --- databases and keys ---------------------------------------------------------------------

    def database_password(self, user: str) -> str:
        """Return the password of the superuser or of a service's role."""
        return self._kept(f"database/{user}.password", _new_text).read_text(encoding="ascii")

    def key_file(self, name: str) -> Path:
        """Return a file with 32 random bytes in base64, such as the redactor's master key."""
        return self._kept(f"keys/{name}.key", _new_key)

    def text_file(self, name: str) -> Path:
        """Return a file with a random text that is sent as it stands, such as an API key."""
        return self._kept(f"keys/{name}.txt", _new_text)

    # --------------------------------------------------------------------------------------------

    def files(self) -> list[Path]:
        """Return every secret's file."""
        return sorted(file for file in self._folder.rglob("*") if file.is_file())

    def readable_by_others(self) -> Sequence[Path]:
        """Return the files and folders that more than their owner may open."""
        every = [self._folder, *self._folder.rglob("*")]
        return [path for path in every if path.exists() and path.stat().st_mode & GROUP_AND_OTHERS]

    def _kept(self, name: str, make: Callable[[], str]) -> Path:
        file = self._folder / name
        if not file.exists():
            private_folder(self._folder)
            private_folder(file.parent)
            write_atomically(file, make())
            assert file.stat().st_mode & 0o777 == OWNER_ONLY_FILE
        return file


def public_key(seed_file: Path) -> str:
    """Return the public half of an NKEY seed."""
    pair = nkeys.from_seed(bytearray(seed_file.read_bytes().strip()))
    try:
        return str(pair.public_key.decode("ascii"))
    finally:
        pair.wipe()


def _new_seed() -> str:
    seed = nkeys.encode_seed(secrets.token_bytes(KEY_BYTES), nkeys.PREFIX_BYTE_USER)
    return str(seed.decode("ascii"))


def _new_text() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
