"""The manifests are valid, say the same as the code, and confine every container."""

import importlib
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from pydantic import ValidationError

from deploy.local.nats import PAYLOAD_BYTES_MAX
from deploy.provision.bus import UNACKNOWLEDGED_FACTOR
from shared.bus.service import LAST_SPANS_S_MAX
from shared.contracts.catalog import CONSUMERS, SERVICES, Consumer, consumer_named
from shared.contracts.stores import BUCKETS, STREAMS
from shared.db import CONNECTIONS_MAX
from shared.settings import ServiceSettings
from tests.architecture.source import ROOT
from tests.fixtures.cluster import K8S, KUSTOMIZATIONS, Manifests, Object, ran_or_not, rendered

REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
WITH_A_DOOR: Final = ("gateway", "console")
ON_THE_REQUEST_PATH: Final = ("gateway", "redactor", "router", "billing")
CONFINED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(params=KUSTOMIZATIONS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return rendered(request.param)


def _settings(service: str) -> type[ServiceSettings]:
    settings: type[ServiceSettings] = importlib.import_module(
        f"services.{service}.settings"
    ).Settings
    return settings


# --- valid ----------------------------------------------------------------------------------


def _validated(objects: list[Object], folder: Path) -> "tuple[int, str]":
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    ran = ran_or_not(["kubernetes-validate", "--strict", "--no-warn", "--quiet", str(file)])
    return ran.returncode, ran.stdout + ran.stderr


def test_kubernetes_would_take_every_object(manifests: Manifests, tmp_path: Path) -> None:
    assert _validated(list(manifests.objects), tmp_path)[0] == 0


def test_a_wrong_field_is_found(tmp_path: Path) -> None:
    objects = deepcopy(list(rendered("base").objects))
    deployment = next(one for one in objects if one["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    code, said = _validated(objects, tmp_path)
    assert code != 0
    assert "readynessProbe" in said


def _keda_faults(scaled: Object) -> list[str]:
    """Return what KEDA would refuse, and what it would silently leave out."""
    try:
        read = ScaledObject.model_validate(scaled).model_dump(by_alias=True, mode="json")
    except ValidationError as error:
        return [str(error)]
    return list(_missing(scaled, read, "ScaledObject"))


def _missing(stated: Any, read: Any, path: str) -> Iterator[str]:  # noqa: ANN401  Any YAML.
    if isinstance(stated, dict):
        for name, value in stated.items():
            if name not in read:
                yield f"{path}.{name} is unknown"
            else:
                yield from _missing(value, read[name], f"{path}.{name}")
    elif isinstance(stated, list):
        for number, (one, other) in enumerate(zip(stated, read, strict=True)):
            yield from _missing(one, other, f"{path}[{number}]")


def test_keda_would_take_every_scaled_object(manifests: Manifests) -> None:
    assert [fault for one in manifests.of_kind("ScaledObject") for fault in _keda_faults(one)] == []


def test_a_number_and_an_unknown_field_are_found_in_a_scaled_object() -> None:
    number, field = (deepcopy(next(rendered("base").of_kind("ScaledObject"))) for _ in range(2))
    number["spec"]["triggers"][0]["metadata"]["lagThreshold"] = 10
    field["spec"]["minReplicas"] = 2
    assert "lagThreshold" in _keda_faults(number)[0]
    assert _keda_faults(field) == ["ScaledObject.spec.minReplicas is unknown"]


# --- the same as the code -------------------------------------------------------------------


def test_every_service_has_its_set(manifests: Manifests) -> None:
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert {one["metadata"]["name"] for one in manifests.of_kind(kind)} == set(SERVICES)
    accounts = {one["metadata"]["name"] for one in manifests.of_kind("ServiceAccount")}
    assert accounts == {*SERVICES, "provision"}
    services = {one["metadata"]["name"] for one in manifests.of_kind("Service")}
    assert services == {*WITH_A_DOOR, "metrics"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_exists_and_holds_a_value_that_it_takes(
    manifests: Manifests, service: str
) -> None:
    settings = _settings(service)
    prefix = f"SW_{service.upper()}_"
    told = manifests.environment(service)
    referenced = set(REFERENCE.findall((ROOT / "config" / "models.yaml").read_text()))
    own = {name: value for name, value in told.items() if name not in referenced}
    assert {name.removeprefix(prefix).lower() for name in own} <= settings.model_fields.keys()
    values = {name.removeprefix(prefix).lower(): value for name, value in own.items()}
    read = settings.model_validate(values)
    assert (read.http_host, read.http_port) == ("0.0.0.0", 8081)  # noqa: S104  A pod's own.


@pytest.mark.parametrize("service", SERVICES)
def test_a_check_sees_what_the_service_sees(manifests: Manifests, service: str) -> None:
    spec = dict(manifests.pod_specs())[service]["spec"]
    (check,), (container,) = spec["initContainers"], spec["containers"]
    assert check["args"] == ["--check"]
    assert check["image"] == container["image"]
    assert check["volumeMounts"] == container["volumeMounts"]
    # What an overlay adds needs no proof before the start.
    added = [one for one in container["env"] if one not in check["env"]]
    assert [one for one in container["env"] if one not in added] == check["env"]
    base = dict(rendered("base").pod_specs())[service]["spec"]["containers"][0]
    assert not [one["name"] for one in added if one in base["env"]]


def test_images_carry_the_version_of_this_repository(manifests: Manifests) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    for name, container in manifests.containers():
        service = name.partition("/")[0].replace("provision", "cli")
        assert container["image"].endswith(f"{service}:{version[1]}")


def test_the_config_map_holds_the_files_of_the_repository(manifests: Manifests) -> None:
    (config,) = (c for c in manifests.of_kind("ConfigMap") if "config" in c["metadata"]["name"])
    files = {file.name: file.read_text() for file in (ROOT / "config").glob("*.yaml")}
    del files["kustomization.yaml"]
    assert config["data"] == files


# --- scaling --------------------------------------------------------------------------------


def _threshold(consumer: Consumer) -> int:
    """Return what one replica may have waiting or in hand before another one helps.

    KEDA counts what is in hand as lag too: of work that runs side by side, half of the slots.
    Of batches four, which is less than a second of work.
    """
    return consumer.batch_max // 2 if consumer.slots else consumer.batch_max * 4


def test_every_consumer_scales_its_service_on_its_lag(manifests: Manifests) -> None:
    found = {}
    for service, trigger in manifests.triggers():
        facts = trigger["metadata"]
        consumer = consumer_named(facts["consumer"])
        assert (trigger["type"], facts["account"]) == ("nats-jetstream", "CORE")
        assert (service, facts["stream"]) == (consumer.service, consumer.stream.name)
        assert facts["lagThreshold"] == str(_threshold(consumer))
        assert facts["natsServerMonitoringEndpoint"].startswith("nats-headless.")
        found[consumer.name] = consumer
    assert found.keys() == {consumer.name for consumer in CONSUMERS}


def _replicas(manifests: Manifests) -> dict[str, tuple[int, int]]:
    found = {}
    for one in manifests.of_kind("Deployment"):
        if "replicas" in one["spec"]:
            found[one["metadata"]["name"]] = (one["spec"]["replicas"],) * 2
    for one in manifests.of_kind("ScaledObject"):
        spec = one["spec"]
        found[one["metadata"]["name"]] = (spec["minReplicaCount"], spec["maxReplicaCount"])
    for one in manifests.of_kind("HorizontalPodAutoscaler"):
        found[one["metadata"]["name"]] = (one["spec"]["minReplicas"], one["spec"]["maxReplicas"])
    return found


def test_the_request_path_outlives_a_node_and_nobody_outgrows_bus_and_database(
    manifests: Manifests,
) -> None:
    replicas = _replicas(manifests)
    assert replicas.keys() == set(SERVICES)
    assert all(replicas[service][0] >= 2 for service in ON_THE_REQUEST_PATH)
    # A consumer hands out no more than so many batches at a time.
    assert all(most <= UNACKNOWLEDGED_FACTOR for _, most in replicas.values())
    database = yaml.safe_load((K8S / "overlays/example/postgres.yaml").read_text())
    parameters = database["spec"]["postgresql"]["parameters"]
    # One more of each while a new version is rolled out.
    at_most = sum(most + 1 for _, most in replicas.values()) * CONNECTIONS_MAX
    assert at_most <= int(parameters["max_connections"])


# --- confined -------------------------------------------------------------------------------


def test_every_container_is_confined_and_limited(manifests: Manifests) -> None:
    for name, container in manifests.containers():
        assert container["securityContext"] == CONFINED, name
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory"}, name
    for name, template in manifests.pod_specs():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["securityContext"]["runAsUser"] == 65532, name
    labels = manifests.named("Namespace", "stellwerk")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_probed_where_it_answers(manifests: Manifests, service: str) -> None:
    (container,) = dict(manifests.pod_specs())[service]["spec"]["containers"]
    ports = {one["name"]: str(one["containerPort"]) for one in container["ports"]}
    told = manifests.environment(service)
    for probe, path in {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}.items():
        asked = container[f"{probe}Probe"]["httpGet"]
        assert asked == {"path": path, "port": "health"}
    assert ports["health"] == told[f"SW_{service.upper()}_HTTP_PORT"]
    if service in WITH_A_DOOR:
        assert ports["door"] == told[f"SW_{service.upper()}_DOOR_PORT"]
        assert told[f"SW_{service.upper()}_DOOR_HOST"] == "0.0.0.0"  # noqa: S104  A pod's own.


@pytest.mark.parametrize("service", SERVICES)
def test_a_stop_is_given_the_time_it_may_take(manifests: Manifests, service: str) -> None:
    spec = dict(manifests.pod_specs())[service]["spec"]
    told = manifests.environment(service)
    fields = _settings(service).model_fields

    def seconds(setting: str) -> float:
        stated = told.get(f"SW_{service.upper()}_{setting.upper()}")
        return float(stated or (fields[setting].default if setting in fields else 0.0))

    before = spec["containers"][0].get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
    may_take = seconds("stop_s_max") + seconds("lame_duck_s") + before["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] > may_take + LAST_SPANS_S_MAX
    if service in WITH_A_DOOR:
        assert seconds("lame_duck_s") + before["sleep"]["seconds"] >= 5, "balancers need a moment"


def test_a_replica_is_ready_before_another_one_ends(manifests: Manifests) -> None:
    for one in manifests.of_kind("Deployment"):
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    for one in manifests.of_kind("PodDisruptionBudget"):
        selected = one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        assert selected == one["metadata"]["name"]
        assert one["spec"]["maxUnavailable"] == 1


def test_no_secret_stands_in_an_environment_or_in_a_manifest(manifests: Manifests) -> None:
    assert not list(manifests.of_kind("Secret"))
    for name, container in manifests.containers():
        for variable in container["env"]:
            assert "secretKeyRef" not in variable.get("valueFrom", {}), name
            assert not re.search(r"PASSWORD|DATABASE_URL|_KEY$", variable["name"]), name


# --- the values for the NATS chart ----------------------------------------------------------


def test_the_bus_is_told_what_the_embedded_one_is_told() -> None:
    values = yaml.safe_load((K8S / "overlays/example/nats-values.yaml").read_text())["config"]
    assert values["cluster"]["replicas"] == 3
    assert values["jetstream"]["merge"]["sync_interval"] == "always"
    assert values["jetstream"]["merge"]["cipher"] == "aes"
    assert values["merge"]["max_payload"] == PAYLOAD_BYTES_MAX
    room = int(values["jetstream"]["fileStore"]["pvc"]["size"].removesuffix("Gi")) * 1024**3
    assert room >= 2 * sum(kept.bytes_max for kept in (*STREAMS, *BUCKETS))
