"""/livez, /readyz and /metrics: ready means that the service really consumes."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from deploy.local.ports import free_port
from deploy.provision.bus import provision_bus
from shared.bus import Service
from shared.contracts.usage import UsageRecorded
from tests.fixtures.bus import Bus, eventually, running
from tests.fixtures.servers import IsolatedDatabase, PostgresServer
from tests.integration.bus.work import store_in


async def get(service: Service, path: str) -> tuple[int, str]:
    """Return a path's status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.settings.http_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body


async def problems(service: Service) -> dict[str, str]:
    """Return what /readyz gives as reasons; its status must say the same."""
    status, body = await get(service, "/readyz")
    answer: dict[str, Any] = json.loads(body)
    assert status == (503 if answer["problems"] else 200)
    assert answer["ready"] == (not answer["problems"])
    assert (await get(service, "/livez"))[0] == 200
    found: dict[str, str] = answer["problems"]
    return found


# Traps 4, 5 and the ping of section 2: a link that stands says nothing about consuming.
async def test_whatever_keeps_a_service_from_consuming_is_the_reason_it_is_not_ready(
    bus: Bus,
    isolated_database: Callable[[str], IsolatedDatabase],
    postgres_server: PostgresServer,
) -> None:
    store = await store_in(isolated_database)

    async def handler(events: Sequence[UsageRecorded], tx: Any) -> Any:  # noqa: ANN401
        return await store.charge(events, tx)

    service = bus.service("billing", store.database, http_port=free_port())
    service.transaction("billing-usage", handler)
    async with running(service):
        assert await problems(service) == {}

        await bus.js.delete_consumer("SW_META", "billing-usage")
        await eventually(lambda: _are(service, {"billing-usage": "no such consumer"}))
        await provision_bus(bus.js, replicas=1, apply=True)
        await eventually(lambda: _are(service, {}))

        postgres_server.kill()
        await eventually(lambda: _are(service, {"postgresql": "the database is away"}))
        postgres_server.restart()  # In this thread: its end would be the end of PostgreSQL.
        await eventually(lambda: _are(service, {}))

        bus.server.kill()
        await eventually(lambda: _is_named(service, "bus"))
        await asyncio.to_thread(bus.server.start)
        await eventually(lambda: _are(service, {}))


async def test_metrics_can_be_read_and_other_paths_are_refused(bus: Bus) -> None:
    service = bus.service("redactor", http_port=free_port())
    service.batch("redactor-requests", _nothing)
    async with running(service):
        status, body = await get(service, "/metrics")
        assert (await get(service, "/"))[0] == 404
    families = {family.name for family in text_string_to_metric_families(body)}
    assert status == 200
    assert {"stellwerk_messages", "stellwerk_messages_in_hand"} <= families


async def test_a_note_of_the_service_itself_keeps_it_from_being_ready(bus: Bus) -> None:
    service = bus.service("redactor", http_port=free_port())
    service.batch("redactor-requests", _nothing)
    async with running(service):
        service.notes["model"] = "not loaded"
        assert await problems(service) == {"model": "not loaded"}


async def _nothing(_events: Sequence[Any]) -> list[Any]:
    return []


async def _are(service: Service, expected: dict[str, str]) -> bool:
    return await problems(service) == expected


async def _is_named(service: Service, part: str) -> bool:
    return part in await problems(service)
