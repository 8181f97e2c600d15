"""One app's connection to the bus: it comes back by itself, and says plainly what is forbidden."""

import asyncio
import re
import secrets
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import nkeys
from nats.aio.client import Client as Bus
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from stellwerk.errors import BusUnavailable, NotAllowed

DRAIN_WAIT_S: Final = 2.0
_RECONNECT_WAIT_S: Final = 1
_PING_INTERVAL_S: Final = 15
_NO_RESPONDERS: Final = "503"
_STATUS: Final = "Status"
# nats-py hands violations to the error callback as lower-cased text.
_VIOLATION: Final = re.compile(r'permissions violation for (\w+) to "?([^"\s]+)"?')


class NoReply(Exception):
    """Nobody answered in time, or nobody listens there now; asking again may help."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who connects: the address, the file with the NKEY seed, and the prefix of its inboxes."""

    address: str
    seed_file: Path | None
    inbox: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    connect_wait_s: float = 5.0


class Connection:
    """A connection that asks and is told; `open` it first."""

    def __init__(self, identity: Identity, on_reconnect: Callable[[], None]) -> None:
        self._identity = identity
        self._on_reconnect = on_reconnect
        self._bus = Bus()
        self._replies = f"{identity.inbox}.{secrets.token_hex(8)}"
        self._asked: dict[str, tuple[str, asyncio.Future[Msg]]] = {}
        self._count = 0
        self._opened = False
        self._rejected = False
        self._changed = asyncio.Event()
        self._forbidden: set[str] = set()

    async def open(self) -> None:
        """Connect; raise `NotAllowed` if the key is unknown, `BusUnavailable` if nobody answers."""
        if self._identity.seed_file is not None:
            _check_seed(self._identity.seed_file)
        try:
            async with asyncio.timeout(self._identity.connect_wait_s):
                await self._connect()
        except TimeoutError:
            await self._bus.close()
            raise BusUnavailable(
                f"No bus answers at {self._identity.address}. "
                "Start it with `stellwerk up`, or correct the address."
            ) from None
        except NotAllowed:
            await self._bus.close()
            raise
        self._opened = True

    async def close(self) -> None:
        """Send what is waiting and disconnect."""
        if self._bus.is_connected:
            # A line that broke unnoticed would keep the drain waiting for its own timeout.
            with suppress(TimeoutError, NatsError):
                await asyncio.wait_for(self._bus.drain(), DRAIN_WAIT_S)
        if not self._bus.is_closed:
            await self._bus.close()

    async def subscribe(self, subject: str, handler: Callable[[Msg], Awaitable[None]]) -> None:
        """Listen; raise `NotAllowed` if the bus forbids it."""
        try:
            await self._bus.subscribe(subject, cb=handler)
            # The server answers in order, so behind a flush a violation would be known. nats-py
            # lets a flush overtake what waits to be written: only the second one is behind it.
            for _ in range(2):
                await self._bus.flush()
        except NatsError:
            raise BusUnavailable from None
        if subject.lower() in self._forbidden:
            raise NotAllowed(self._forbidden_sentence(subject))

    async def linked(self, wait_s: float) -> bool:
        """Return whether the link is up, now or within `wait_s`; `NotAllowed` if it may not be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while not self._bus.is_connected:
                    self._raise_rejected()
                    await self._changed.wait()
        return bool(self._bus.is_connected)

    async def ask(
        self, subject: str, payload: bytes, wait_s: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """Return the reply to a message; raise `NoReply`, or `NotAllowed` if the bus forbids it."""
        self._raise_rejected()
        self._count += 1
        reply_to = f"{self._replies}.{self._count}"
        reply: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._asked[reply_to] = (subject, reply)
        try:
            await self._bus.publish(subject, payload, reply=reply_to, headers=dict(headers or {}))
            message = await asyncio.wait_for(reply, wait_s)
        except (TimeoutError, NatsError) as error:
            self._raise_rejected()
            raise NoReply from error
        finally:
            del self._asked[reply_to]
        if status_of(message) == _NO_RESPONDERS:
            raise NoReply
        return message

    async def tell(self, subject: str, payload: bytes, headers: dict[str, str]) -> None:
        """Send without waiting for anybody; what cannot be sent now is dropped."""
        if self._bus.is_connected:
            try:
                await self._bus.publish(subject, payload, headers=dict(headers))
            except NatsError:
                return

    async def _connect(self) -> None:
        seed_file = self._identity.seed_file
        await self._bus.connect(
            servers=[self._identity.address],
            nkeys_seed=str(seed_file) if seed_file else None,
            inbox_prefix=self._identity.inbox,
            tls=self._identity.tls,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT_S,
            ping_interval=_PING_INTERVAL_S,
            max_outstanding_pings=2,
            error_cb=self._error,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )
        await self._bus.subscribe(f"{self._replies}.*", cb=self._replied)

    async def _replied(self, message: Msg) -> None:
        waiting = self._asked.get(message.subject)
        if waiting and not waiting[1].done():
            waiting[1].set_result(message)

    async def _reconnected(self) -> None:
        self._rejected = False
        self._wake()
        self._on_reconnect()

    def _wake(self) -> None:
        """Let those look again who wait for the link."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _closed(self) -> None:
        for _, reply in self._asked.values():
            if not reply.done():
                reply.set_exception(NatsError("closed"))

    async def _error(self, error: Exception) -> None:
        """Keep quiet about lost connections, which come back; remember what is forbidden."""
        text = str(error).lower()
        if "authorization violation" in text or "authentication" in text:
            self._rejected = True
            self._wake()
            # The first time, nobody waits but `open`, and nats-py hands it what is raised here.
            if not self._opened:
                self._raise_rejected()
            return
        violation = _VIOLATION.search(text)
        if violation is None:
            return
        self._forbidden.add(violation[2])
        for subject, reply in self._asked.values():
            if subject.lower() == violation[2] and not reply.done():
                reply.set_exception(NotAllowed(self._forbidden_sentence(subject)))

    def _raise_rejected(self) -> None:
        if self._rejected:
            raise NotAllowed(
                "The bus does not accept this key. Ask an operator for this app's current "
                "seed file."
            )

    def _forbidden_sentence(self, subject: str) -> str:
        return (
            f"The bus does not let this key use {subject}. An app may use its own tenant and app "
            "tokens only: compare them with the seed file."
        )


def _check_seed(file: Path) -> None:
    """Raise `NotAllowed` unless the file holds an NKEY seed; its content is never shown."""
    try:
        nkeys.from_seed(bytearray(file.read_bytes().strip())).wipe()
    except (OSError, nkeys.NkeysError, ValueError):
        raise NotAllowed(
            f"{file} holds no NKEY seed that can be read. `stellwerk status` shows where each "
            "app's file lies."
        ) from None


def status_of(message: Msg) -> str | None:
    """Return the status that the server put on a reply in place of content: 404, 503 …."""
    return (message.headers or {}).get(_STATUS)
