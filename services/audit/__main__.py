"""Audit as a process: two streams and one command, all into one tree."""

from services.audit import handlers
from services.audit.settings import Settings
from shared.bus import Service
from shared.contracts.records import RecordRead
from shared.db import Database


def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, schema="audit")
    service = Service("audit", settings, database=database)
    service.transaction("audit-masked", handlers.events_recorded)
    service.transaction("audit-meta", handlers.events_recorded)
    service.command(RecordRead, handlers.record_read)
    service.run()


if __name__ == "__main__":
    main()
