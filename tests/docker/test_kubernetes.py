"""The manifests of docker/kubernetes: the policies let exactly the declared pairs speak, and pods ask for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parent.parent.parent / "docker/kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "revproxy.yaml").read_text("utf-8"))
OBJECTS: list[dict[str, Any]] = [
    one for name in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
_NAMESPACE = "kubernetes.io/metadata.name"
Peer = str
"""`NAMESPACE/APP`, `NAMESPACE/*`, or `*` for anybody."""


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}": one for one in OBJECTS
            if one["kind"] == kind}  # fmt: skip


DEPLOYMENTS, SERVICES, POLICIES = of("Deployment"), of("Service"), of("NetworkPolicy")


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return spec


def peer(selector: dict[str, Any], own: str) -> Peer:
    space = selector.get("namespaceSelector", {"matchLabels": {_NAMESPACE: own}})["matchLabels"][_NAMESPACE]
    app = selector["podSelector"]["matchLabels"]["app"] if "podSelector" in selector else "*"
    return f"{space}/{app}"


def pairs(direction: str, far: str) -> set[tuple[Peer, Peer, int]]:
    """(the policy's own pod, the other side, port) of every rule."""
    found = set()
    for policy in POLICIES.values():
        space, spec = policy["metadata"]["namespace"], policy["spec"]
        for rule in spec.get(direction, ()):
            own = f"{space}/{spec['podSelector']['matchLabels']['app']}"
            others = [peer(one, space) for one in rule[far]] if far in rule else ["*"]
            assert all(one["protocol"] == "TCP" for one in rule["ports"])
            found |= {(own, other, one["port"]) for other in others for one in rule["ports"]}
    return found


def upstream_ports() -> set[tuple[str, int]]:
    """Which pod each declared upstream is, by the address of its service, and its port."""
    by_address = {one["spec"].get("clusterIP"): name for name, one in SERVICES.items()}
    split = [upstream["address"].rpartition(":") for upstream in CONFIG["upstreams"].values()]
    return {(by_address[host], int(port)) for host, _, port in split}


def listener_ports() -> set[int]:
    return {int(one["bind"].rpartition(":")[2]) for one in CONFIG["listeners"]}


def test_nothing_is_the_default_in_both_namespaces() -> None:
    names = {one["metadata"]["name"] for one in OBJECTS if one["kind"] == "Namespace"}
    assert names == {"dmz", "inside"}
    for name in names:
        spec = POLICIES[f"{name}/nothing"]["spec"]
        assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        assert any(k.startswith("pod-security") for k in of("Namespace")[f"/{name}"]["metadata"]["labels"])


def test_the_front_end_reaches_its_upstreams_and_nothing_else() -> None:
    reached = {(other, port) for own, other, port in pairs("egress", "to") if own == "dmz/front"}
    assert reached == upstream_ports()


def test_the_front_end_is_reached_at_its_listeners_and_by_monitoring() -> None:
    admin = int(CONFIG["admin"].rpartition(":")[2])
    reached = {(other, port) for own, other, port in pairs("ingress", "from") if own == "dmz/front"}
    assert reached == {("*", port) for port in listener_ports()} | {("monitoring/*", admin)}


def test_what_may_be_sent_inside_may_arrive_and_nothing_else_may() -> None:
    sent = pairs("egress", "to")
    arriving = {(other, own, port) for own, other, port in pairs("ingress", "from") if own.startswith("inside/")}
    assert arriving == sent
    assert sent == {("dmz/front", *one) for one in upstream_ports()} | {("inside/web", "inside/mail", 8001)}


def test_the_service_has_the_listeners_and_no_more() -> None:
    spec = SERVICES["dmz/front"]["spec"]
    assert {one["targetPort"] for one in spec["ports"]} == listener_ports()
    assert spec["externalTrafficPolicy"] == "Local"
    inner = [one["spec"].get("type", "ClusterIP") for name, one in SERVICES.items() if name.startswith("inside/")]
    assert set(inner) == {"ClusterIP"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_ask_for_nothing(name: str) -> None:
    spec = pod(name)
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert spec["automountServiceAccountToken"] is False
    security = spec["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 65532)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert not any("hostPort" in port for port in container["ports"])
    assert not any("hostPath" in volume for volume in spec.get("volumes", ()))


def test_volumes_are_declared_and_bounded() -> None:
    spec = pod("dmz/front")
    declared = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in spec["containers"][0]["volumeMounts"]} == set(declared)
    assert all("sizeLimit" in volume["emptyDir"] for volume in declared.values() if "emptyDir" in volume)


def test_files_that_are_named_are_there() -> None:
    generated = {name for one in KUSTOMIZATION["configMapGenerator"] for name in one["files"]}
    used = {volume["configMap"]["name"] for volume in pod("dmz/front")["volumes"] if "configMap" in volume}
    assert used == {one["name"] for one in KUSTOMIZATION["configMapGenerator"]}
    assert {path.name for path in FOLDER.glob("*.yaml")} == {
        *KUSTOMIZATION["resources"], *generated, "kustomization.yaml"
    }  # fmt: skip


def test_probes_ask_the_admin_listener() -> None:
    container = pod("dmz/front")["containers"][0]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports["admin"] == int(CONFIG["admin"].rpartition(":")[2])
    paths = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert paths == {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}


def test_there_is_time_to_finish_what_is_under_way() -> None:
    drain = int(CONFIG["drain_seconds"].removesuffix("s"))
    assert pod("dmz/front")["terminationGracePeriodSeconds"] > drain + 5
