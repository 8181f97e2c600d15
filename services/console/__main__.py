"""The console as a process: pages for people, read from published views and asked over the bus."""

from functools import partial
from typing import Final

from services.console.door import Door, Files
from services.console.entrance import Entrance
from services.console.pages.base import Desk, Page
from services.console.sessions import Attempts, Denials, Gatekeeper, Seal
from services.console.settings import Settings
from shared import plugins
from shared.bus import Service
from shared.db import Database

ASK_S_MAX: Final = 3.0
DENIALS_EVERY_S: Final = 5.0


def main() -> None:
    settings = Settings()
    # Not the service's own: pages show what they can while the database is away.
    database = Database(settings.database_url, schema="public")
    service = Service("console", settings)
    ask = partial(service.ask, timeout_s=ASK_S_MAX)

    files, denials = Files(), Denials()
    entrance = Entrance(
        Desk(database, ask, files.addresses),
        Seal(settings.session_key(), settings.session_hours_max * 3600),
        Gatekeeper(ask, settings.recheck_s_max),
        Attempts(settings.sign_in_failures_max),
        denials,
    )
    pages = plugins.load("services.console.pages", Page, "stellwerk.pages")
    service.part(Door(settings, entrance, pages, files))
    service.every(DENIALS_EVERY_S, partial(denials.publish, service.publish))
    service.on_stop(database.close)
    service.run()


if __name__ == "__main__":
    main()
