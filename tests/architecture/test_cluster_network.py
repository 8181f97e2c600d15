"""Who may speak to whom in the cluster: only the router leaves it, the redactor goes nowhere."""

import ipaddress
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import pytest

from shared.contracts.catalog import SERVICES
from tests.fixtures.cluster import KUSTOMIZATIONS, Manifests, Object, rendered

LEAVES_THE_CLUSTER: Final = {"router"}
# Addresses of a network's own: nodes, other pods, and the metadata service that hands out keys.
INSIDE: Final = (
    *("10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1", "100.64.0.1"),
    *("169.254.169.254", "127.0.0.1", "fd00::1", "fe80::1", "::1"),
)
EVERYWHERE_ELSE: Final = ("1.1.1.1", "198.51.100.7", "2606:4700::1111")
BUS: Final = ("nats", 4222)
DATABASE: Final = ("postgres", 5432)
NAMES: Final = ("kube-system", 53)


@pytest.fixture(params=KUSTOMIZATIONS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return rendered(request.param)


@dataclass(frozen=True)
class Rule:
    """One peer that a pod may speak to or hear from, and at which port; None is any."""

    peer: Object | None
    port: int | None

    def reaches(self, address: str) -> bool:
        """Return whether an address outside of all pods is meant."""
        if self.peer is None:
            return True
        if "ipBlock" not in self.peer:
            return False
        place = ipaddress.ip_address(address)
        block = self.peer["ipBlock"]
        return place in ipaddress.ip_network(block["cidr"]) and not any(
            place in ipaddress.ip_network(one) for one in block.get("except", ())
        )

    def is_namespace(self, name: str) -> bool:
        selector = (self.peer or {}).get("namespaceSelector", {})
        return bool(selector.get("matchLabels", {}).get("kubernetes.io/metadata.name") == name)


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", ())
    )


def _rules(manifests: Manifests, labels: Mapping[str, str], direction: str) -> Iterator[Rule]:
    """Return everything that the policies allow a pod with these labels in one direction."""
    peers = {"egress": "to", "ingress": "from"}[direction]
    for policy in manifests.of_kind("NetworkPolicy"):
        if not _selects(policy["spec"]["podSelector"], labels):
            continue
        for rule in policy["spec"].get(direction, ()):
            for peer in rule.get(peers) or [None]:
                for port in rule.get("ports") or [{}]:
                    yield Rule(peer, port.get("port"))


def _labels(manifests: Manifests, name: str) -> Mapping[str, str]:
    labels: Mapping[str, str] = dict(manifests.pod_specs())[name]["metadata"]["labels"]
    return labels


def _egress(manifests: Manifests, name: str) -> list[Rule]:
    return list(_rules(manifests, _labels(manifests, name), "egress"))


def _leaving(manifests: Manifests) -> set[str]:
    """Return every workload that may reach some address that no list names one by one."""
    return {
        name
        for name, _ in manifests.pod_specs()
        if any(
            rule.reaches(address)
            for rule in _egress(manifests, name)
            for address in EVERYWHERE_ELSE
        )
    }


def test_only_the_router_may_leave_the_cluster(manifests: Manifests) -> None:
    assert _leaving(manifests) == LEAVES_THE_CLUSTER


@pytest.mark.parametrize(
    "egress",
    [
        [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}],
        [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}],
        [{"ports": [{"port": 443}]}],
        [{}],
    ],
)
def test_another_way_out_is_found(egress: list[Object]) -> None:
    objects = deepcopy(list(rendered("base").objects))
    selector = {"matchLabels": {"app.kubernetes.io/name": "redactor"}}
    policy = {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress}
    objects.append({"kind": "NetworkPolicy", "metadata": {"name": "wrong"}, "spec": policy})
    assert _leaving(Manifests(tuple(objects))) == {"redactor", "router"}


def test_everything_is_denied_that_no_policy_allows(manifests: Manifests) -> None:
    spec = manifests.named("NetworkPolicy", "default-deny")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in manifests.of_kind("NetworkPolicy"):
        types = policy["spec"]["policyTypes"]
        assert {kind.lower() for kind in types} >= {"egress", "ingress"} & policy["spec"].keys()


@pytest.mark.parametrize("name", [*SERVICES, "provision"])
def test_everybody_reaches_the_bus_and_the_database(manifests: Manifests, name: str) -> None:
    allowed = _egress(manifests, name)
    for namespace, port in (BUS, DATABASE, NAMES):
        assert any(rule.is_namespace(namespace) and rule.port == port for rule in allowed)


def test_nobody_else_than_router_and_watch_reaches_anything_more(manifests: Manifests) -> None:
    known = {BUS, DATABASE, NAMES}
    for name, _ in manifests.pod_specs():
        more = [
            rule
            for rule in _egress(manifests, name)
            if not any(rule.is_namespace(place) and rule.port == port for place, port in known)
        ]
        assert not more or name in {"router", "watch"}, name


def test_the_router_reaches_the_world_on_443_and_nothing_of_the_own_network(
    manifests: Manifests,
) -> None:
    world = [rule for rule in _egress(manifests, "router") if rule.peer and "ipBlock" in rule.peer]
    assert {rule.port for rule in world} == {443}
    for address in EVERYWHERE_ELSE:
        assert any(rule.reaches(address) for rule in world), address
    for address in INSIDE:
        assert not any(rule.reaches(address) for rule in world), address


def test_the_router_reaches_pods_only_where_they_are_labelled_as_models(
    manifests: Manifests,
) -> None:
    (models,) = (
        rule
        for rule in _egress(manifests, "router")
        if rule.peer and rule.peer.get("namespaceSelector") == {}
    )
    assert models.peer is not None
    assert models.peer["podSelector"]["matchLabels"] == {"stellwerk.eu/model-server": "true"}
    assert models.port == 8080


def test_watch_reaches_listed_hosts_one_by_one() -> None:
    assert not [rule for rule in _egress(rendered("base"), "watch") if "ipBlock" in str(rule.peer)]
    hosts = [
        rule
        for rule in _egress(rendered("overlays/example"), "watch")
        if rule.peer and "ipBlock" in rule.peer
    ]
    assert hosts
    for rule in hosts:
        assert rule.peer is not None
        assert ipaddress.ip_network(rule.peer["ipBlock"]["cidr"]).num_addresses == 1
        assert rule.port == 443


def test_only_doors_and_metrics_can_be_called(manifests: Manifests) -> None:
    for name in SERVICES:
        heard = {
            (rule.port, *rule.peer["namespaceSelector"]["matchLabels"])
            for rule in _rules(manifests, _labels(manifests, name), "ingress")
            if rule.peer
        }
        door = {(8080, "stellwerk.eu/callers")} if name in {"gateway", "console"} else set()
        assert heard == {(8081, "stellwerk.eu/monitoring"), *door}, name
    assert not list(_rules(manifests, _labels(manifests, "provision"), "ingress"))
