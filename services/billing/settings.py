"""Billing's settings, and the shape of the two files that its price book and budgets start from."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from services.billing.domain import PriceRow
from shared.configuration import ConfigError, read_yaml
from shared.contracts.money import Amount, StatedPrice, whole_nano
from shared.contracts.values import Currency, ModelName, Token
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment: `SW_BILLING_CONFIG_FOLDER` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_BILLING_")

    config_folder: Path = Field(
        default=Path("config"), description="Folder of models.yaml and budgets.yaml."
    )
    expiry_sweep_s: float = Field(
        default=5.0, gt=0, description="How often holds that nobody settled are ended, in seconds."
    )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _ModelEntry(_File):
    provider: Token
    price: StatedPrice | None = None


class _ModelsFile(_File):
    """What billing reads of models.yaml; the rest of it is the router's."""

    models: dict[ModelName, _ModelEntry]


class _Budget(_File):
    limit: Amount
    period: Literal["month"]


class BudgetPlan(_File):
    """Who may spend how much in a period; read from budgets.yaml."""

    currency: Currency
    default: _Budget
    tenants: dict[Token, _Budget] = Field(default_factory=dict)

    def limit_nano(self, tenant: str) -> int:
        """Return a tenant's limit for one period, in nano-units of `currency`."""
        return whole_nano(self.tenants.get(tenant, self.default).limit)


def read_budgets(file: Path) -> BudgetPlan:
    """Return the plan in a budgets.yaml. Raises `ConfigError` for one that cannot be used."""
    plan = read_yaml(file, BudgetPlan)
    for tenant in ("default", *plan.tenants):
        try:
            plan.limit_nano(tenant)
        except ValueError as error:
            raise ConfigError(f"{file}: the limit of {tenant} {error}.") from None
    return plan


def read_prices(file: Path, currency: str) -> list[PriceRow]:
    """Return the prices in a models.yaml; for a model without one no hold will be granted.

    Raises `ConfigError` for a file that cannot be used, and for a price in another currency than
    the budgets': there is no rate yet to hold it at.
    """
    models = read_yaml(file, _ModelsFile).models
    priced = {name: entry for name, entry in models.items() if entry.price is not None}
    rows = [_price_row(name, entry, file) for name, entry in priced.items()]
    for row in rows:
        if row.price.currency != currency:
            raise ConfigError(
                f"{file}: the price of {row.model} is in {row.price.currency}, "
                f"but budgets.yaml counts in {currency}: state all of them in one currency."
            )
    return rows


def _price_row(model: str, entry: _ModelEntry, file: Path) -> PriceRow:
    stated = entry.price
    assert stated is not None, "only priced models have a row"
    try:
        price = stated.price(entry.provider, model)
    except ValueError as error:
        raise ConfigError(f"{file}: the price of {model} {error}.") from None
    return PriceRow(price, entry.provider, model, stated.source, stated.valid_from_utc)
