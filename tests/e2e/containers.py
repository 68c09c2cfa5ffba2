"""The services of docker/compose.yaml, started by podman as the file says, on a network of their own.

    outside (198.51.100.2) ---- engine (198.51.100.1): published ports, podman's bridges ---- containers

`outside` and `engine` are network namespaces: nothing is published, and no rule is loaded, on this machine's own
network. Every key of a service has a row in a table here; one that is not known is a KeyError, never left out in
silence. What is made here is gone after `close`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from lab import Machine
from servers import PATH

ENGINE, OUTSIDE = "198.51.100.1", "198.51.100.2"
PROGRAMS = ("podman", "runc", "iptables", "ip", "nsenter", "buildah", "debootstrap")
_LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
"""Where even root may not raise limits, an engine that wants more than there is does not start."""
Words = Iterator[str]


def _ports(ports: list[str]) -> Words:
    yield from (f"--publish={one}" for one in ports)


def _networks(legs: dict[str, dict[str, str]]) -> Words:
    yield from (f"--network={name}:ip={leg['ipv4_address']}" for name, leg in legs.items())


def _tmpfs(mounts: list[str]) -> Words:
    yield from (f"--tmpfs={one}" for one in mounts)


def _nothing(_: Any) -> Words:
    yield from ()


OPTIONS: dict[str, Callable[[Any], Words]] = {
    "user": lambda value: iter([f"--user={value}"]),
    "read_only": lambda value: iter(["--read-only", "--read-only-tmpfs=false"] if value else []),
    "cap_drop": lambda names: iter([f"--cap-drop={name}" for name in names]),
    "security_opt": lambda words: iter([f"--security-opt={word.removesuffix(':true')}" for word in words]),
    "ipc": lambda value: iter([f"--ipc={value}"]),
    "init": lambda value: iter(["--init"] if value else []),
    "ports": _ports,
    "networks": _networks,
    "tmpfs": _tmpfs,
    "mem_limit": lambda value: iter([f"--memory={value}"]),
    "pids_limit": lambda value: iter([f"--pids-limit={value}"]),
    "stop_grace_period": lambda value: iter([f"--stop-timeout={value.removesuffix('s')}"]),
    # What the tests do themselves: order, restarts, logs, health.
    "depends_on": _nothing,
    "restart": _nothing,
    "logging": _nothing,
    "healthcheck": _nothing,
    # Not options: see `start`.
    "image": _nothing,
    "command": _nothing,
    "volumes": _nothing,
}


class Containers:
    """Namespaces, networks and containers; `store` is where the image was built, `folder` for what is written."""

    def __init__(self, compose: Path, store: Path, folder: Path) -> None:
        self.compose: dict[str, Any] = yaml.safe_load(compose.read_text("utf-8"))
        self._store, self._folder, self._place = store, folder, compose.parent
        self.engine = Machine("engine", f"rp{os.getpid()}-engine", {})
        self.outside = Machine("outside", f"rp{os.getpid()}-outside", {})
        self.bound: dict[str, Path] = {}
        """Folders to bind instead of those that the file names."""
        self.more: list[str] = []
        """Options for the front end that the file does not have."""
        try:
            self._wire()
            for name, network in self.compose["networks"].items():
                inner = ["--internal"] if network.get("internal") else []
                self.podman("network", "create", *inner, "--subnet", network["ipam"]["config"][0]["subnet"], name)
        except BaseException:
            self.close()
            raise

    def _wire(self) -> None:
        ip = shutil.which("ip", path=PATH) or "ip"
        for machine in (self.engine, self.outside):
            subprocess.run([ip, "netns", "add", machine.space], check=True, timeout=30)
            machine.command("ip", "link", "set", "lo", "up")
        self.engine.command("ip", "link", "add", "wire", "type", "veth", "peer", "wire", "netns", self.outside.space)
        for machine, address in ((self.engine, ENGINE), (self.outside, OUTSIDE)):
            machine.command("ip", "address", "add", f"{address}/24", "dev", "wire")
            machine.command("ip", "link", "set", "wire", "up")
        self.engine.command("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.outside.command("ip", "route", "add", "default", "via", ENGINE)

    def podman(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman on the engine's network, with everything that it keeps in the store."""
        places = [
            "--root",
            f"{self._store}/images",
            "--runroot",
            f"{self._store}/run",
            "--tmpdir",
            f"{self._store}/tmp",
        ]
        more = [
            "--network-config-dir",
            f"{self._store}/networks",
            "--runtime",
            "runc",
            "--cgroup-manager",
            "cgroupfs",
        ]
        return self.engine.command("podman", *places, *more, *words, check=check)

    def start(self, name: str) -> None:
        """Start a service; returns when the engine has started it."""
        service = self.compose["services"][name]
        options = [word for key, value in service.items() for word in OPTIONS[key](value)]
        for mount in service.get("volumes", ()):
            source = mount["source"]
            if mount["type"] == "bind":
                source = self.bound.get(source, self._place / source)
            options.append(f"--volume={source}:{mount['target']}" + (":ro" if mount.get("read_only") else ""))
        options += self.more if name == "front" else []
        self.podman(
            "run", "--detach", f"--name={name}", *_LIMITS, *options, service["image"], *service.get("command", ())
        )

    def python(self, name: str, code: str) -> str:
        """What a few lines of Python say inside a container."""
        return self.podman("exec", name, "/opt/revproxy/bin/python", "-c", code).stdout.strip()

    def inspect(self, name: str, form: str) -> str:
        return self.podman("inspect", "--format", form, name).stdout.strip()

    def close(self) -> None:
        """Remove containers, volumes, networks and namespaces."""
        self.podman("rm", "--force", "--all", "--volumes", "--time", "1", check=False)
        self.podman("volume", "prune", "--force", check=False)
        self.podman("network", "rm", *self.compose["networks"], check=False)
        for machine in (self.engine, self.outside):
            for door in machine.doors:
                door.close()
            subprocess.run([shutil.which("ip", path=PATH) or "ip", "netns", "delete", machine.space], check=False,
                           capture_output=True, timeout=30)  # fmt: skip
