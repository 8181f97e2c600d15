"""The connection to NATS: endless reconnects, an inbox of our own, problems said aloud."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

_log = logging.getLogger(__name__)

RECONNECT_WAIT_S: Final = 0.25
CONNECT_S_MAX: Final = 2
PENDING_BYTES_MAX: Final = 16 * 1024 * 1024


class Connection:
    """One NATS connection. `on_reconnect` callbacks run after each return of the link."""

    def __init__(self, url: str, user: str, seed_file: Path | None) -> None:
        self.client = Client()
        self.user = user
        self.on_reconnect: list[asyncio.Event] = []
        self._url = url
        self._seed_file = seed_file
        self._closing = False

    async def open(self) -> Client:
        """Connect, trying for as long as it takes; then stay connected for ever.

        Without `max_reconnect_attempts=-1` nats-py gives up after two minutes, closes, and a pull
        loop on the closed connection blocks the event loop.
        """
        warned = False
        while True:
            try:
                await self._connect()
            except (OSError, TimeoutError, nats.errors.Error) as error:
                if not warned:
                    facts = {"url": self._url, "error": type(error).__name__}
                    _log.warning("waiting for the bus", extra={"facts": facts})
                warned = True
                await asyncio.sleep(RECONNECT_WAIT_S)
            else:
                return self.client

    async def _connect(self) -> None:
        seed = str(self._seed_file) if self._seed_file else None
        self.client = await nats.connect(
            self._url,
            name=f"stellwerk-{self.user}",
            nkeys_seed=seed,
            inbox_prefix=f"_INBOX.{self.user}".encode(),
            connect_timeout=CONNECT_S_MAX,
            reconnect_time_wait=RECONNECT_WAIT_S,
            max_reconnect_attempts=-1,
            ping_interval=10,
            max_outstanding_pings=2,
            pending_size=PENDING_BYTES_MAX,
            error_cb=self._report,
            disconnected_cb=self._lost,
            reconnected_cb=self._returned,
        )

    @property
    def is_up(self) -> bool:
        return bool(self.client.is_connected)

    async def close(self) -> None:
        self._closing = True
        # nats-py writes once more before it closes, and uvloop's dead transport refuses that: a
        # service that stops while the bus is away would end with a traceback.
        with suppress(OSError, RuntimeError, nats.errors.Error):
            await (self.client.drain() if self.is_up else self.client.close())

    async def _report(self, error: Exception) -> None:
        # The default callback prints a traceback for each reconnect attempt. A permission
        # violation reaches a client only here; the call that caused it merely times out.
        serious = "ermission" in str(error)
        facts = {"error": type(error).__name__} | ({"text": str(error)} if serious else {})
        level = logging.ERROR if serious else logging.DEBUG
        _log.log(level, "the bus reported a problem", extra={"facts": facts})

    async def _lost(self) -> None:
        if not self._closing:
            _log.warning("the bus is away")

    async def _returned(self) -> None:
        _log.warning("the bus is back")
        for event in self.on_reconnect:
            event.set()


async def listen(
    client: Client, subject: str, handler: Callable[[Msg], Awaitable[None]], queue: str = ""
) -> Subscription:
    """Subscribe, and return once the server knows: who is ready hears what is said from now on."""
    subscription = await client.subscribe(subject, queue=queue, cb=handler)
    # nats-py lets a flush overtake what waits to be written: only the second one is behind it.
    with suppress(nats.errors.Error):
        for _ in range(2):
            await client.flush()
    return subscription
