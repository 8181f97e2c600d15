"""The servers that every integration test stands on keep what they acknowledged."""

from collections.abc import Callable

import asyncpg
import nats
import pytest

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
