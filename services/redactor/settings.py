"""The redactor's settings beside those that every service has."""

import base64
import binascii
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

_KEY_BYTES: Final = 32


class Settings(ServiceSettings):
    """Read from the environment: `SW_REDACTOR_MASTER_KEY_FILE` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_REDACTOR_")

    master_key_file: Path | None = Field(
        default=None,
        description="File with the vault's master key: 32 random bytes in hex or base64.",
    )
    dictionaries_folder: Path | None = Field(
        default=None,
        description="Folder with the company's own lists, `<tenant>/persons.txt` and so on.",
    )
    streams_max: int = Field(
        default=4096, ge=1, description="Streamed answers restored side by side by one replica."
    )

    def master_key(self) -> bytes:
        """Return the master key. Raises `ValueError` with what to do when there is none."""
        if self.master_key_file is None:
            raise ValueError("no master key: set SW_REDACTOR_MASTER_KEY_FILE")
        text = self.master_key_file.read_text(encoding="ascii").strip()
        for read in (bytes.fromhex, base64.b64decode):
            try:
                key = read(text)
            except (ValueError, binascii.Error):
                continue
            if len(key) == _KEY_BYTES:
                return key
        raise ValueError("SW_REDACTOR_MASTER_KEY_FILE must hold 32 bytes in hex or base64")
