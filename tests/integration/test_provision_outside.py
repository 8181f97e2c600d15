"""`stellwerk provision` works on servers that it did not start, with no more rights than it needs.

The bus runs with the accounts that the command printed, and the database's administrator is no
superuser, as with a managed PostgreSQL.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.provision.bus import provision_bus
from deploy.provision.database import role_of
from shared.contracts.catalog import CONSUMERS, SERVICES
from shared.contracts.stores import STREAMS

if TYPE_CHECKING:  # Imported for real it would be loaded before pytest can rewrite its asserts.
    from tests.fixtures.servers import NatsServer, PostgresServer

REPOSITORY = Path(__file__).parents[2]
# An image holds the extra `cli` only, so nothing of the embedded servers may be needed.
WITHOUT_SERVERS = (
    "import sys; sys.modules |= dict.fromkeys(('psutil', 'xllamacpp'))\n"
    "from stellwerk.cli import main; main()"
)
AS_IT_SHOULD_BE = "Everything is as it should be.\n"
Ran = subprocess.CompletedProcess[str]


@dataclass
class Outside:
    """A folder of secrets, and the servers that know what is in it."""

    folder: Path
    nats: "NatsServer"
    admin_url: str
    looks: tuple[Ran, ...] = ()
    made: Ran | None = None

    def run(self, *arguments: str, **environment: str) -> Ran:
        told = {
            "STELLWERK_NATS_URL": self.nats.url,
            "STELLWERK_DATABASE_URL": self.admin_url,
            "STELLWERK_SECRETS": str(self.folder),
        }
        return stellwerk(*arguments, **(told | environment))

    def service_url(self, service: str) -> str:
        password = (self.folder / "database" / f"{service}.password").read_text()
        host = self.admin_url.rpartition("@")[2]
        return f"postgresql://{role_of(service)}:{password}@{host}"


def stellwerk(*arguments: str, **environment: str) -> Ran:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STELLWERK_")}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVERS, *arguments],
        cwd=REPOSITORY,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory, servers_folder: Path) -> Iterator[Outside]:
    from tests.fixtures.servers import start_nats  # noqa: PLC0415 -- see TYPE_CHECKING above

    folder = tmp_path_factory.mktemp("outside") / "secrets"
    made = stellwerk("provision", "--make-secrets", "--secrets", str(folder), "--app", "acme.crm")
    assert made.returncode == 0, made.stderr
    accounts = stellwerk("provision", "--accounts", "--secrets", str(folder))
    assert accounts.returncode == 0, accounts.stderr
    nats_server = start_nats(folder.parent / "nats", accounts.stdout)
    # Roles belong to a whole server, and other tests make the same ones as its superuser.
    postgres = _own_postgres(servers_folder / "outside-postgres")
    servers = Outside(folder, nats_server, asyncio.run(_administered(postgres)))
    servers.looks = tuple(servers.run("provision", "--diff") for _ in range(2))
    servers.made = servers.run("provision")
    yield servers
    nats_server.kill()
    postgres.stop()


def _own_postgres(folder: Path) -> "PostgresServer":
    from tests.fixtures.servers import PostgresServer  # noqa: PLC0415 -- see TYPE_CHECKING above

    server = PostgresServer(
        Postgres(
            folder=folder,
            port=free_port(),
            password=secrets.token_hex(8),
            log=folder.with_suffix(".log"),
            synced=False,
        )
    )
    server.start()
    return server


async def _administered(postgres: "PostgresServer") -> str:
    """Return the address of a database's owner, who may create roles and is no superuser."""
    superuser = await asyncpg.connect(postgres.url)
    await superuser.execute("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'only-in-tests'")
    await superuser.execute("CREATE DATABASE outside OWNER admin")
    await superuser.close()
    # asyncpg understands this ending and SQLAlchemy does not.
    port = postgres.spec.port
    return f"postgresql://admin:only-in-tests@127.0.0.1:{port}/outside?sslmode=prefer"


