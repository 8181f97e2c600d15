"""What the cluster is told works on real servers: the lag that KEDA reads, the secrets, the bus."""

import asyncio
import base64
import json
import math
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from deploy.local.nats import find_server
from deploy.provision.servers import SecretsFolder
from services.billing.settings import Settings
from services.redactor.dictionaries import Dictionaries
from shared.contracts.catalog import SERVICES, subject_of
from shared.contracts.event import encode
from shared.contracts.stores import INBOX
from tests.fixtures.bus import eventually, submitted
from tests.fixtures.cluster import K8S, rendered

if TYPE_CHECKING:  # Imported for real it would be loaded before pytest can rewrite its asserts.
    from tests.fixtures.guarded import GuardedBus

Secret = dict[str, bytes]
WAITING: Final = 700
IN_HAND: Final = 30
DATABASE: Final = "db.example:5432/stellwerk"
ADMIN_URL: Final = f"postgresql://stellwerk_admin:only-in-tests@{DATABASE}"


# --- scaling --------------------------------------------------------------------------------


async def test_keda_would_read_the_lag_and_add_replicas(guarded_bus: "GuardedBus") -> None:
    (trigger,) = (
        one["metadata"]
        for _, one in rendered("base").triggers()
        if one["metadata"]["consumer"] == "redactor-requests"
    )
    monitor = guarded_bus.server.monitor_url
    assert (_lag(monitor, trigger), _replicas("redactor", 0)) == (0, 2)

    gateway = await guarded_bus.as_service("gateway")
    for _ in range(WAITING):
        request = submitted()
        await gateway.client.publish(subject_of(request), encode(request, "gateway"))
    assert not await gateway.settled()
    await eventually(lambda: _lag(monitor, trigger) == WAITING)

    redactor = await guarded_bus.as_service("redactor")
    taking = await redactor.client.jetstream().pull_subscribe_bind("redactor-requests", INBOX.name)
    in_hand = await taking.fetch(IN_HAND)
    assert _lag(monitor, trigger) == WAITING, "what is in hand is still work to be done"
    assert _replicas("redactor", WAITING) == 3

    shown = await asyncio.to_thread(_as_the_page_says, monitor)
    assert f"SW_INBOX\tredactor-requests\t{WAITING - IN_HAND}\t{IN_HAND}\t0\n" in shown

    for message in in_hand:
        await message.ack_sync()
    assert _lag(monitor, trigger) == WAITING - IN_HAND


def test_nobody_is_scaled_beyond_what_is_allowed() -> None:
    assert _replicas("redactor", 1_000_000) == 12


def _lag(monitor_url: str, trigger: Mapping[str, str]) -> int:
    """Return the lag as KEDA's scaler for JetStream reads it: waiting and in hand."""
    query = f"/jsz?acc={trigger['account']}&consumers=true&config=true"
    with urllib.request.urlopen(f"{monitor_url}{query}", timeout=2.0) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    (consumer,) = (
        consumer
        for account in told["account_details"]
        for stream in account["stream_detail"]
        if stream["name"] == trigger["stream"]
        for consumer in stream["consumer_detail"]
        if consumer["name"] == trigger["consumer"]
    )
    return int(consumer["num_pending"]) + int(consumer["num_ack_pending"])


def _as_the_page_says(monitor_url: str) -> str:
    """Run the command that docs/sre/lag.md shows, but for the way into the cluster."""
    page = (K8S.parents[1] / "docs" / "sre" / "lag.md").read_text()
    block = page.partition("```sh\n")[2].partition("```")[0]
    _forward, _, command = block.partition("\n")
    asked = command.replace("http://127.0.0.1:8222", monitor_url)
    ran = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _replicas(service: str, lag: int) -> int:
    """Return how many replicas the autoscaler would want: the lag over the threshold of one."""
    spec = rendered("base").named("ScaledObject", service)["spec"]
    wanted = math.ceil(lag / int(spec["triggers"][0]["metadata"]["lagThreshold"]))
    least, most = int(spec["minReplicaCount"]), int(spec["maxReplicaCount"])
    return max(least, min(most, wanted))


