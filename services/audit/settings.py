"""Audit's settings: those that every service has, and no others."""

from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment: `SW_AUDIT_DATABASE_URL` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_AUDIT_")
