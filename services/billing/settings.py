"""Billing's settings, and what the documents say that its budgets and its price book follow."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from services.billing.domain import PriceRow
from shared.configuration import ConfigError, parse_yaml, read_text
from shared.contracts.money import StatedPrice
from shared.contracts.stated import BudgetsDocument, Names, budget_problems, currency_problem
from shared.contracts.values import ModelName, Token
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment: `SW_BILLING_CONFIG_FOLDER` and so on."""

    model_config = SettingsConfigDict(env_prefix="SW_BILLING_")

    config_folder: Path = Field(
        default=Path("config"),
        description="Folder of the documents that count until a version is in force.",
    )
    expiry_sweep_s: float = Field(
        default=5.0, gt=0, description="How often holds that nobody settled are ended, in seconds."
    )


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _ModelEntry(_Part):
    provider: Token
    price: StatedPrice | tuple[StatedPrice, ...] | None = None

    @property
    def prices(self) -> tuple[StatedPrice, ...]:
        """Return all stated prices."""
        if self.price is None:
            return ()
        return self.price if isinstance(self.price, tuple) else (self.price,)


class _Models(_Part):
    """What billing reads of models.yaml; the rest of it is the router's."""

    models: dict[ModelName, _ModelEntry]


def read_budgets(file: Path) -> BudgetsDocument:
    """Return the plan in a budgets.yaml. Raises `ConfigError` for one that cannot be used."""
    return budgets_in(read_text(file), Names(budgets=str(file)))


def budgets_in(text: str, names: Names) -> BudgetsDocument:
    """Return the plan that a document states. Raises `ConfigError` if it cannot be used."""
    plan = parse_yaml(text, BudgetsDocument, names.budgets)
    for problem in budget_problems(plan, names):
        raise ConfigError(problem)
    return plan


def read_prices(file: Path, currency: str) -> list[PriceRow]:
    """Return the prices in a models.yaml; see `prices_in`."""
    return prices_in(read_text(file), currency, str(file))


def prices_in(text: str, currency: str, file: str) -> list[PriceRow]:
    """Return the prices in a document; for a model without one no hold will be granted.

    Raises `ConfigError` for one that cannot be used, and for a price in another currency than the
    budgets': there is no rate yet to hold it at.
    """
    models = parse_yaml(text, _Models, file).models
    rows = [
        _price_row(name, entry.provider, stated, file)
        for name, entry in models.items()
        for stated in entry.prices
    ]
    for row in rows:
        if problem := currency_problem(row.model, row.price.currency, currency, file):
            raise ConfigError(problem)
    return rows


def _price_row(model: str, provider: str, stated: StatedPrice, file: str) -> PriceRow:
    try:
        price = stated.price(provider, model)
    except ValueError as error:
        raise ConfigError(f"{file}: the price of {model} {error}.") from None
    return PriceRow(price, provider, model, stated.source, stated.valid_from_utc)
