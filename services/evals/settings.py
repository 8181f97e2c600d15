"""Evals' settings."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment: `SW_EVALS_DATABASE_URL` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_EVALS_")

    waiting_s_max: int = Field(
        default=24 * 3600,
        ge=60,
        description="How long what was asked waits for its answer, in seconds; then it is removed.",
    )
