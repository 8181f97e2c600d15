"""Billing as a process: answers holds, settles usage, ends the holds that nobody settled."""

import sys

from services.billing.handlers import Billing
from services.billing.settings import Settings, read_budgets, read_prices
from shared.bus import Service
from shared.configuration import ConfigError
from shared.contracts.billing import HoldRequest
from shared.db import Database


def main() -> None:
    try:
        service = wired(Settings())
    except ConfigError as error:
        sys.exit(f"billing: {error}")
    service.run()


def wired(settings: Settings) -> Service:
    plan = read_budgets(settings.config_folder / "budgets.yaml")
    prices = read_prices(settings.config_folder / "models.yaml", plan.currency)
    database = Database(settings.database_url, schema="billing")
    billing = Billing(database, plan, prices)
    service = Service("billing", settings, database=database)
    service.configured(billing.configured)
    service.on_start(billing.open)
    service.command(HoldRequest, billing.hold_requested)
    service.transaction("billing-usage", billing.usage_recorded)
    service.every(settings.expiry_sweep_s, billing.expire_holds)
    return service


if __name__ == "__main__":
    main()
