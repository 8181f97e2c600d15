"""The console's settings beside those that every service has."""

import base64
import binascii
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

KEY_BYTES: Final = 32


class Settings(ServiceSettings):
    """Read from the environment: `SW_CONSOLE_SESSION_KEY_FILE` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_CONSOLE_")

    door_host: str = Field(default="127.0.0.1", description="Address that the pages listen on.")
    door_port: int = Field(default=0, ge=0, le=65535, description="Its port; 0 takes a free one.")
    session_key_file: Path | None = Field(
        default=None,
        description="File with the key of all sessions: 32 random bytes in base64. All replicas "
        "share it; another key signs everybody out.",
    )
    session_hours_max: float = Field(
        default=8.0, gt=0, le=24 * 7, description="Hours after which a person signs in again."
    )
    recheck_s_max: float = Field(
        default=20.0,
        gt=0,
        le=30,
        description="Seconds for which the gateway's word on a key is believed.",
    )
    sign_in_failures_max: int = Field(
        default=10, ge=1, description="Refused keys per address in 5 minutes, by each replica."
    )
    proxies: str = Field(
        default="",
        description="Addresses of reverse proxies, with commas between, whose X-Forwarded-For "
        "names the caller.",
    )

    def session_key(self) -> bytes:
        """Return the key of all sessions. Raises `ValueError` with what to do if there is none."""
        if self.session_key_file is None:
            raise ValueError("no session key: set SW_CONSOLE_SESSION_KEY_FILE")
        text = self.session_key_file.read_text(encoding="ascii").strip()
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError(
                "the file SW_CONSOLE_SESSION_KEY_FILE does not hold 32 bytes in base64: make one "
                "with `openssl rand -base64 32`"
            )
        return key
