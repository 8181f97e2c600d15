"""The redactor as a process: masks what apps ask, restores what models answer."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from services.redactor.detection import Detector
from services.redactor.domain import Masker
from services.redactor.handlers import Redactor
from services.redactor.settings import Settings
from services.redactor.vault.keyring import DatabaseKeyring
from shared.bus import DependencyDown, Service
from shared.contracts.completions import ChunkProduced
from shared.contracts.event import Event
from shared.contracts.values import now
from shared.db import Database

_log = logging.getLogger(__name__)
TEND_KEYS_EVERY_S: Final = 300.0


def main() -> None:
    wired(Settings()).run()


def wired(settings: Settings) -> Service:
    database = Database(settings.database_url, schema="vault")
    keyring = DatabaseKeyring(database, settings.master_key())
    redactor = Redactor(Masker(Detector.shipped()), keyring, settings)
    service = Service("redactor", settings)

    async def tend_keys() -> Sequence[Event]:
        await keyring.prepare(now().timestamp())
        if destroyed := await keyring.destroy_old(now().timestamp()):
            _log.info("keys destroyed", extra={"facts": {"keys": destroyed}})
        return ()

    async def wait_for_keys() -> None:
        while True:
            try:
                await keyring.prepare(now().timestamp())
            except DependencyDown as error:
                service.notes[error.dependency] = "the vault is away"
                await asyncio.sleep(1.0)
            else:
                return service.notes.clear()

    service.on_start(wait_for_keys)
    asked, answered = redactor.requests_submitted, redactor.completions_finished
    service.batch("redactor-requests", asked, given_up=redactor.request_given_up)
    service.batch("redactor-completions", answered, given_up=redactor.completion_given_up)
    service.live(ChunkProduced, redactor.chunks_produced)
    service.every(TEND_KEYS_EVERY_S, tend_keys)
    service.on_stop(database.close)
    return service


if __name__ == "__main__":
    main()
