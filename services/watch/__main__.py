"""Watch as a process: turns facts into incidents, tells people, and shows traces of requests."""

from functools import partial

from services.watch import handlers, rules
from services.watch.channels import Channels
from services.watch.episodes import Patience
from services.watch.handlers import Incidents
from services.watch.notifying import Notifying
from services.watch.settings import Settings
from shared.bus import Service
from shared.contracts.incidents import (
    IncidentAck,
    IncidentList,
    IncidentResolve,
    NotificationTest,
)
from shared.contracts.traces import TraceRead
from shared.db import Database


def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, schema="watch")
    service = Service("watch", settings, database=database)
    found = rules.load()
    patience = Patience(settings.settled_s, settings.quiet_s)
    incidents = Incidents(database, found, patience)
    notifying = Notifying(
        database,
        Channels(settings.channels_file),
        found,
        service.remarks,
        settings.notify_give_up_s,
    )

    service.transaction("watch-spans", handlers.spans_recorded)
    service.transaction("watch-usage", incidents.usage_recorded)
    service.transaction("watch-leaks", incidents.leak_stopped)
    service.transaction("watch-providers", incidents.provider_changed)
    service.command(TraceRead, handlers.trace_read)
    service.command(IncidentList, incidents.incident_list)
    service.command(IncidentAck, incidents.incident_ack)
    service.command(IncidentResolve, incidents.incident_resolve)
    service.command(NotificationTest, notifying.notification_test)

    service.on_start(incidents.open)
    service.every(settings.end_every_s, partial(incidents.end_episodes, service.problems))
    service.every(settings.notify_every_s, notifying.send_waiting)
    forget_every_s = settings.forget_every_s
    service.every(forget_every_s, partial(handlers.forget_spans, database, settings.spans_kept_s))
    service.every(
        forget_every_s, partial(handlers.forget_incidents, database, settings.incidents_kept_s)
    )
    service.run()


if __name__ == "__main__":
    main()
