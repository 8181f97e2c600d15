"""Billing's settings, and the shape of the two files that its price book and budgets start from."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from services.billing.domain import PriceRow
from shared.configuration import ConfigError, read_yaml
from shared.contracts.money import NANO, Price
from shared.contracts.values import Currency, ModelName, Token, derived_id
from shared.settings import ServiceSettings

_NAMESPACE: Final = UUID("b1111e57-0000-5000-8000-57e119e12c00")
_MILLION: Final = 1_000_000
Amount = Annotated[Decimal, Field(ge=0, max_digits=18)]


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


class _PriceEntry(_File):
    currency: Currency
    input_per_million: Amount
    output_per_million: Amount
    per_request: Amount = Decimal(0)
    source: str = Field(min_length=3, max_length=300)
    valid_from: date


class _ModelEntry(_File):
    provider: Token
    price: _PriceEntry | None = None


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
        return _whole(self.tenants.get(tenant, self.default).limit * NANO, "a limit")


def read_budgets(file: Path) -> BudgetPlan:
    """Return the plan in a budgets.yaml. Raises `ConfigError` for one that cannot be used."""
    plan = read_yaml(file, BudgetPlan)
    for tenant in ("default", *plan.tenants):
        plan.limit_nano(tenant)
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
    per_token = f"{file}: the price of {model} per million tokens"
    input_nano = _whole(stated.input_per_million * NANO / _MILLION, per_token)
    output_nano = _whole(stated.output_per_million * NANO / _MILLION, per_token)
    request_nano = _whole(stated.per_request * NANO, f"{file}: the price of {model} per request")
    valid_from = datetime.combine(stated.valid_from, time(), tzinfo=UTC)
    content = (
        *(entry.provider, model, stated.currency, input_nano, output_nano, request_nano),
        *(stated.source, valid_from.isoformat()),
    )
    price = Price(
        # Derived from all it says: the same line has the same id in every database and replica.
        id=derived_id(_NAMESPACE, repr(content)),
        currency=stated.currency,
        input_token_nano=input_nano,
        output_token_nano=output_nano,
        request_nano=request_nano,
    )
    return PriceRow(price, entry.provider, model, stated.source, valid_from)


def _whole(nano: Decimal, what: str) -> int:
    if nano != nano.to_integral_value():
        raise ConfigError(
            f"{what} has more decimals than the ledger counts (three for a million tokens, "
            f"nine for an amount): state it rounded up."
        )
    return int(nano)
