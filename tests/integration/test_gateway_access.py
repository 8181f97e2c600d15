"""Apps and keys over the bus: one effect a command, known at every replica within a second."""

import asyncio
import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import nkeys
import pytest

from deploy.local.ports import LOOPBACK, free_port
from services.gateway import handlers
from services.gateway.tables import metadata
from shared.contracts.access import (
    AccessChanged,
    AccessCheck,
    AccessReply,
    AppCreate,
    AppDisable,
    AppList,
    AppListReply,
    AppReply,
    AppRotate,
    Role,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.stores import META_LOG
from shared.contracts.values import new_id, now
from stellwerk.errors import CommandError
from stellwerk.keys import Key, new_key
from stellwerk.operator import Operator
from stellwerk.platform import Platform
from tests.fixtures.bus import eventually
from tests.fixtures.gateway import Edge, Gateway
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.servers import PostgresServer
from tests.fixtures.tables import described, shape


def creation(app: str, key: Key | None = None, **changes: object) -> AppCreate:
    key = key or new_key()
    fields: dict[str, object] = {
        "app": app,
        "key_id": key.key_id,
        "secret_sha256": key.secret_sha256,
        "actor": "operator",
    }
    return AppCreate.model_validate(fields | changes)


def rotation(app: str, key: Key, overlap_s: int) -> AppRotate:
    return AppRotate(
        app=app,
        key_id=key.key_id,
        secret_sha256=key.secret_sha256,
        overlap_s=overlap_s,
        actor="operator",
    )


async def told(edge: Edge, command: AppCreate | AppRotate | AppDisable) -> AppReply:
    reply = await edge.tell(command)
    assert isinstance(reply, AppReply)
    return reply


async def status(gateway: Gateway, key: Key) -> int:
    reply = await gateway.http.get("/v1/models", headers=gateway.as_app(key))
    return reply.status_code


def fresh(name: str) -> str:
    """Return a name of its own: the tests of this module share a database."""
    return f"{name}-{new_id().hex[-8:]}"


async def test_the_migrations_build_exactly_the_tables_described(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("gateway")
    assert await shape(schema, "gateway") == await described(schema, metadata)


async def test_the_same_command_has_one_effect_one_answer_and_one_event(edge: Edge) -> None:
    async with edge.gateway():
        command = creation(fresh("crm"), role=Role.POWER_USER)
        first, second = await told(edge, command), await told(edge, command)
        await eventually(lambda: _changes(edge, command.app, 1))
    assert first == second
    assert first.found is not None
    assert (first.found.role, len(first.found.keys)) == (Role.POWER_USER, 1)


async def test_a_command_that_comes_twice_at_once_at_two_replicas_has_one_effect(
    edge: Edge,
) -> None:
    async with edge.gateway(), edge.gateway():
        command = creation(fresh("crm"))
        replies = await asyncio.gather(*(told(edge, command) for _ in range(12)))
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].code is None


async def _changes(edge: Edge, app: str, count: int) -> bool:
    subject = f"sw.meta.access.changed.default.{app}"
    info = await edge.bus.js.stream_info(META_LOG.name, subjects_filter=subject)
    return (info.state.subjects or {}).get(subject, 0) == count


async def test_every_change_is_told_to_the_record_with_who_and_why(edge: Edge) -> None:
    app, newer = fresh("crm"), new_key()
    async with edge.gateway():
        await told(edge, creation(app, reason="new-app"))
        await told(edge, rotation(app, newer, overlap_s=60))
        await told(edge, AppDisable(app=app, actor="operator", reason="left"))
        await eventually(lambda: _changes(edge, app, 3))
        message = await edge.bus.js.get_last_msg(
            META_LOG.name, f"sw.meta.access.changed.default.{app}"
        )
    event = AccessChanged.model_validate(
        json.loads(message.data or b"")["data"] | {"id": new_id(), "time": now()}
    )
    assert (event.change, event.actor, event.reason) == ("disabled", "operator", "left")


async def test_what_cannot_be_done_is_answered_with_a_reason(edge: Edge) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway():
        await told(edge, creation(app, key))
        taken = await told(edge, creation(app))
        taken_id = await told(edge, creation(fresh("hr"), key))
        reserved = await told(edge, creation("router"))
        unknown = await told(edge, rotation(fresh("nobody"), new_key(), 0))
        nobody = await told(edge, AppDisable(app=fresh("nobody"), actor="operator"))
        await told(edge, AppDisable(app=app, actor="operator"))
        disabled = await told(edge, rotation(app, new_key(), 0))
    assert [one.code for one in (taken, taken_id)] == [ErrorCode.CONFLICT] * 2
    assert [one.code for one in (reserved, disabled)] == [ErrorCode.FORBIDDEN] * 2
    assert [one.code for one in (unknown, nobody)] == [ErrorCode.NOT_FOUND] * 2


async def test_apps_are_listed_with_their_keys_and_no_secret(edge: Edge) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway():
        await told(edge, creation(app, key))
        reply = await edge.tell(AppList(actor="operator"))
    assert isinstance(reply, AppListReply)
    assert app in {one.app for one in reply.apps}
    assert key.secret_sha256 not in reply.model_dump_json()


async def test_apps_that_do_not_fit_into_one_message_are_listed_page_by_page(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform(edge.bus.server.url, "", tmp_path)
    platform.seed_file("operator").parent.mkdir()
    platform.seed_file("operator").write_bytes(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER))
    names = {fresh(name) for name in ("a-b", "ab", "a_b", "crm")}
    async with edge.gateway(), Operator(platform) as operator:
        for name in names:
            await told(edge, creation(name))
        largest = max(len(app.model_dump_json()) for app in await operator.apps())
        monkeypatch.setattr(handlers, "PAGE_BYTES_MAX", largest)
        first = await edge.tell(AppList(actor="operator"))
        listed = await operator.apps()
        monkeypatch.setattr(handlers, "PAGE_BYTES_MAX", 1)
        refused = await edge.tell(AppList(actor="operator"))
        with pytest.raises(CommandError, match="more keys"):
            await operator.apps()
    assert isinstance(first, AppListReply)
    assert first.more
    assert len(first.apps) < len(listed)
    assert len({(one.tenant, one.app) for one in listed}) == len(listed)
    assert names <= {one.app for one in listed}
    assert refused.code is ErrorCode.TOO_LARGE


async def test_another_door_learns_whose_a_key_is(edge: Edge) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway():
        await told(edge, creation(app, key, role=Role.SUPER_ADMIN))
        right, wrong, unknown = [
            await edge.tell(AccessCheck(key_id=one.key_id, secret_sha256=secret, actor="console"))
            for one, secret in (
                (key, key.secret_sha256),
                (key, new_key().secret_sha256),
                (new_key(), key.secret_sha256),
            )
        ]
    assert isinstance(right, AccessReply)
    assert (right.app, right.role, right.code) == (app, Role.SUPER_ADMIN, None)
    for one in (wrong, unknown):
        assert isinstance(one, AccessReply)
        assert (one.code, one.app, one.role) == (ErrorCode.UNAUTHENTICATED, None, None)


async def test_a_new_key_opens_every_replica_at_once(edge: Edge) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway(keys_every_s=0.5) as one, edge.gateway(keys_every_s=0.5) as other:
        await told(edge, creation(app, key))
        assert [await status(one, key), await status(other, key)] == [200, 200]


async def test_a_disabled_app_is_refused_by_every_replica_within_two_seconds(
    edge: Edge,
) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway(keys_every_s=0.5) as one, edge.gateway(keys_every_s=0.5) as other:
        await told(edge, creation(app, key))
        assert [await status(one, key), await status(other, key)] == [200, 200]
        await told(edge, AppDisable(app=app, actor="operator"))
        for gateway in (one, other):
            await eventually(lambda gateway=gateway: _is(gateway, key, 401), within_s=2)


async def _is(gateway: Gateway, key: Key, wanted: int) -> bool:
    return await status(gateway, key) == wanted


async def test_both_keys_work_during_the_overlap_and_only_the_new_one_after_it(
    edge: Edge,
) -> None:
    app, old, newer, newest = fresh("crm"), new_key(), new_key(), new_key()
    async with edge.gateway() as gateway:
        await told(edge, creation(app, old))
        reply = await told(edge, rotation(app, newer, overlap_s=1))
        rotated = time.monotonic()
        assert reply.found is not None
        ends = {key.key_id: key.expires_at for key in reply.found.keys}
        assert [await status(gateway, old), await status(gateway, newer)] == [200, 200]
        await asyncio.sleep(max(0.0, rotated + 1.2 - time.monotonic()))
        assert [await status(gateway, old), await status(gateway, newer)] == [401, 200]
        # A later rotation gives an ended key no new life.
        await told(edge, rotation(app, newest, overlap_s=3600))
        statuses = [await status(gateway, key) for key in (old, newer, newest)]
    assert ends[newer.key_id] is None
    end = ends[old.key_id]
    assert end is not None
    assert timedelta(seconds=-2) < end - now() < timedelta(seconds=1)
    assert statuses == [401, 200, 200]


async def test_known_keys_work_while_the_database_is_away(
    edge: Edge, postgres_server: PostgresServer
) -> None:
    app, key = fresh("crm"), new_key()
    async with edge.gateway() as gateway:
        await told(edge, creation(app, key))
        assert await status(gateway, key) == 200
        postgres_server.kill()
        try:
            await eventually(lambda: "postgresql" in _remarks(gateway))
            assert await status(gateway, key) == 200
            assert await status(gateway, new_key()) == 401
            assert "postgresql" not in gateway.service.problems()
        finally:
            postgres_server.start()
        await eventually(lambda: "postgresql" not in _remarks(gateway))
        await told(edge, AppDisable(app=app, actor="operator"))
        await eventually(lambda: _is(gateway, key, 401), within_s=2)


def _remarks(gateway: Gateway) -> dict[str, str]:
    gateway.service.problems()
    return gateway.service.remarks


async def test_a_gateway_that_starts_without_a_database_is_not_ready_and_does_not_listen(
    edge: Edge,
) -> None:
    door, health = free_port(), free_port()
    settings = {
        "NATS_URL": edge.bus.server.url,
        "DATABASE_URL": f"postgresql://nobody:nothing@{LOOPBACK}:{free_port()}/nothing",
        "DOOR_PORT": str(door),
        "HTTP_PORT": str(health),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway"),
        env=os.environ | {f"SW_GATEWAY_{name}": value for name, value in settings.items()},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient() as http:
            await eventually(lambda: _says(http, f"http://{LOOPBACK}:{health}/readyz", 503))
            with pytest.raises(httpx2.ConnectError):
                await http.get(f"http://{LOOPBACK}:{door}/v1/models")
    finally:
        process.terminate()
        await process.wait()


async def _says(http: httpx2.AsyncClient, url: str, wanted: int) -> bool:
    try:
        reply = await http.get(url)
    except httpx2.TransportError:
        return False
    return reply.status_code == wanted and "postgresql" in reply.text


async def test_a_key_never_stands_in_a_log_or_on_the_bus(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    app, key = fresh("crm"), new_key()
    heard: list[bytes] = []
    async with edge.gateway() as gateway:

        async def listen(message: object) -> None:
            heard.append(message.data)  # type: ignore[attr-defined]

        await edge.bus.client.subscribe("sw.>", cb=listen)
        await told(edge, creation(app, key))
        assert await status(gateway, key) == 200
        with pytest.raises(httpx2.HTTPStatusError):
            (await gateway.http.get(f"/v1/models?key={key.text}")).raise_for_status()
        asking = asyncio.create_task(gateway.ask(headers=gateway.as_app(key)))
        await edge.platform.answer((await edge.platform.take()).request, "x")
        assert (await asking).status_code == 200
        await asyncio.sleep(0.4)
    # What the caller itself logs is the caller's.
    said = "\n".join(
        record.getMessage() + str(record.__dict__)
        for record in caplog.records
        if not record.name.startswith(("httpx2", "httpcore2", "asyncio"))
    )
    assert "keys loaded" in said
    assert heard
    for text in (said, *(one.decode() for one in heard)):
        assert key.secret not in text
