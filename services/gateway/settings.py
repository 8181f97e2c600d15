"""The gateway's settings."""

from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

_MIB: Final = 1024 * 1024


class Settings(ServiceSettings):
    """Read from the environment: `SW_GATEWAY_DOOR_PORT` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_GATEWAY_")

    config_folder: Path = Field(
        default=Path("config"),
        description="Folder of the documents that are put in force when no version is yet.",
    )
    door_host: str = Field(default="127.0.0.1", description="Address that apps call.")
    door_port: int = Field(default=0, ge=0, le=65535, description="Port of it; 0 takes a free one.")
    head_bytes_max: int = Field(
        default=16_384, gt=0, description="The largest request line with its headers, in bytes."
    )
    head_s_max: float = Field(
        default=10.0, gt=0, description="How long the headers may take to arrive, in seconds."
    )
    body_bytes_max: int = Field(
        default=_MIB,
        gt=0,
        description="The largest body, in bytes: escapes make it longer than it is on the bus.",
    )
    body_s_max: float = Field(
        default=10.0, gt=0, description="How long a body may take to arrive, in seconds."
    )
    connections_max: int = Field(
        default=4_096, gt=0, description="Connections that callers may hold open here."
    )
    requests_max: int = Field(default=2_048, gt=0, description="Requests in hand, of all apps.")
    requests_per_app_max: int = Field(
        default=256, gt=0, description="Requests in hand, of one app."
    )
    keep_alive_s: int = Field(
        default=75, gt=0, description="How long an idle connection stays open, in seconds."
    )
    write_s_max: float = Field(
        default=30.0,
        gt=0,
        description="How long a caller may read nothing of what waits for it, in seconds.",
    )
    alive_every_s: float = Field(
        default=10.0, gt=0, description="Silence after which a stream shows that it lives, seconds."
    )
    bus_wait_s_max: float = Field(
        default=15.0, gt=0, description="How long a request waits for a bus that is away, seconds."
    )
    keys_every_s: float = Field(
        default=0.5, gt=0, le=1, description="How often changed keys are looked for, in seconds."
    )
    lame_duck_s: float = Field(
        default=2.0,
        ge=0,
        description="How long a stopping door still takes requests: until balancers know, seconds.",
    )
    stop_s_max: float = Field(
        default=125.0,
        gt=0,
        description="How long a stop waits for answers: as long as a request by default, seconds.",
    )
