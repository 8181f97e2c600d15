"""Watch as a process: keeps spans for some days and shows the trace of a request."""

from functools import partial

from services.watch import handlers
from services.watch.settings import Settings
from shared.bus import Service
from shared.contracts.traces import TraceRead
from shared.db import Database


def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, schema="watch")
    service = Service("watch", settings, database=database)
    service.transaction("watch-spans", handlers.spans_recorded)
    service.command(TraceRead, handlers.trace_read)
    service.every(
        settings.forget_every_s, partial(handlers.forget_spans, database, settings.spans_kept_s)
    )
    service.run()


if __name__ == "__main__":
    main()
