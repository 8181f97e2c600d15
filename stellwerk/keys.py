"""Makes the keys that open the HTTP doors: `sw-<id>-<secret>`, whose secret only the maker has."""

import hashlib
import secrets
import string
from dataclasses import dataclass, field
from typing import Final

ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43  # 43 of 62 letters and digits hold 256 bits
_ID: Final = string.ascii_lowercase + string.digits
_SECRET: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `key_id` may be shown; `text` is what a caller sends and nobody else keeps."""

    key_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"sw-{self.key_id}-{self.secret}"

    @property
    def secret_sha256(self) -> str:
        """Return all that the gateway is told of the secret."""
        return hashlib.sha256(self.secret.encode("ascii")).hexdigest()


def new_key() -> Key:
    return Key(_random(_ID, ID_LENGTH), _random(_SECRET, SECRET_LENGTH))


def _random(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))
