"""The embedded default heals itself, refuses a second start, and leaves nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from deploy.local import apps
from deploy.local.errors import LocalError
from deploy.local.http_keys import FIRST_KEYS
from deploy.local.ports import LOOPBACK
from deploy.local.services import REPOSITORY
from shared.contracts.catalog import SERVICES
from stellwerk.client import Client

if TYPE_CHECKING:  # Imported for real they would be loaded before pytest can rewrite asserts.
    from tests.fixtures.embedded import Embedded
    from tests.fixtures.servers import NatsServer, PostgresServer

pytestmark = pytest.mark.timeout(180)
MakeEmbedded = Callable[..., "Embedded"]


def test_status_names_every_part_with_its_process_and_readiness(embedded: "Embedded") -> None:
    found = embedded.status()
    assert found["ready"] is True
    assert {part["name"] for part in found["parts"]} == {"nats", "postgres", *SERVICES}
    for part in found["parts"]:
        assert part["ready"], part
        assert psutil.pid_exists(part["pid"])
    assert found["addresses"]["nats"].startswith("nats://127.0.0.1:")
    assert found["credentials"]["apps"]["default.demo"].endswith("default.demo.seed")


def models_through_the_door(embedded: "Embedded", app: str) -> int:
    """Return the status that the gateway answers an app's first key with."""
    found = embedded.status()
    key = Path(found["credentials"]["http"][f"default.{app}"]).read_text(encoding="ascii")
    door = HTTPConnection(urlsplit(found["addresses"]["gateway"]).netloc, timeout=5)
    door.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
    status = door.getresponse().status
    door.close()
    return status


@pytest.mark.parametrize("app", FIRST_KEYS)
def test_the_first_keys_open_the_gateway(embedded: "Embedded", app: str) -> None:
    # A gateway looks for new keys now and then.
    embedded.wait_until(lambda: models_through_the_door(embedded, app) == HTTPStatus.OK)


def test_the_console_can_be_reached_where_status_says(embedded: "Embedded") -> None:
    door = HTTPConnection(urlsplit(embedded.status()["addresses"]["console"]).netloc, timeout=5)
    door.request("GET", "/")
    status = door.getresponse().status
    door.close()
    assert status < HTTPStatus.BAD_REQUEST


def test_it_says_that_no_model_runs(embedded: "Embedded") -> None:
    assert any("No model" in note for note in embedded.status()["notes"])
    refused = embedded.run("ask", "Hvad er en signalpost?")
    assert refused.returncode == 1
    assert "config/models.yaml" in refused.stderr


@pytest.mark.parametrize("name", ["nats", "postgres", *SERVICES])
def test_a_killed_part_comes_back_by_itself(embedded: "Embedded", name: str) -> None:
    before = embedded.part(name)
    embedded.kill(before["pid"])
    embedded.wait_until(lambda: embedded.part(name)["pid"] != before["pid"])
    embedded.wait_until(lambda: bool(embedded.status()["ready"]))
    after = embedded.part(name)
    assert after["restarts"] == before["restarts"] + 1


def test_a_second_start_in_the_same_folder_is_one_sentence(embedded: "Embedded") -> None:
    second = embedded.run("up", "--no-model")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "already running" in second.stderr
    assert "stellwerk down" in second.stderr
    assert embedded.status()["ready"]


