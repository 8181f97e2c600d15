"""The servers that every integration test stands on keep what they acknowledged."""

import os
from collections.abc import Callable
from pathlib import Path

import asyncpg
import nats
import pytest

from deploy.local.errors import StartFailed
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres, find_binaries, reachable_by_others
from deploy.local.program import unprivileged_user
from tests.fixtures.servers import IsolatedDatabase, NatsServer, PostgresServer

MakeDatabase = Callable[[str], IsolatedDatabase]


async def test_a_killed_postgresql_comes_back_with_everything_committed(
    postgres_server: PostgresServer, isolated_database: MakeDatabase
) -> None:
    database = isolated_database("billing")
    connection = await asyncpg.connect(database.dsn)
    await connection.execute("CREATE TABLE kept (n int)")
    await connection.execute("INSERT INTO kept VALUES (7)")

    postgres_server.kill()
    await connection.close(timeout=1)
    postgres_server.restart()

    connection = await asyncpg.connect(database.dsn)
    assert await connection.fetchval("SELECT n FROM billing.kept") == 7
    await connection.close()


async def test_a_killed_nats_server_comes_back_with_everything_acknowledged(
    own_nats_server: NatsServer,
) -> None:
    client = await nats.connect(own_nats_server.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"7")
    await client.close()

    own_nats_server.kill()
    own_nats_server.restart()

    client = await nats.connect(own_nats_server.url)
    assert (await client.jetstream().get_last_msg("KEPT", "kept")).data == b"7"
    await client.close()


async def test_two_tests_never_share_a_database(isolated_database: MakeDatabase) -> None:
    first, second = isolated_database("audit"), isolated_database("audit")
    connection = await asyncpg.connect(first.dsn)
    await connection.execute("CREATE TABLE mine (n int)")
    await connection.close()

    connection = await asyncpg.connect(second.dsn)
    assert await connection.fetchval("SELECT to_regclass('mine')") is None
    await connection.close()


async def test_no_value_from_a_failing_statement_reaches_the_servers_log(
    postgres_server: PostgresServer, isolated_database: MakeDatabase
) -> None:
    connection = await asyncpg.connect(isolated_database("vault").dsn)
    await connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
    await connection.execute("INSERT INTO person VALUES ('Signe Testesen')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO person VALUES ('Signe Testesen')")
    await connection.close()

    log = postgres_server.spec.log.read_text()
    assert "duplicate key" in log
    assert "Signe" not in log


WAYS_TO_LEAVE_ROOT = sorted({unprivileged_user(), *(["65534"] if os.geteuid() == 0 else [])})


@pytest.mark.parametrize("user", WAYS_TO_LEAVE_ROOT)
async def test_postgresql_starts_in_every_way_of_leaving_root(
    servers_folder: Path, user: str
) -> None:
    spec = Postgres(
        servers_folder / user, free_port(), "pw", servers_folder / f"{user}.log", user=user
    )
    if user.isdigit() and not reachable_by_others(find_binaries()):
        with pytest.raises(StartFailed, match="cannot be reached"):
            spec.prepare()
        return
    server = PostgresServer(spec)
    server.start()
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    server.stop()


async def test_data_changes_hands_when_the_way_of_leaving_root_changes(
    servers_folder: Path,
) -> None:
    for user in (*WAYS_TO_LEAVE_ROOT, *reversed(WAYS_TO_LEAVE_ROOT)):
        if user.isdigit() and not reachable_by_others(find_binaries()):
            continue
        folder = servers_folder / "changing"
        spec = Postgres(
            folder, free_port(), "pw", servers_folder / "c.log", synced=False, user=user
        )
        server = PostgresServer(spec)
        server.start()
        server.stop()


async def test_a_pid_file_that_names_another_program_does_not_stop_a_start(
    servers_folder: Path,
) -> None:
    spec = Postgres(
        servers_folder / "stale", free_port(), "pw", servers_folder / "s.log", synced=False
    )
    server = PostgresServer(spec)
    server.start()
    server.kill()
    pid_file = spec.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    server.start()
    server.stop()


def spec_of(folder: Path, name: str, user: str) -> Postgres:
    return Postgres(
        folder=folder / name,
        port=free_port(),
        password="only-in-tests",
        log=folder / f"{name}.log",
        synced=False,
        user=user,
    )
