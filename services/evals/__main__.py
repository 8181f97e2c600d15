"""Evals as a process: one stream, graded by every metric, and two commands of who compares."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from services.evals import handlers, metrics, store
from services.evals.settings import Settings
from shared.bus import Service
from shared.contracts.evaluations import ExperimentRecord, ScoresRead
from shared.contracts.event import Event
from shared.db import Database

FORGET_EVERY_S: Final = 600.0


def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, schema="evals")
    grade = partial(handlers.completions_scored, metrics=metrics.load())

    async def forget_waiting() -> Sequence[Event]:
        async with database.transaction() as tx:
            await store.forget_waiting(tx, settings.waiting_s_max)
        return ()

    service = Service("evals", settings, database=database)
    service.transaction("evals-completions", grade)
    service.command(ScoresRead, handlers.scores_read)
    service.command(ExperimentRecord, handlers.experiment_recorded)
    service.every(FORGET_EVERY_S, forget_waiting)
    service.run()


if __name__ == "__main__":
    main()
