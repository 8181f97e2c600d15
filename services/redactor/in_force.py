"""Keeps the rules that are in force: the configuration's, and the lists in the folder beside it."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.redactor.dictionaries import Dictionaries
from services.redactor.policy import Rules
from shared.contracts.configuration import ConfigurationVersion

LOOK_EVERY_S: Final = 2.0
REMARK: Final = "dictionaries"


class InForce:
    """The rules of this process; they change as a whole, for requests that begin then."""

    def __init__(
        self, folder: Path | None = None, remarks: MutableMapping[str, str] | None = None
    ) -> None:
        self.rules = Rules()
        self._lists = Dictionaries(folder) if folder else None
        self._remarks: MutableMapping[str, str] = {} if remarks is None else remarks

    async def configured(self, version: ConfigurationVersion) -> None:
        """Mask by another version from now on. Raises `ConfigError` if it cannot be read."""
        self.rules = self.rules.configured(version)

    async def look_at_lists(self) -> None:
        """Read the company's lists if they have changed; a thread does it, for they may be long."""
        if self._lists is None:
            return
        if await asyncio.to_thread(self._lists.look):
            self.rules = replace(self.rules, dictionaries=self._lists.current)
        if remark := self._lists.remark:
            self._remarks[REMARK] = remark
        else:
            self._remarks.pop(REMARK, None)
