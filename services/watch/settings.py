"""Watch's settings."""

from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

_DAY_S: Final = 24 * 3600


class Settings(ServiceSettings):
    """Read from the environment: `SW_WATCH_SPANS_KEPT_S` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_WATCH_")

    spans_kept_s: float = Field(
        default=7 * _DAY_S, gt=0, description="How long spans are kept, in seconds."
    )
    forget_every_s: float = Field(
        default=600.0, gt=0, description="How often what is old is removed, in seconds."
    )
    channels_file: Path | None = Field(
        default=None,
        description="File with one apprise address a line, for notifications; they are secrets.",
    )
    settled_s: float = Field(
        default=20.0,
        ge=0,
        description="How long all must go well before an incident is over, in seconds.",
    )
    quiet_s: float = Field(
        default=900.0,
        gt=0,
        description="After how long without anything new an incident is over, in seconds.",
    )
    end_every_s: float = Field(
        default=2.0, gt=0, description="How often it is seen what time has ended, in seconds."
    )
    notify_every_s: float = Field(
        default=1.0, gt=0, description="How often waiting notifications are sent, in seconds."
    )
    notify_give_up_s: float = Field(
        default=_DAY_S, gt=0, description="How long a notification is tried, in seconds."
    )
    incidents_kept_s: float = Field(
        default=400 * _DAY_S, gt=0, description="How long ended incidents are kept, in seconds."
    )
