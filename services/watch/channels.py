"""The channels that people are told through: read from a file, reached with apprise.

Their addresses are secrets: no log line, error or table holds one.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from services.watch.messages import Message
from shared.configuration import read_text
from shared.contracts.incidents import Severity

_log = logging.getLogger(__name__)

SEND_S_MAX: Final = 8.0
"""Less than the command line waits for `stellwerk incident test`."""
CHANNELS_MAX: Final = 32
_MARK_LENGTH: Final = 16
_TYPES: Final = {
    None: NotifyType.SUCCESS,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}

# Apprise names addresses and answers of servers in its log.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Channel:
    """One line of the file. `mark` names it in the database, where its address must not stand."""

    line: int
    address: str = field(repr=False)

    @property
    def mark(self) -> str:
        return sha256(self.address.encode()).hexdigest()[:_MARK_LENGTH]


class Channels:
    """All channels of the file; it is read again each time, so a mended address works at once."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        # Threads of their own: channels that hang must not keep a working one from its message.
        self._threads = ThreadPoolExecutor(CHANNELS_MAX, "channel")

    async def read(self) -> list[Channel]:
        """Return the channels, none if no file is set; raise `ConfigError` for one not readable."""
        if self._file is None:
            return []
        text = await asyncio.to_thread(read_text, self._file)
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
        found = [Channel(number, line) for number, line in lines if line and line[0] != "#"]
        return found[:CHANNELS_MAX]

    async def send(self, message: Message, channels: Sequence[Channel]) -> list[Channel]:
        """Send to all at once and return those that took it."""
        took = await asyncio.gather(*(self._sent(message, channel) for channel in channels))
        return [channel for channel, taken in zip(channels, took, strict=True) if taken]

    async def _sent(self, message: Message, channel: Channel) -> bool:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SEND_S_MAX):
                taken = await loop.run_in_executor(self._threads, _send, message, channel.address)
        except TimeoutError:
            taken = False
        if not taken:
            _log.warning("a channel failed", extra={"facts": {"line": channel.line}})
        return taken


def _send(message: Message, address: str) -> bool:
    """Send from a thread: apprise waits for the other side."""
    asset = AppriseAsset(
        app_id="Stellwerk", app_desc="Stellwerk", app_url="", async_mode=False, secure_logging=True
    )
    one = Apprise(asset=asset)
    if not one.add(address):
        return False
    kind = _TYPES[message.severity]
    sent = one.notify(
        message.body, title=message.title, notify_type=kind, body_format=NotifyFormat.TEXT
    )
    return bool(sent)
