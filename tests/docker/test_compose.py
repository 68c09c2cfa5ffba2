"""docker/compose.yaml and the Dockerfile say what docker/README.md promises, and agree with the configuration."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
CONFIG: dict[str, Any] = yaml.safe_load((DOCKER / "config/revproxy.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
FRONT = SERVICES["front"]
DOCKERFILE = (DOCKER / "Dockerfile").read_text("utf-8")
_COPY = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)


def place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "65532:65532"
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    more = {"privileged", "cap_add", "devices", "network_mode", "pid", "userns_mode", "env_file", "environment"}
    assert not more & set(service)
    assert service["ipc"] == "private"


@pytest.mark.parametrize("name", SERVICES)
def test_tmpfs_hold_no_programs_and_have_a_size(name: str) -> None:
    for mount in SERVICES[name]["tmpfs"]:
        options = mount.partition(":")[2].split(",")
        assert {"nosuid", "nodev", "noexec"} <= set(options)
        assert any(option.startswith("size=") for option in options)


def test_published_are_the_listeners_of_the_front_end_and_nothing_else() -> None:
    published = {int(one.rpartition(":")[2]) for one in FRONT["ports"]}
    assert published == {place(listener["bind"])[1] for listener in CONFIG["listeners"]}
    assert not any("ports" in service or "expose" in service for name, service in SERVICES.items() if name != "front")


def test_listeners_are_on_the_outer_leg_and_the_admin_listener_on_that_of_the_dmz() -> None:
    legs = {name: leg["ipv4_address"] for name, leg in FRONT["networks"].items()}
    assert set(legs) == {"external", "dmz", "internal"}
    assert {place(listener["bind"])[0] for listener in CONFIG["listeners"]} == {legs["external"]}
    assert place(CONFIG["admin"])[0] == legs["dmz"]


def test_upstreams_are_what_the_internal_services_listen_on() -> None:
    inside = {place(SERVICES[name]["command"][2]) for name in ("web", "mail")}
    assert {place(upstream["address"]) for upstream in CONFIG["upstreams"].values()} == inside
    for name in ("web", "mail"):
        assert list(SERVICES[name]["networks"]) == ["internal"]
        assert place(SERVICES[name]["command"][2])[0] == SERVICES[name]["networks"]["internal"]["ipv4_address"]


def test_only_the_outer_network_leads_anywhere() -> None:
    assert {name for name, network in COMPOSE["networks"].items() if network.get("internal") is not True} == {
        "external"
    }
    options = COMPOSE["networks"]["external"]["driver_opts"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_networks_are_the_zones_of_the_configuration() -> None:
    nets = {n: {one["subnet"] for one in network["ipam"]["config"]} for n, network in COMPOSE["networks"].items()}
    assert set(CONFIG["zones"]["internal"]) == nets["internal"]
    assert set(CONFIG["zones"]["dmz"]) == nets["external"] | nets["dmz"]
    for service in SERVICES.values():
        for name, leg in service["networks"].items():
            assert any(ipaddress.ip_address(leg["ipv4_address"]) in ipaddress.ip_network(n) for n in nets[name])


def test_every_file_and_volume_that_is_named_is_there() -> None:
    for mount in FRONT["volumes"]:
        if mount["type"] == "bind":
            assert (DOCKER / mount["source"]).is_dir()
            assert mount["read_only"] is True
        else:
            assert mount["source"] in COMPOSE["volumes"]
            assert mount["target"] in DOCKERFILE
    for words in _COPY.findall(DOCKERFILE):
        for name in words.split():
            assert (ROOT / name).exists(), name


def test_what_the_image_is_made_of_is_sent_to_the_builder() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for words in _COPY.findall(DOCKERFILE):
        assert all(any(Path(name).match(pattern) for pattern in kept) for name in words.split())


def test_there_is_time_to_finish_what_is_under_way() -> None:
    assert int(FRONT["stop_grace_period"].removesuffix("s")) > int(CONFIG["drain_seconds"].removesuffix("s"))


def test_the_image_has_a_user_and_begins_with_nothing() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert last.startswith("\nFROM scratch\n")
    assert "\nUSER 65532:65532\n" in last
    # No shell: every command is a list of words.
    assert all(line.rstrip().endswith("]") for line in last.splitlines() if re.match(r" *(CMD|ENTRYPOINT)", line))
    assert "RUN" not in last


def test_ports_of_the_image_are_above_those_that_need_root() -> None:
    exposed = next(line for line in DOCKERFILE.splitlines() if line.startswith("EXPOSE")).split()[1:]
    assert all(int(port) >= 1024 for port in exposed)
    assert {one.rpartition(":")[2] for one in FRONT["ports"]} <= set(exposed)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_every_wheel_has_its_hash(name: str) -> None:
    text = (DOCKER / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert all("==" in line and "--hash=sha256:" in line for line in lines)


def test_every_dependency_is_locked() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert listed is not None
    wanted = set(re.findall(r'^  "([a-z0-9-]+)', listed.group(1), re.MULTILINE))
    locked = set(re.findall(r"^([a-z0-9-]+)==", (DOCKER / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert wanted <= locked
