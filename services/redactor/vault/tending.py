"""Tends the vault: keys before the first request, and an end for what has had its time."""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Final

from services.redactor.vault.keyring import DatabaseKeyring
from services.redactor.vault.scopes import Scopes
from shared.bus import DependencyDown
from shared.contracts.values import now

_log = logging.getLogger(__name__)
TEND_EVERY_S: Final = 300.0


class Tending:
    """What has to be done about keys and scopes from the start on, again and again."""

    def __init__(
        self, keyring: DatabaseKeyring, scopes: Scopes, notes: MutableMapping[str, str]
    ) -> None:
        self._keyring = keyring
        self._scopes = scopes
        self._notes = notes

    async def begin(self) -> None:
        """Wait until there is a key to seal with."""
        while True:
            try:
                await self._keyring.prepare(now().timestamp())
            except DependencyDown as error:
                self._notes[error.dependency] = "the vault is away"
                await asyncio.sleep(1.0)
            else:
                return self._notes.clear()

    async def go_on(self) -> None:
        """Make the next hour's key, and destroy what has had its time: keys and scopes."""
        await self._keyring.prepare(now().timestamp())
        if destroyed := await self._keyring.destroy_old(now().timestamp()):
            _log.info("keys destroyed", extra={"facts": {"keys": destroyed}})
        await self._scopes.tidy(now().date())
