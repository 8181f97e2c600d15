"""The router as a process: one slot for each request, and a probe of what it may call."""

import os
import sys

from services.router.attempts import Patience
from services.router.cancellations import Missed
from services.router.endpoints import Endpoints
from services.router.handlers import Router
from services.router.health import Health
from services.router.ledger import FORGET_EVERY_S, DatabaseLedger
from services.router.replicas import LOOK_EVERY_S, Replicas
from services.router.settings import Settings, read_configuration
from services.router.strategies.base import check_strategies, strategies
from services.router.world import World
from shared.bus import Service
from shared.configuration import ConfigError
from shared.contracts.providers import ProviderTest
from shared.contracts.requests import RequestCancelled
from shared.db import Database


def main() -> None:
    try:
        service = wired(Settings())
    except ConfigError as error:
        sys.exit(f"router: {error}")
    service.run()


def wired(settings: Settings) -> Service:
    configuration = read_configuration(settings.config_folder, os.environ)
    known = strategies()
    check_strategies(configuration.policy, known)
    endpoints = Endpoints.of(configuration, settings)
    database = Database(settings.database_url, schema="router")
    service = Service("router", settings, database=database)
    endpoints.remarks = service.remarks
    ledger = DatabaseLedger(database, service.notes)
    patience = Patience(settings.first_token_s_max, settings.idle_s_max)
    health = Health(configuration.policy.resilience)
    parts = (configuration, endpoints, ledger, service.ask, patience, health, known)
    world = World(*parts, settings, os.environ)
    replicas = Replicas(service.connection, settings.replica)
    router = Router(world, Missed(service.connection).has_left, replicas)

    service.configured(router.configured)
    service.slot("router-requests", router.request_redacted, given_up=router.given_up)
    service.live(RequestCancelled, router.requests_cancelled)
    service.command(ProviderTest, router.provider_test, stored=False)
    service.every(settings.probe_every_s, router.probe)
    service.every(LOOK_EVERY_S, router.look_around)
    service.every(FORGET_EVERY_S, ledger.forget)
    service.on_stop(router.close)
    return service


if __name__ == "__main__":
    main()