# --- secrets --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster") / "secrets"
    subprocess.run(
        [sys.executable, "-m", "stellwerk", "provision", "--make-secrets", "--secrets", folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (folder / "database" / "admin.url").write_text(ADMIN_URL)
    (folder / "watch-channels").write_text("json://chat.example/hook\n")
    (folder / "dictionaries" / "default").mkdir(parents=True)
    (folder / "dictionaries" / "default" / "projects.txt").write_text("Nordlys\n")
    (folder / "dictionaries" / "empty").mkdir()
    (folder / "providers").mkdir()
    (folder / "providers" / "mistral.key").write_text("only-in-tests")
    return folder


@pytest.fixture(scope="module")
def secrets(folder: Path) -> dict[str, Secret]:
    printed = subprocess.run(
        [K8S / "secrets.sh", folder, DATABASE], check=True, capture_output=True, text=True
    ).stdout
    return {
        one["metadata"]["name"]: {key: base64.b64decode(text) for key, text in one["data"].items()}
        for one in yaml.safe_load_all(printed)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_finds_the_secrets_that_it_is_told_of(
    secrets: dict[str, Secret], service: str
) -> None:
    told = rendered("overlays/example").environment(service).values()
    files = {Path(value).name for value in told if value.startswith("/run/secrets/")}
    providers = {"mistral.key"} if service == "router" else set()
    assert secrets[service].keys() == {*files, *providers, f"SW_{service.upper()}_DATABASE_URL"}


def test_the_redactor_finds_the_companys_lists_where_it_looks(
    secrets: dict[str, Secret], tmp_path: Path
) -> None:
    spec = dict(rendered("overlays/example").pod_specs())["redactor"]["spec"]
    (volume,) = (one for one in spec["volumes"] if one["name"] == "dictionaries-default")
    mounts = {one["name"]: one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}
    folder = rendered("overlays/example").environment("redactor")["SW_REDACTOR_DICTIONARIES_FOLDER"]
    assert mounts["dictionaries-default"] == f"{folder}/default"
    assert "dictionaries-empty" not in secrets

    # A Secret is mounted as links to links, which are swapped all at once.
    (tmp_path / "default" / "..2026_11_24").mkdir(parents=True)
    (tmp_path / "default" / "..data").symlink_to("..2026_11_24")
    for name, content in secrets[volume["secret"]["secretName"]].items():
        (tmp_path / "default" / "..2026_11_24" / name).write_bytes(content)
        (tmp_path / "default" / name).symlink_to(Path("..data") / name)
    read = Dictionaries(tmp_path)
    assert read.look()
    assert read.remark is None
    assert read.current["default"].find("Status på Nordlys")


def test_a_service_reads_its_database_from_what_is_mounted(
    secrets: dict[str, Secret], tmp_path: Path
) -> None:
    for name, content in secrets["billing"].items():
        (tmp_path / name).write_bytes(content)
    url = Settings(_secrets_dir=tmp_path).database_url
    assert url is not None
    assert url.get_secret_value().startswith("postgresql://sw_billing:")
    assert url.get_secret_value().endswith(f"@{DATABASE}")


def test_provisioning_finds_the_folder_that_it_reads(
    secrets: dict[str, Secret], folder: Path, tmp_path: Path
) -> None:
    (volume,) = (
        one["secret"]
        for one in dict(rendered("base").pod_specs())["provision"]["spec"]["volumes"]
        if "secret" in one
    )
    assert secrets["provision"].keys() == {item["key"] for item in volume["items"]}
    for item in volume["items"]:
        file = tmp_path / item["path"]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(secrets["provision"][item["key"]])
    mounted, made = SecretsFolder(tmp_path), SecretsFolder(folder)
    assert mounted.admin_url() == ADMIN_URL
    assert mounted.seed_file("provision").read_text() == made.seed_file("provision").read_text()
    for service in SERVICES:
        assert mounted.password(service) == made.password(service)


# --- the bus --------------------------------------------------------------------------------


def test_nats_takes_the_values_and_the_accounts(folder: Path, tmp_path: Path) -> None:
    values = yaml.safe_load((K8S / "overlays/example/nats-values.yaml").read_text())["config"]
    (tmp_path / "accounts.conf").write_text(SecretsFolder(folder).accounts())
    config = tmp_path / "nats.conf"
    jetstream = {"store_dir": str(tmp_path), **values["jetstream"]["merge"]}
    config.write_text("\n".join(_as_the_chart_writes(values["merge"] | {"jetstream": jetstream})))
    # Quoted, as docs/sre/apply.md has it: the server reads the value as it reads its file.
    key = (folder / "keys" / "nats-store.txt").read_text()
    tested = subprocess.run(
        [find_server(), "--config", config, "-t"],
        env=os.environ | {"STORE_KEY": f'"{key}"'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stderr
    assert "is valid" in tested.stderr


def _as_the_chart_writes(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a configuration: JSON, but for includes and for what `<< >>` encloses."""
    for name, value in values.items():
        if name.endswith("$include"):
            yield f"include {value}"
        elif isinstance(value, dict):
            yield f"{json.dumps(name)}: {{"
            yield from _as_the_chart_writes(value)
            yield "}"
        elif isinstance(value, str) and value.startswith("<< "):
            yield f"{json.dumps(name)}: {value.removeprefix('<< ').removesuffix(' >>')}"
        else:
            yield f"{json.dumps(name)}: {json.dumps(value)}"
