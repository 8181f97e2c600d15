"""Watch's settings."""

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
        default=600.0, gt=0, description="How often old spans are removed, in seconds."
    )
