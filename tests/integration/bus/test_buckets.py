"""The configuration in force reaches every service; one that cannot be used changes none."""

import asyncio

from nats.errors import Error as NatsError

from shared.bus.buckets import IN_FORCE
from shared.configuration import ConfigError
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.stores import CONFIG
from tests.fixtures.bus import Bus, eventually, running

LIVE_S_MAX = 2.0


def version(number: int) -> ConfigurationVersion:
    name = f"{number:012x}"
    return ConfigurationVersion(version=name, number=number, documents={Document.POLICY: "a: 1"})


async def put(bus: Bus, number: int) -> None:
    await bus.js.publish(CONFIG.subject(IN_FORCE), version(number).model_dump_json().encode())


async def is_put(bus: Bus, number: int) -> bool:
    """Return whether the server took it; one that just came back may not answer yet."""
    try:
        await put(bus, number)
    except (NatsError, TimeoutError):
        return False
    return True


class Reader:
    """A service that follows the configuration."""

    def __init__(self, bus: Bus, refuses: int = 0) -> None:
        self.applied: list[int] = []
        self.refuses = refuses
        self.service = bus.service("router")
        self.service.configured(self.apply)
        # A service that takes nothing would not count as running.
        self.service.part(Idle())

    async def apply(self, found: ConfigurationVersion) -> None:
        if found.number == self.refuses:
            raise ConfigError("policy.yaml names a model that this replica cannot call.")
        self.applied.append(found.number)


class Idle:
    """A part that waits for the end."""

    name = "idle"
    problem: str | None = None

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await self._stopped.wait()

    async def stop(self) -> None:
        self._stopped.set()


async def test_a_service_has_the_version_in_force_before_it_takes_anything(bus: Bus) -> None:
    await put(bus, 1)
    reader = Reader(bus)
    async with running(reader.service):
        assert reader.applied == [1]


async def test_an_empty_bucket_applies_nothing_and_holds_up_nobody(bus: Bus) -> None:
    reader = Reader(bus)
    async with running(reader.service):
        assert reader.applied == []


async def test_each_change_is_applied_once_by_every_replica(bus: Bus) -> None:
    await put(bus, 1)
    readers = [Reader(bus), Reader(bus)]
    async with running(*(reader.service for reader in readers)):
        await put(bus, 2)
        for reader in readers:
            await eventually(lambda reader=reader: reader.applied == [1, 2], within_s=LIVE_S_MAX)
        await asyncio.sleep(1.2)
        assert [reader.applied for reader in readers] == [[1, 2], [1, 2]]


# Trap 14: a key-value watch is stale for ten to twenty seconds after a restart of the server.
async def test_a_change_right_after_a_restart_of_the_server_is_seen_as_soon(bus: Bus) -> None:
    await put(bus, 1)
    reader = Reader(bus)
    async with running(reader.service):
        await asyncio.to_thread(bus.server.kill)
        bus.server.start()
        await eventually(lambda: is_put(bus, 2), within_s=20)
        await eventually(lambda: reader.service.connection.is_up)
        await eventually(lambda: reader.applied == [1, 2], within_s=LIVE_S_MAX)


async def test_a_version_that_cannot_be_used_changes_nothing_and_is_said_aloud(bus: Bus) -> None:
    await put(bus, 1)
    reader = Reader(bus, refuses=2)
    async with running(reader.service):
        await put(bus, 2)
        await eventually(lambda: "configuration" in reader.service.remarks)
        assert "cannot call" in reader.service.remarks["configuration"]
        assert not reader.service.problems()
        await put(bus, 3)
        await eventually(lambda: reader.applied == [1, 3])
        assert "configuration" not in reader.service.remarks