def test_what_differs_is_shown_then_made_then_gone(outside: Outside) -> None:
    shown, again = outside.looks
    assert shown.returncode == 1, shown.stderr
    for line in ("stream SW_INBOX", "consumer router-requests", "role sw_router", "schema vault"):
        assert f"differs: {line}\n" in shown.stdout
    assert again.stdout == shown.stdout, "a look changed something"

    assert outside.made is not None
    assert outside.made.returncode == 0, outside.made.stderr
    assert len(outside.made.stdout.splitlines()) == len(shown.stdout.splitlines())

    for arguments in (("--diff",), ()):
        ran = outside.run("provision", *arguments)
        assert (ran.returncode, ran.stdout) == (0, AS_IT_SHOULD_BE), ran.stderr


def test_each_service_can_start_on_what_was_provisioned(outside: Outside) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "services.billing", "--check"],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "SW_BILLING_NATS_URL": outside.nats.url,
            "SW_BILLING_NATS_SEED_FILE": str(outside.folder / "bus" / "billing.seed"),
            "SW_BILLING_DATABASE_URL": outside.service_url("billing"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == "billing: ready to start\n", checked.stderr
    for service in SERVICES:
        assert asyncio.run(_signs_in(outside.service_url(service))) == role_of(service)


async def _signs_in(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def test_making_secrets_again_changes_none(outside: Outside) -> None:
    before = {file: file.read_bytes() for file in outside.folder.rglob("*") if file.is_file()}
    again = outside.run("provision", "--make-secrets")
    assert (again.returncode, again.stdout) == (0, f"{outside.folder} is complete.\n")
    assert {file: file.read_bytes() for file in before} == before
    assert {file.stat().st_mode & 0o777 for file in before} == {0o600}


def test_the_printed_accounts_hold_public_keys_only(outside: Outside) -> None:
    printed = outside.run("provision", "--accounts").stdout
    assert '"APP.acme.crm"' in printed
    for seed in outside.folder.rglob("*.seed"):
        assert seed.read_text().strip() not in printed


def _nobody_listens(_outside: Outside) -> dict[str, str]:
    return {"STELLWERK_NATS_URL": f"nats://127.0.0.1:{free_port()}"}


def _a_wrong_password(outside: Outside) -> dict[str, str]:
    return {"STELLWERK_DATABASE_URL": outside.admin_url.replace("only-in-tests", "hunter2")}


def _an_empty_folder(outside: Outside) -> dict[str, str]:
    return {"STELLWERK_SECRETS": str(outside.folder.parent)}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (_nobody_listens, "The bus at nats://127.0.0.1"),
        (_a_wrong_password, "cannot be provisioned (InvalidPasswordError)"),
        (_an_empty_folder, "--make-secrets"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_without_a_password(
    outside: Outside, broken: Callable[[Outside], dict[str, str]], sentence: str
) -> None:
    ran = outside.run("provision", **broken(outside))
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "hunter2" not in ran.stderr
    assert "only-in-tests" not in ran.stderr


def test_the_command_provisions_all_that_the_catalogue_lists(outside: Outside) -> None:
    found = asyncio.run(_on_the_bus(outside))
    assert found == (0, len(STREAMS), len(CONSUMERS))


async def _on_the_bus(outside: Outside) -> tuple[int, int, int]:
    import nats  # noqa: PLC0415 -- see TYPE_CHECKING above

    client = await nats.connect(
        outside.nats.url,
        nkeys_seed=str(outside.folder / "bus" / "provision.seed"),
        inbox_prefix="_INBOX.provision",
    )
    js = client.jetstream()
    differing = await provision_bus(js, replicas=1, apply=False)
    streams = [info.config.name for info in await js.streams_info()]
    consumers = [await js.consumers_info(stream.name) for stream in STREAMS]
    await client.close()
    ours = {stream.name for stream in STREAMS}
    return len(differing), len(ours & set(streams)), sum(map(len, consumers))
