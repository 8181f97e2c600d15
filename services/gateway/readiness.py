"""Says when the gateway is ready: with the keys in memory it is so without a database too."""

from typing import Final

from shared.bus import Service

POSTGRESQL: Final = "postgresql"


class Gateway(Service):
    """A service that goes on while its database is away, once it has started with it.

    If it said that it is not ready, a balancer would take every replica out for an outage that
    callers need not notice.
    """

    def problems(self) -> dict[str, str]:
        found = super().problems()
        away = None if "starting" in found else found.pop(POSTGRESQL, None)
        if away is None:
            self.remarks.pop(POSTGRESQL, None)
        else:
            self.remarks[POSTGRESQL] = "the database is away: known keys work, none can be changed"
        return found