def test_everything_listens_on_loopback_only(embedded: "Embedded") -> None:
    supervisor = psutil.Process(embedded.status()["supervisor"])
    listening = [
        connection.laddr.ip
        for process in [supervisor, *supervisor.children(recursive=True)]
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {LOOPBACK}


def test_secrets_are_readable_by_their_owner_only_and_shown_nowhere(embedded: "Embedded") -> None:
    files = [file for file in (embedded.data / "secrets").rglob("*") if file.is_file()]
    assert len(files) > len(SERVICES) * 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert embedded.data.stat().st_mode & 0o077 == 0

    shown = [embedded.data / "state.json", embedded.data / "nats" / "nats.conf"]
    shown += (embedded.data / "logs").iterdir()
    text = "".join(file.read_text(errors="replace") for file in shown)
    text += json.dumps(embedded.status()) + embedded.run("doctor").stdout
    supervisor = psutil.Process(embedded.status()["supervisor"])
    text += " ".join(" ".join(p.cmdline()) for p in supervisor.children(recursive=True))
    for file in files:
        assert file.read_text().strip() not in text, file


def test_only_the_router_is_told_the_keys_of_model_providers(embedded: "Embedded") -> None:
    assert "EXAMPLE_PROVIDER_KEY" in embedded.environment
    for part in embedded.status()["parts"]:
        told = "EXAMPLE_PROVIDER_KEY" in psutil.Process(part["pid"]).environ()
        assert told == (part["name"] == "router"), part["name"]


async def test_an_app_is_let_in_at_once_and_still_after_nats_has_come_back(
    embedded: "Embedded",
) -> None:
    with chdir(embedded.data.parent):  # As people name folders; the server knows the whole path.
        seed = apps.admit(Path(embedded.data.name), "default", "billing-clerk")
    address = embedded.status()["addresses"]["nats"]
    async with Client(address, app="billing-clerk", seed_file=seed):
        pass

    before = embedded.part("nats")
    embedded.kill(before["pid"])
    embedded.wait_until(lambda: embedded.part("nats")["pid"] != before["pid"])
    embedded.wait_until(lambda: bool(embedded.part("nats")["ready"]))
    async with Client(address, app="billing-clerk", seed_file=seed):
        pass


def test_an_app_may_not_have_the_name_of_a_part_of_the_platform(embedded: "Embedded") -> None:
    with pytest.raises(LocalError, match="reserved"):
        apps.admit(embedded.data, "default", "router")


def test_messages_lie_encrypted_on_the_disk(embedded: "Embedded") -> None:
    embedded.run("ask", "Kodeordet er Zebrafinke")
    files = [file for file in (embedded.data / "nats" / "store").rglob("*") if file.is_file()]
    assert files
    assert all(b"Zebrafinke" not in file.read_bytes() for file in files)


def test_what_doctor_calls_relaxed_has_a_risk_and_a_cure(embedded: "Embedded") -> None:
    examined = embedded.run("doctor", "--json", "--no-model")
    findings = json.loads(examined.stdout)["findings"]
    assert examined.returncode == 0, findings
    relaxed = [finding for finding in findings if finding["kind"] == "relaxed"]
    assert any("TLS" in finding["setting"] for finding in relaxed)
    assert any("R1" in finding["setting"] for finding in relaxed)
    assert any("first keys of the HTTP doors" in finding["setting"] for finding in relaxed)
    assert all(finding["risk"] and finding["cure"] for finding in relaxed)


def test_doctor_finds_a_secret_that_others_can_read(embedded: "Embedded") -> None:
    seed = embedded.data / "secrets" / "apps" / "default.demo.seed"
    seed.chmod(0o644)
    examined = embedded.run("doctor", "--no-model")
    seed.chmod(0o600)
    assert examined.returncode == 1
    assert f"{seed} can be read by other users" in examined.stdout


def test_a_stopped_platform_leaves_no_process_and_starts_again_with_its_data(
    make_embedded: MakeEmbedded,
) -> None:
    embedded = make_embedded()
    embedded.up("--no-model")
    first = embedded.status()
    keys = [Path(file).read_text() for file in first["credentials"]["http"].values()]
    assert embedded.run("down").returncode == 0
    assert not any(psutil.pid_exists(part["pid"]) for part in first["parts"])
    assert embedded.run("status").returncode == 1

    said = embedded.up("--no-model")
    assert "provisioned" not in said  # everything was still as it should be
    again = embedded.status()
    assert again["addresses"] == first["addresses"]
    assert [Path(file).read_text() for file in again["credentials"]["http"].values()] == keys
    assert models_through_the_door(embedded, "demo") == HTTPStatus.OK


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_works(
    make_embedded: MakeEmbedded,
) -> None:
    embedded = make_embedded()
    embedded.up("--no-model")
    found = embedded.status()
    embedded.kill(found["supervisor"])
    embedded.up("--no-model")
    assert embedded.status()["ready"]
    assert not any(psutil.pid_exists(part["pid"]) for part in found["parts"])


def test_a_port_in_use_is_one_sentence(make_embedded: MakeEmbedded) -> None:
    embedded = make_embedded()
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        embedded.data.mkdir()
        (embedded.data / "ports.json").write_text(json.dumps({"nats": port}))
        started = embedded.run("up", "--no-model")
    assert started.returncode == 1
    assert started.stderr.count("\n") == 1
    assert f"Port {port} of nats is in use" in started.stderr


def test_a_broken_configuration_ends_the_start_with_the_services_own_sentence(
    make_embedded: MakeEmbedded,
) -> None:
    embedded = make_embedded()
    config = embedded.data.parent / "config"
    shutil.copytree(REPOSITORY / "config", config)
    (config / "policy.yaml").write_text("default: {}\n")
    started = embedded.run("up", "--no-model", "--config", str(config))
    assert started.returncode == 1
    assert started.stderr.count("\n") == 1
    assert f"{config}/policy.yaml breaks its rules" in started.stderr


def test_an_interrupt_while_starting_leaves_nothing_running(make_embedded: MakeEmbedded) -> None:
    embedded = make_embedded()
    with subprocess.Popen(
        [sys.executable, "-m", "stellwerk", "up", "--no-model", "--data", str(embedded.data)],
        env=os.environ | {"STELLWERK_RANDOM_PORTS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as starting:
        assert starting.stdout is not None
        next(starting.stdout)
        children = psutil.Process(starting.pid).children(recursive=True)
        starting.send_signal(signal.SIGINT)
        starting.communicate(timeout=60)
    assert starting.returncode == 0
    assert not any(child.is_running() for child in children)


def test_servers_of_ones_own_replace_the_embedded_ones(
    make_embedded: MakeEmbedded, own_nats_server: "NatsServer", postgres_server: "PostgresServer"
) -> None:
    database = postgres_server.create_database("unused")
    embedded = make_embedded(
        STELLWERK_DATABASE_URL=database.admin_dsn, STELLWERK_NATS_URL=own_nats_server.url
    )
    embedded.up("--no-model")
    found = embedded.status()
    assert {part["name"] for part in found["parts"]} == set(SERVICES)
    assert found["ready"]
    assert found["addresses"]["nats"] == own_nats_server.url
    assert "@" not in found["addresses"]["postgres"]


@pytest.mark.parametrize(
    ("variable", "address", "said"),
    [
        ("STELLWERK_DATABASE_URL", "postgresql://admin:secret@127.0.0.1:1/x", "database at"),
        ("STELLWERK_NATS_URL", "nats://127.0.0.1:1", "bus at"),
    ],
)
def test_a_server_of_ones_own_that_is_away_is_one_sentence_without_its_password(
    make_embedded: MakeEmbedded, variable: str, address: str, said: str
) -> None:
    started = make_embedded(**{variable: address}).run("up", "--no-model")
    assert started.returncode == 1
    assert started.stderr.count("\n") == 1
    assert said in started.stderr
    assert "secret" not in started.stderr + started.stdout
