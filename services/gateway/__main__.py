"""The gateway as a process: the door that apps call, and who may come in."""

from functools import partial
from typing import Final

from services.gateway import dialects, handlers
from services.gateway.asking import Asking
from services.gateway.configuring import Configuring
from services.gateway.domain import Denials
from services.gateway.door import Door
from services.gateway.exchange import Exchange
from services.gateway.keyring import Keyring
from services.gateway.offer import Offer
from services.gateway.readiness import Gateway
from services.gateway.settings import Settings
from shared.contracts.access import AccessCheck, AppCreate, AppDisable, AppList, AppRotate
from shared.contracts.configuration import ConfigApply, ConfigRead
from shared.db import Database

ANSWERS_KEPT_S: Final = 7 * 24 * 3600.0
FORGET_EVERY_S: Final = 600.0
DENIALS_EVERY_S: Final = 1.0


def main() -> None:
    wired(Settings()).run()


def wired(settings: Settings) -> Gateway:
    database = Database(settings.database_url, schema="gateway")
    service = Gateway("gateway", settings, database=database)
    configuring = Configuring(database, service, settings)
    denials, offer = Denials(), Offer()
    keyring = Keyring(database, denials, settings.keys_every_s)
    exchange = Exchange(service.connection, service.publish)
    asking = Asking(settings, exchange)
    door = Door(settings, dialects.load(), keyring, offer, asking)
    door.beside(keyring.follow)
    door.beside(exchange.follow)

    doors_stayed_shut = partial(handlers.doors_stayed_shut, denials, service.publish)
    service.on_start(keyring.load)
    service.on_start(partial(asking.open, database))
    service.part(door)
    service.command(AppCreate, handlers.apps_created)
    service.command(AppRotate, handlers.apps_rotated)
    service.command(AppDisable, handlers.apps_disabled)
    service.command(AppList, handlers.apps_listed)
    service.command(AccessCheck, partial(handlers.access_checked, denials=denials))
    service.command(ConfigApply, configuring.config_applied)
    service.command(ConfigRead, configuring.config_read)
    service.configured(offer.apply)
    service.every(DENIALS_EVERY_S, doors_stayed_shut)
    service.every(FORGET_EVERY_S, partial(handlers.forget_answers, database, ANSWERS_KEPT_S))
    service.on_stop(doors_stayed_shut)
    return service


if __name__ == "__main__":
    main()
