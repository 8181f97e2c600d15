"""The settings that every service has; each service adds its own in its `settings.py`."""

import secrets
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.values import Token


class ServiceSettings(BaseSettings):
    """Read from the environment (`SW_<SERVICE>_<NAME>`), or from files in `/run/secrets`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None,
    )

    nats_url: str = Field(default="nats://127.0.0.1:4222", description="Where the bus listens.")
    nats_seed_file: Path | None = Field(default=None, description="File with our NKEY seed.")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL address with this service's own role."
    )
    http_host: str = Field(default="127.0.0.1", description="Address of /livez, /readyz, /metrics.")
    http_port: int = Field(default=0, ge=0, le=65535, description="Port of it; 0 takes a free one.")
    replica: Token = Field(
        default_factory=lambda: f"r{secrets.token_hex(4)}",
        description="Name of this process among its replicas; a new one at each start.",
    )
    stop_s_max: float = Field(
        default=25.0, gt=0, description="How long a stop waits for work in hand, in seconds."
    )
