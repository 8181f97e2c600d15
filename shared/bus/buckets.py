"""Key-value buckets: each service looks at what is in force again and again.

Nobody watches a key: after a restart of the server a watch can be stale for twenty seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus.connection import Connection
from shared.configuration import ConfigError
from shared.contracts.configuration import ConfigurationVersion
from shared.contracts.stores import CONFIG, Bucket
from shared.errors import DependencyDown

POLL_S: Final = 1.0
ANSWER_S_MAX: Final = 0.5
IN_FORCE: Final = "in_force"
REMARK: Final = "configuration"
_SEQUENCE: Final = "Nats-Sequence"
_OVERTAKEN: Final = b'"err_code":10071'
_EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"

Apply = Callable[[ConfigurationVersion], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the revision it has, or is to replace; 0 where nothing has stood."""

    value: bytes = field(repr=False)
    revision: int


async def read(client: Client, bucket: Bucket, key: str) -> Entry | None:
    """Return what stands under a key, or None. Raises `DependencyDown` while the bus is away."""
    message = await _ask(client, f"$JS.API.DIRECT.GET.{bucket.stream}.{bucket.subject(key)}")
    headers = message.headers or {}
    if headers.get("Status") == "404":
        return None
    if _SEQUENCE not in headers:
        raise DependencyDown("nats")
    return Entry(message.data, int(headers[_SEQUENCE]))


async def replace(client: Client, bucket: Bucket, key: str, entry: Entry) -> bool:
    """Put a value where `entry.revision` stands; return False if that no longer does."""
    reply = await _ask(client, bucket.subject(key), entry.value, **{_EXPECTED: str(entry.revision)})
    if b'"error"' in reply.data and _OVERTAKEN not in reply.data:
        raise DependencyDown("nats")  # Full, or without a leader: nobody was faster.
    return _OVERTAKEN not in reply.data


async def _ask(client: Client, place: str, payload: bytes = b"", **headers: str) -> Msg:
    try:
        return await client.request(place, payload, timeout=ANSWER_S_MAX, headers=headers)
    except (nats.errors.Error, TimeoutError) as error:
        raise DependencyDown("nats") from error


class Following:
    """Keeps a service on the version of the configuration that is in force."""

    def __init__(self, connection: Connection, apply: Apply, remarks: dict[str, str]) -> None:
        self._connection = connection
        self._apply = apply
        self._remarks = remarks
        self._last: Entry | None = None

    async def begin(self) -> None:
        """Look until the bus has answered once."""
        while True:
            with suppress(DependencyDown):
                return await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        """Apply the version in force unless it was the last one; raise `DependencyDown`."""
        entry = await read(self._connection.client, CONFIG, IN_FORCE)
        if entry is None or entry == self._last:
            return
        try:
            await self._apply(ConfigurationVersion.model_validate_json(entry.value))
            self._remarks.pop(REMARK, None)
        except ConfigError as error:
            self._remarks[REMARK] = f"the version before stays in force here: {error}"
        self._last = entry
